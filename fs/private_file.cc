#include "fs/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

namespace coffer::fs {
namespace {

constexpr mode_t kOwnerOnly = S_IRWXU;
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

Error CallFailed(std::string_view doing, const std::string& path, int number) {
  Code code = Code::kUnavailable;
  if (number == ENOSPC || number == EDQUOT) code = Code::kNoSpace;
  if (number == EACCES || number == EPERM || number == EROFS || number == ELOOP) {
    code = Code::kDenied;
  }
  if (number == EEXIST) code = Code::kExists;
  return {code, std::string(doing) + " " + path + ": " + std::generic_category().message(number)};
}

// Leaves errno alone.
bool FileIsThere(const std::string& path) {
  const int number = errno;
  struct stat info {};
  const bool there = stat(path.c_str(), &info) == 0;
  errno = number;
  return there;
}

template <typename Call>
auto Retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace

PrivateFile::PrivateFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
PrivateFile::PrivateFile(PrivateFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
PrivateFile& PrivateFile::operator=(PrivateFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}
PrivateFile::~PrivateFile() {
  if (fd_ >= 0) close(fd_);
}

Result<PrivateFile> PrivateFile::Create(const std::string& path) {
  const int fd = Retried([&] {
    return open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                S_IRUSR | S_IWUSR);
  });
  if (fd < 0) return CallFailed("create", path, errno);
  return PrivateFile(fd, path);
}

Result<PrivateFile> PrivateFile::Open(const std::string& path) {
  const int fd = Retried(
      [&] { return open(path.c_str(), O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK); });
  if (fd < 0) return CallFailed("open", path, errno);
  return PrivateFile(fd, path);
}

Status PrivateFile::Clear() { return Cut(0); }

Status PrivateFile::Cut(std::uint64_t size) {
  if (ftruncate(fd_, static_cast<off_t>(size)) != 0) return CallFailed("write", path_, errno);
  return Ok();
}

Result<bool> PrivateFile::TryLock() {
  if (Retried([&] { return flock(fd_, LOCK_EX | LOCK_NB); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return CallFailed("lock", path_, errno);
}

bool PrivateFile::IsRemoved() const {
  struct stat info {};
  return fstat(fd_, &info) != 0 || info.st_nlink == 0;
}

Status PrivateFile::Append(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = Retried([&] { return write(fd_, bytes.data(), bytes.size()); });
    if (written < 0) return CallFailed("write", path_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return Ok();
}

Status PrivateFile::ReadAt(std::uint64_t offset, MutableByteView out) const {
  while (!out.empty()) {
    const ssize_t got =
        Retried([&] { return pread(fd_, out.data(), out.size(), static_cast<off_t>(offset)); });
    if (got < 0) return CallFailed("read", path_, errno);
    if (got == 0) return Error{Code::kUnavailable, path_ + " ends too early"};
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return Ok();
}

Status PrivateFile::Sync() {
  if (fdatasync(fd_) != 0) return CallFailed("write", path_, errno);
  return Ok();
}

Status MakePrivateDirectory(const std::string& path) {
  if (path.empty()) return Error{Code::kInvalid, "no directory is named"};
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    // What exists above may lie where mkdir says something else than EEXIST.
    if (mkdir(part.c_str(), kOwnerOnly) != 0 && errno != EEXIST && !FileIsThere(part)) {
      return CallFailed("make directory", part, errno);
    }
    if (end == path.npos) break;
  }
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return CallFailed("make directory", path, errno);
  if (!S_ISDIR(info.st_mode)) return Error{Code::kDenied, path + " is not a directory"};
  if (info.st_uid != geteuid()) {
    return Error{Code::kDenied, path + " belongs to another user: choose another directory"};
  }
  if ((info.st_mode & kOthersWrite) != 0) {
    return Error{Code::kDenied, path + " can be written by others: chmod go-w it"};
  }
  return Ok();
}

Result<bool> HasPrivateFile(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return false;
    return CallFailed("look at", path, errno);
  }
  if (!S_ISREG(info.st_mode) || info.st_uid != geteuid()) {
    return Error{Code::kDenied, path + " is not a file of ours: remove it"};
  }
  constexpr mode_t kMode = S_IRUSR | S_IWUSR;
  if ((info.st_mode & ~(S_IFMT | kMode)) != 0 && chmod(path.c_str(), kMode) != 0) {
    return CallFailed("chmod 600", path, errno);
  }
  return true;
}

Result<std::string> ReadPrivateFile(const std::string& path, std::size_t limit) {
  const int fd =
      Retried([&] { return open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK); });
  if (fd < 0) return CallFailed("read", path, errno);
  std::string text;
  char buffer[1 << 14];
  ssize_t got = 0;
  int number = 0;
  while (text.size() <= limit) {
    got = Retried([&] { return read(fd, buffer, sizeof buffer); });
    if (got < 0) number = errno;
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  close(fd);
  if (number != 0) return CallFailed("read", path, number);
  if (text.size() > limit) return Error{Code::kTooLarge, path + " is larger than it can be"};
  return text;
}

Status ReplacePrivateFile(const std::string& path, std::string_view text) {
  const std::string draft = path + "." + std::to_string(getpid());
  COFFER_TRY(RemoveFile(draft));
  COFFER_ASSIGN(PrivateFile file, PrivateFile::Create(draft));
  COFFER_TRY(file.Append(AsBytes(text)));
  COFFER_TRY(file.Sync());
  if (std::rename(draft.c_str(), path.c_str()) != 0) return CallFailed("replace", path, errno);
  return SyncDirectory(path.substr(0, path.rfind('/')));
}

Result<std::vector<std::string>> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator it(directory, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return CallFailed("read directory", directory, error.value());
  std::sort(names.begin(), names.end());
  return names;
}

Status RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return CallFailed("remove", path, errno);
  return Ok();
}

Status SyncDirectory(const std::string& path) {
  const int fd = Retried([&] { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) return CallFailed("open", path, errno);
  const int failed = fsync(fd) != 0 ? errno : 0;
  close(fd);
  if (failed != 0) return CallFailed("write", path, failed);
  return Ok();
}

}  // namespace coffer::fs
