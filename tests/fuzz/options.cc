// The command line, the words of -o, the configuration file, and values of options.

#include "fs/options.h"

#include <fstream>
#include <optional>

#include "fs/option_table.h"
#include "fs/option_values.h"
#include "fs/option_words.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/temp_directory.h"

namespace coffer::test {
namespace {

void MustExplain(const Error& error) {
  Must(error.code == Code::kInvalid || error.code == Code::kDenied,
       "what is wrong with a command line is said to be so");
  Must(!error.what.empty(), "and in words");
}

void CheckValues(const std::string& text) {
  if (const auto size = fs::ParseSize(text))
    Must(fs::ParseSize(std::to_string(*size)).value() == *size || *size > (1ull << 53),
         "a size there and back");
  if (const auto mode = fs::ParseMode(text, 0777)) Must(*mode <= 0777, "a mode is in its bounds");
  if (const auto duration = fs::ParseDuration(text))
    Must(duration->count() >= 0, "a duration is not negative");
  if (const auto number = fs::ParseNumber(text))
    Must(fs::ParseNumber(std::to_string(*number)).value() == *number, "a number there and back");
  (void)fs::ParseSwitch(text).has_value();
}

void CheckWords(const std::string& text) {
  const auto words = fs::SplitMountWords(text);
  if (!words) return;
  for (const fs::MountWord& word : *words) {
    Must(word.name.find_first_of("_=") == std::string::npos, "a word's name is spelled in one way");
    (void)fs::FindMountWord(word.name);
    (void)fs::FindForeignOption(word.name);
  }
}

void CheckCommandLine(const fs::CommandLine& line) {
  if (const auto* mount = std::get_if<fs::MountOptions>(&line.command)) {
    Must(!mount->volume.source.empty() && !mount->directory.empty(), "a mount is of something");
    Must(mount->file_mode <= 07777 && mount->dir_mode <= 07777 && mount->umask <= 0777,
         "modes are in their bounds");
  }
}

}  // namespace

void FuzzOptions(ByteView input) {
  Pieces pieces(input);
  std::vector<std::string> args;
  for (std::string line = pieces.Line(); !line.empty(); line = pieces.Line()) {
    CheckValues(line);
    CheckWords(line);
    args.push_back(std::move(line));
  }
  std::optional<TempDirectory> directory;  // only where there is a file: it is what takes time
  std::string config = "/nonexistent/coffer.conf";
  if (!pieces.done()) {
    config = directory.emplace().path() + "/coffer.conf";
    std::ofstream(config) << pieces.Rest();
  }
  const fs::Environment environment{{"AWS_CONFIG_FILE", "/nonexistent"},
                                    {"AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"}};
  // No file but its own may be read: what --config names does not exist.
  for (std::string& arg : args)
    if (arg.find('/') != std::string::npos && !arg.starts_with("s3://")) arg = "/nonexistent/x";
  const auto line = fs::ParseCommandLine(args, environment, config);
  if (line) {
    CheckCommandLine(*line);
  } else {
    MustExplain(line.error());
  }
}

}  // namespace coffer::test
