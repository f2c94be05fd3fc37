// AWS's config and credentials files.

#include "s3client/aws_config.h"
#include "tests/fuzz/fuzz.h"

namespace coffer::test {
namespace {

bool IsTrimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  return text.empty() ||
         (kBlank.find(text.front()) == kBlank.npos && kBlank.find(text.back()) == kBlank.npos);
}

}  // namespace

void FuzzConfig(ByteView input) {
  const auto file = s3::ParseIni(AsText(input));
  if (!file) {
    Must(file.error().what.size() < 200 && file.error().what.find('\n') == std::string::npos,
         "an error is one line and quotes nothing");
    return;
  }
  for (const auto& [section, values] : *file) {
    Must(IsTrimmed(section), "a section's name is trimmed");
    for (const auto& [name, value] : values) {
      Must(!name.empty() && IsTrimmed(name), "a key has a name");
      Must(name.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ=\n") == std::string::npos,
           "a key is in lower case");
      Must(IsTrimmed(value), "a value is trimmed");
    }
    const s3::Profile profile(section, &values, nullptr);
    for (const auto& [name, value] : values)
      Must(profile.Get(name) == value, "a profile has its values");
  }
}

}  // namespace coffer::test
