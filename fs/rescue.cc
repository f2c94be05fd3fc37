#include "fs/rescue.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "fs/json.h"
#include "fs/private_file.h"
#include "s3client/time_text.h"

namespace coffer::fs {
namespace {

constexpr std::string_view kDescription = ".json";

// What of the key's last component is harmless in a file name and on a terminal.
std::string HarmlessName(std::string_view key) {
  constexpr std::size_t kLongest = 64;
  std::string name;
  for (const char c : key.substr(key.rfind('/') + 1)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    if (name.size() < kLongest) name += plain ? c : '_';
  }
  return name.empty() ? "file" : name;
}

std::string DescriptionOf(const RescueReason& reason, ByteView bytes, const std::string& time) {
  Json json;
  json["key"] = reason.key;
  // JSON holds text only; this form is exact for keys of any bytes.
  json["key_escaped"] = UriEscape(reason.key, Slash::kKeep);
  json["expected_etag"] = reason.etag;
  json["time"] = time;
  json["reason"] = reason.what;
  json["size"] = bytes.size();
  json["sha256"] = HexEncode(Sha256(bytes));
  return ToText(json) + "\n";
}

Status WriteWhole(const std::string& path, ByteView bytes) {
  COFFER_ASSIGN(PrivateFile file, PrivateFile::Create(path));
  Status written = file.Append(bytes);
  if (written) written = file.Sync();
  if (!written) (void)RemoveFile(path);
  return written;
}

}  // namespace

Rescue::Rescue(std::string directory) : Rescue(std::move(directory), Limits{}) {}
Rescue::Rescue(std::string directory, const Limits& limits)
    : directory_(std::move(directory)), limits_(limits) {}

Status Rescue::CheckRoom(std::uint64_t more) const {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::error_code error;
  std::filesystem::directory_iterator it(directory_, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    if (it->path().extension() == kDescription) continue;
    std::error_code ignored;  // somebody may be clearing up at this moment
    const std::uintmax_t size = it->file_size(ignored);
    ++files;
    if (!ignored) bytes += size;
  }
  if (error) return Error{Code::kUnavailable, directory_ + ": " + error.message()};
  if (files < limits_.files && more <= limits_.bytes && bytes <= limits_.bytes - more) return Ok();
  return Error{Code::kNoSpace, "the rescue directory " + directory_ + " is full (" +
                                   std::to_string(files) + " files of at most " +
                                   std::to_string(limits_.files) + ", " + std::to_string(bytes) +
                                   " bytes of at most " + std::to_string(limits_.bytes) +
                                   "): look through it and remove what is not needed"};
}

Result<std::string> Rescue::Save(const RescueReason& reason, ByteView bytes) {
  const Lock lock(mu_);
  COFFER_TRY(MakePrivateDirectory(directory_));
  COFFER_TRY(CheckRoom(bytes.size()));
  const std::string time = s3::IsoTime(std::chrono::system_clock::now());
  const std::string stem = directory_ + "/" + time + "-";
  const std::string name = HarmlessName(reason.key);
  constexpr int kTries = 10'000;  // as many as can be saved in one second, and then some
  Status saved = Ok();
  for (int n = 0; n < kTries; ++n) {
    std::string path = stem;
    if (n > 0) path.append(std::to_string(n)).append("-");
    path += name;
    saved = WriteWhole(path, bytes);
    if (!saved && saved.error().code == Code::kExists) continue;
    COFFER_TRY(std::move(saved));
    saved =
        WriteWhole(path + std::string(kDescription), AsBytes(DescriptionOf(reason, bytes, time)));
    if (saved) saved = SyncDirectory(directory_);
    if (saved) return path;
    (void)RemoveFile(path);
    if (saved.error().code != Code::kExists) break;
  }
  return std::move(saved).error();
}

}  // namespace coffer::fs
