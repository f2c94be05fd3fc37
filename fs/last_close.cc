#include "fs/last_close.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::fs {
namespace {

struct DirectoryCloser {
  void operator()(DIR* dir) const { closedir(dir); }
};
using DirectoryHandle = std::unique_ptr<DIR, DirectoryCloser>;

struct Descriptor {
  explicit Descriptor(int number) : fd(number) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  const int fd;
};

// A small file of /proc, whole; nothing when it cannot be read (errno says why).
std::optional<std::string> ReadSmall(int at, const char* path) {
  const Descriptor file(::openat(at, path, O_RDONLY | O_CLOEXEC));
  if (file.fd < 0) return std::nullopt;
  std::array<char, 4096> buffer = {};
  const ssize_t n = ::read(file.fd, buffer.data(), buffer.size());
  if (n < 0) return std::nullopt;
  return std::string(buffer.data(), static_cast<std::size_t>(n));
}

// The number that follows "name:" at the start of a line.
std::optional<std::uint64_t> Field(std::string_view text, std::string_view name, int base) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with(name)) continue;
    line.remove_prefix(name.size());
    const std::size_t digit = line.find_first_not_of(" \t");
    if (digit == std::string_view::npos) return std::nullopt;
    std::uint64_t value = 0;
    const auto [p, error] =
        std::from_chars(line.data() + digit, line.data() + line.size(), value, base);
    if (error != std::errc()) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

// kYes when `info` (the text of an fdinfo file) is a writable descriptor of that file.
Holder MatchingHolder(std::string_view info, std::uint64_t ino, std::uint64_t mount_id) {
  const auto mount = Field(info, "mnt_id:", 10);
  const auto flags = Field(info, "flags:", 8);
  const auto number = Field(info, "ino:", 10);
  // Kernels before 5.14 do not say `ino`.
  if (!mount || !flags || !number) return Holder::kUnknown;
  const bool writable = (*flags & O_ACCMODE) != O_RDONLY;
  return *mount == mount_id && *number == ino && writable ? Holder::kYes : Holder::kNo;
}

}  // namespace

std::int32_t ProcessOf(std::int32_t thread) {
  if (thread <= 0) return 0;
  const std::string path = "/proc/" + std::to_string(thread) + "/status";
  const auto status = ReadSmall(AT_FDCWD, path.c_str());
  if (!status) return 0;
  return static_cast<std::int32_t>(Field(*status, "Tgid:", 10).value_or(0));
}

Holder HoldsForWriting(std::int32_t process, std::uint64_t ino, std::uint64_t mount_id) {
  if (process <= 0 || mount_id == 0) return Holder::kUnknown;
  const std::string path = "/proc/" + std::to_string(process) + "/fdinfo";
  const DirectoryHandle dir(opendir(path.c_str()));
  if (!dir) return errno == ENOENT || errno == ESRCH ? Holder::kNo : Holder::kUnknown;
  Holder answer = Holder::kNo;
  for (;;) {
    errno = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own
    const dirent* entry = readdir(dir.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] == '.') continue;
    const auto info = ReadSmall(dirfd(dir.get()), entry->d_name);
    if (!info) continue;  // closed meanwhile
    const Holder one = MatchingHolder(*info, ino, mount_id);
    if (one == Holder::kYes) return one;
    if (one == Holder::kUnknown) answer = one;
  }
  if (errno != 0 && errno != ESRCH && errno != ENOENT) return Holder::kUnknown;
  return answer;
}

}  // namespace coffer::fs
