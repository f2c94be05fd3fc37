#include "s3client/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace coffer::s3 {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMaxOutputBytes = 64u << 10;

// One end of a pipe.
class End {
 public:
  End() = default;
  explicit End(int fd) : fd_(fd) {}
  End(End&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  End& operator=(End&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~End() { Close(); }
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

struct Pipe {
  End read;
  End write;
};

Result<Pipe> MakePipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) {
    return Error{Code::kTooManyOpen, "no pipe: " + std::generic_category().message(errno)};
  }
  Pipe pipe{End(fds[0]), End(fds[1])};
  ::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

// What posix_spawn is told; freed with it.
class SpawnPlan {
 public:
  SpawnPlan(int out, int err) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO);
    posix_spawnattr_init(&attributes_);
    // The thread that asks may block or ignore signals; the program must not inherit that.
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  Result<pid_t> Start(const std::vector<std::string>& words) {
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t pid = 0;
    const int error =
        posix_spawnp(&pid, arguments[0], &actions_, &attributes_, arguments.data(), environ);
    if (error == 0) return pid;
    return Error{Code::kDenied,
                 "cannot start " + words[0] + ": " + std::generic_category().message(error)};
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// A started program; killed with its group unless it was seen to end.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Has it ended? Then status() says how.
  bool Ended() {
    int status = 0;
    const pid_t got = ::waitpid(pid_, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) return false;
    // Where SIGCHLD is ignored the kernel keeps no status: that is not a success.
    status_ = got < 0 ? 127 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    pid_ = -1;
    return true;
  }
  int status() const { return status_; }

 private:
  pid_t pid_;
  int status_ = 0;
};

// Takes what there is now; closes the end when there will be no more.
void Drain(End& end, std::string& into) {
  std::array<char, 4096> buffer{};
  while (end.get() >= 0 && into.size() <= kMaxOutputBytes) {
    const ssize_t n = ::read(end.get(), buffer.data(), buffer.size());
    if (n > 0) {
      into.append(buffer.data(), static_cast<std::size_t>(n));
    } else if (n == 0) {
      end.Close();
    } else if (errno != EINTR) {
      if (errno != EAGAIN) end.Close();
      return;
    }
  }
}

// Sleeps until there is something to read, a moment has passed, or the deadline is near.
void Wait(const End& out, const End& err, Steady::time_point deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - Steady::now());
  // Short, because the end of a program that closed its output is only seen by asking.
  const bool silent = out.get() < 0 && err.get() < 0;
  const auto moment = std::clamp(left, milliseconds(0), milliseconds(silent ? 5 : 50));
  std::array<pollfd, 2> watched{pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0}};
  ::poll(watched.data(), watched.size(), static_cast<int>(moment.count()));
}

}  // namespace

Result<ProcessResult> RunProcess(const std::vector<std::string>& words, milliseconds timeout) {
  if (words.empty()) return Error{Code::kDenied, "there is no program to run"};
  COFFER_ASSIGN(Pipe out, MakePipe());
  COFFER_ASSIGN(Pipe err, MakePipe());
  const auto deadline = Steady::now() + timeout;
  COFFER_ASSIGN(const pid_t pid, SpawnPlan(out.write.get(), err.write.get()).Start(words));
  Child child(pid);
  out.write.Close();
  err.write.Close();

  ProcessResult result;
  while (true) {
    const bool ended = child.Ended();
    Drain(out.read, result.out);
    Drain(err.read, result.err);
    if (result.out.size() > kMaxOutputBytes || result.err.size() > kMaxOutputBytes) {
      return Error{Code::kTooLarge, words[0] + " printed more than 64 KiB"};
    }
    if (ended) break;
    if (Steady::now() >= deadline) {
      return Error{Code::kTimeout,
                   words[0] + " did not end within " + std::to_string(timeout.count()) + " ms"};
    }
    Wait(out.read, err.read, deadline);
  }
  result.status = child.status();
  return result;
}

}  // namespace coffer::s3
