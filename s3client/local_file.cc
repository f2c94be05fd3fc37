#include "s3client/local_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace coffer::s3 {
namespace {

class OpenFd {
 public:
  explicit OpenFd(const std::string& path)
      // A FIFO would block in open(), and is no place for credentials anyway.
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  ~OpenFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFd(const OpenFd&) = delete;
  OpenFd& operator=(const OpenFd&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

Error Failure(const std::string& path, int error) {
  return {Code::kDenied, "cannot read " + path + ": " + std::generic_category().message(error)};
}

Result<std::string> ReadAll(int fd, const std::string& path) {
  std::string text;
  char buffer[16384];
  while (true) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failure(path, errno);
    if (n == 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > kMaxLocalFileBytes) {
      return Error{Code::kDenied, path + " is larger than 1 MiB: not a credentials file"};
    }
  }
}

struct Opened {
  LocalFile file;
  struct stat info {};
};

Result<std::optional<Opened>> Read(const std::string& path) {
  const OpenFd fd(path);
  if (fd.get() < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::optional<Opened>();
  if (fd.get() < 0) return Failure(path, errno);
  Opened opened;
  if (::fstat(fd.get(), &opened.info) != 0) return Failure(path, errno);
  // AWS_CONFIG_FILE=/dev/null is how people say "no file".
  const bool null_device = S_ISCHR(opened.info.st_mode) && opened.info.st_rdev == makedev(1, 3);
  if (!S_ISREG(opened.info.st_mode) && !null_device) {
    return Error{Code::kDenied, path + " is not a regular file"};
  }
  COFFER_ASSIGN(opened.file.text, ReadAll(fd.get(), path));
  opened.file.others_can_read = (opened.info.st_mode & (S_IRGRP | S_IROTH)) != 0;
  return std::optional<Opened>(std::move(opened));
}

}  // namespace

FileStamp StampOf(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size),
          info.st_mtim.tv_sec * std::int64_t{1000000000} + info.st_mtim.tv_nsec};
}

Result<std::optional<LocalFile>> ReadLocalFile(const std::string& path) {
  COFFER_ASSIGN(auto opened, Read(path));
  if (!opened) return std::optional<LocalFile>();
  return std::optional<LocalFile>(std::move(opened->file));
}

Result<std::string> ReadSecretFile(const std::string& path) {
  COFFER_ASSIGN(auto opened, Read(path));
  if (!opened) return Error{Code::kDenied, "there is no file " + path};
  if ((opened->info.st_mode & 077) != 0) {
    return Error{Code::kDenied, path + " can be used by others than its owner; chmod 600 " + path};
  }
  if (opened->info.st_uid != ::geteuid() && opened->info.st_uid != 0) {
    return Error{Code::kDenied, path + " belongs to another user, who can change it"};
  }
  return std::move(opened->file.text);
}

}  // namespace coffer::s3
