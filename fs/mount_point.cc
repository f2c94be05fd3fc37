#include "fs/mount_point.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <system_error>

#include "s3client/child_process.h"

namespace coffer::fs {
namespace {

constexpr char kFuseDevice[] = "/dev/fuse";
constexpr char kContainerAdvice[] =
    "load the module with 'modprobe fuse', or give a container the device: docker run --device "
    "/dev/fuse --cap-add SYS_ADMIN (and --security-opt apparmor=unconfined where AppArmor is on)";

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using DirectoryStreamHandle = std::unique_ptr<DIR, CloseDirectory>;

std::string ErrorText(int error) { return std::generic_category().message(error); }

// The kernel writes blanks, newlines and backslashes as \040 and so on.
std::string Unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(&text[i + 1], &text[i + 1] + 3, code, 8).ptr == &text[i + 1] + 3) {
      out += static_cast<char>(code);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::optional<MountEntry> ParseLine(const std::string& line) {
  // ID PARENT MAJOR:MINOR ROOT DIRECTORY OPTIONS [TAG...] - TYPE SOURCE SUPER-OPTIONS
  std::istringstream words(line);
  MountEntry entry;
  std::string parent;
  std::string root;
  std::string directory;
  std::string word;
  if (!(words >> entry.id >> parent >> entry.device >> root >> directory >> entry.options))
    return std::nullopt;
  while (words >> word && word != "-") continue;
  std::string source;
  if (word != "-" || !(words >> entry.type >> source >> entry.super_options)) return std::nullopt;
  entry.directory = Unescape(directory);
  entry.source = Unescape(source);
  return entry;
}

// A path's own text without slashes at its end.
std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

Result<std::string> RealPath(const std::string& path) {
  char resolved[PATH_MAX];
  if (realpath(path.c_str(), resolved) == nullptr) {
    const int error = errno;
    return Error{error == ENOENT ? Code::kNotFound : Code::kInvalid,
                 path + ": " + ErrorText(error)};
  }
  return std::string(resolved);
}

Status CheckDevice() {
  const int fd = open(kFuseDevice, O_RDWR | O_CLOEXEC);
  if (fd >= 0) {
    close(fd);
    return Ok();
  }
  const int error = errno;
  if (error == EACCES && geteuid() != 0) {
    return Error{Code::kDenied, std::string(kFuseDevice) +
                                    " may not be opened by this user; it should have mode 0666"};
  }
  return Error{Code::kUnsupported,
               std::string(kFuseDevice) + ": " + ErrorText(error) + "; " + kContainerAdvice};
}

bool InPath(const std::string& program) {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): before any thread
  std::istringstream directories(path == nullptr ? "/usr/bin:/bin" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    if (access(directory.append("/").append(program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

bool OthersMayBeAllowed() {
  std::ifstream file("/etc/fuse.conf");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    if (words >> word && word == "user_allow_other") return true;
  }
  return false;
}

Status CheckUser(const MountPointNeeds& needs) {
  if (geteuid() == 0) return Ok();
  if (!InPath("fusermount3")) {
    return Error{Code::kUnsupported,
                 "fusermount3 is missing, which mounts for users: apt-get install fuse3"};
  }
  if (needs.allow_others && !OthersMayBeAllowed()) {
    return Error{Code::kDenied,
                 "--allow-other and --allow-root need the line 'user_allow_other' in "
                 "/etc/fuse.conf, which root can add"};
  }
  if (needs.no_symfollow) {
    return Error{Code::kUnsupported,
                 "nosymfollow can be set by root only: fusermount3 does not know it"};
  }
  return Ok();
}

Result<bool> IsEmpty(const std::string& directory) {
  const DirectoryStreamHandle handle(opendir(directory.c_str()));
  if (!handle) return Error{Code::kDenied, directory + ": " + ErrorText(errno)};
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own
  while (const dirent* entry = readdir(handle.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return false;
  }
  return true;
}

// What is at DIR already: a mount of ours that lives is in the way, a dead one goes.
Status ClearMounts(const std::string& directory, std::vector<std::string>& notes) {
  while (const auto mount = FindMount(ReadMountInfo(), directory)) {
    if (mount->type != kFilesystemType) return Ok();
    if (IsAlive(directory)) {
      std::string what = directory + " is a mount of coffer already, of " + mount->source;
      what += "; 'coffer umount " + directory + "' ends it";
      return Error{Code::kBusy, std::move(what)};
    }
    COFFER_TRY(Detach(directory, true));
    notes.push_back("detached a dead mount of " + mount->source + " at " + directory);
  }
  return Ok();
}

Error Missing(const std::string& directory) {
  return {Code::kNotFound, directory + " does not exist; 'mkdir -p " + directory + "' makes it"};
}

Status CheckDirectory(const std::string& directory, const MountPointNeeds& needs) {
  struct stat st = {};
  if (stat(directory.c_str(), &st) != 0) {
    const int error = errno;
    if (error == ENOENT) return Missing(directory);
    return Error{Code::kDenied, directory + ": " + ErrorText(error)};
  }
  if (!S_ISDIR(st.st_mode)) return Error{Code::kNotDirectory, directory + " is not a directory"};
  if (geteuid() != 0 && access(directory.c_str(), W_OK) != 0) {
    return Error{Code::kDenied, directory + " must be writable by this user to be mounted on"};
  }
  if (needs.allow_non_empty) return Ok();
  COFFER_ASSIGN(const bool empty, IsEmpty(directory));
  if (empty) return Ok();
  return Error{Code::kNotEmpty, directory +
                                    " is not empty; what it holds would be hidden "
                                    "(--allow-non-empty mounts all the same)"};
}

// Where a link of /proc/PID points; "" when it may not be read.
std::string LinkOf(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = readlink(path.c_str(), target, sizeof target);
  return size < 0 ? std::string() : std::string(target, static_cast<std::size_t>(size));
}

bool IsBelow(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

bool Uses(const std::string& process, std::string_view directory) {
  for (const char* link : {"/cwd", "/root", "/exe"})
    if (IsBelow(LinkOf(process + link), directory)) return true;
  const std::string descriptors = process + "/fd";
  const DirectoryStreamHandle handle(opendir(descriptors.c_str()));
  if (!handle) return false;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own
  while (const dirent* entry = readdir(handle.get()))
    if (IsBelow(LinkOf(descriptors + "/" + entry->d_name), directory)) return true;
  return false;
}

std::string ProcessName(const std::string& process) {
  std::ifstream file(process + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

Status DetachByHelper(const std::string& directory, bool lazily) {
  std::vector<std::string> words = {"fusermount3", "-u"};
  if (lazily) words.emplace_back("-z");
  words.insert(words.end(), {"--", directory});
  auto result = s3::RunProcess(words, std::chrono::seconds(30));
  if (!result) return std::move(result).error().While("unmount " + directory);
  if (result->status == 0) return Ok();
  const bool busy = result->err.find("busy") != std::string::npos;
  return Error{busy ? Code::kBusy : Code::kDenied, "unmount " + directory + ": " + result->err};
}

}  // namespace

std::vector<MountEntry> ParseMountInfo(std::string_view text) {
  std::vector<MountEntry> entries;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);)
    if (auto entry = ParseLine(line)) entries.push_back(std::move(*entry));
  return entries;
}

std::vector<MountEntry> ReadMountInfo() {
  std::ostringstream text;
  text << std::ifstream("/proc/self/mountinfo").rdbuf();
  return ParseMountInfo(text.str());
}

std::optional<std::uint32_t> OwnerOf(const MountEntry& entry) {
  constexpr std::string_view kKey = "user_id=";
  const std::size_t at = entry.super_options.find(kKey);
  if (at == std::string::npos) return std::nullopt;
  std::uint32_t owner = 0;
  const char* begin = entry.super_options.data() + at + kKey.size();
  const auto parsed =
      std::from_chars(begin, entry.super_options.data() + entry.super_options.size(), owner);
  if (parsed.ec != std::errc()) return std::nullopt;
  return owner;
}

std::vector<MountEntry> CofferMounts() {
  std::vector<MountEntry> mounts;
  for (MountEntry& entry : ReadMountInfo())
    if (entry.type == kFilesystemType) mounts.push_back(std::move(entry));
  return mounts;
}

std::optional<MountEntry> FindMount(const std::vector<MountEntry>& mounts,
                                    std::string_view directory) {
  for (auto entry = mounts.rbegin(); entry != mounts.rend(); ++entry)
    if (entry->directory == directory) return *entry;
  return std::nullopt;
}

Result<std::string> RealDirectory(const std::string& path) {
  const std::string trimmed = WithoutSlashes(path);
  const std::size_t slash = trimmed.rfind('/');
  const std::string name = trimmed.substr(slash == std::string::npos ? 0 : slash + 1);
  // A link says where to look; "." and ".." have no parent to look from.
  char target[PATH_MAX];
  if (name.empty() || name == "." || name == ".." ||
      readlink(trimmed.c_str(), target, sizeof target) >= 0)
    return RealPath(trimmed);
  const std::string parent = slash == std::string::npos ? "." : trimmed.substr(0, slash + 1);
  COFFER_ASSIGN(const std::string real, RealPath(parent));
  return (real == "/" ? real : real + "/") + name;
}

bool IsAlive(const std::string& directory) {
  // Attributes may still be cached by the kernel; this question always reaches the process.
  struct statfs st = {};
  return statfs(directory.c_str(), &st) == 0 || errno != ENOTCONN;
}

Status Detach(const std::string& directory, bool lazily) {
  const int flags = UMOUNT_NOFOLLOW | (lazily ? MNT_DETACH : 0);
  if (umount2(directory.c_str(), flags) == 0) return Ok();
  const int error = errno;
  if (error == EPERM) return DetachByHelper(directory, lazily);
  return Error{error == EBUSY ? Code::kBusy : Code::kInvalid,
               "unmount " + directory + ": " + ErrorText(error)};
}

Result<std::string> PrepareMountPoint(const std::string& directory, const MountPointNeeds& needs,
                                      std::vector<std::string>& notes) {
  auto resolved = RealDirectory(directory);
  if (!resolved && resolved.error().code == Code::kNotFound) return Missing(directory);
  COFFER_ASSIGN(const std::string real, std::move(resolved));
  COFFER_TRY(ClearMounts(real, notes));
  COFFER_TRY(CheckDirectory(real, needs));
  COFFER_TRY(CheckDevice());
  COFFER_TRY(CheckUser(needs));
  return real;
}

std::vector<std::string> UsersOf(const std::string& directory, std::size_t limit) {
  std::vector<std::string> users;
  const DirectoryStreamHandle handle(opendir("/proc"));
  if (!handle) return users;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own
  for (const dirent* entry = nullptr; (entry = readdir(handle.get())) && users.size() < limit;) {
    const std::string pid = entry->d_name;
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (pid == std::to_string(getpid())) continue;  // with a descriptor of our caller's
    const std::string process = "/proc/" + pid;
    if (Uses(process, directory)) users.push_back(ProcessName(process) + " (" + pid + ")");
  }
  return users;
}

}  // namespace coffer::fs
