#include "fs/daemon.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "fs/exit_code.h"

namespace coffer::fs {
namespace {

// The user's process: waits until the other has detached, or ended.
int Await(int fd, pid_t child) {
  char ready = 0;
  ssize_t got = 0;
  do {
    got = read(fd, &ready, 1);
  } while (got < 0 && errno == EINTR);
  close(fd);
  if (got == 1) return kExitOk;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) return WEXITSTATUS(status);
  std::cerr << "coffer: the background process ended before the mount worked ("
            << (WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                    : std::string("without a reason"))
            << ")\n";
  return kExitFailed;
}

}  // namespace

Readiness::~Readiness() {
  if (fd_ >= 0) close(fd_);
}

void Readiness::Detach() {
  if (fd_ < 0) return;
  setsid();
  if (chdir("/") != 0) return;
  umask(077);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (null >= 0) dup2(null, standard);
  }
  if (null > STDERR_FILENO) close(null);
  const char ready = 1;
  // A user's process that is gone already needs no answer.
  if (write(fd_, &ready, 1) != 1) errno = 0;
  close(fd_);
  fd_ = -1;
}

int RunInBackground(const std::function<int(Readiness&)>& body) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    std::perror("coffer: pipe");
    return kExitFailed;
  }
  const pid_t child = fork();
  if (child < 0) {
    std::perror("coffer: fork");
    return kExitFailed;
  }
  if (child > 0) {
    close(ends[1]);
    return Await(ends[0], child);
  }
  // What the caller had open besides (a lock, a pipe somebody waits on) is none of the mount's.
  if (ends[1] > STDERR_FILENO + 1) close_range(STDERR_FILENO + 1, ends[1] - 1, 0);
  close_range(ends[1] + 1, ~0U, 0);
  int code = kExitFailed;
  {
    Readiness readiness(ends[1]);
    code = body(readiness);
  }
  std::exit(code);  // NOLINT(concurrency-mt-unsafe): the body has ended its threads
}

int RunInForeground(const std::function<int(Readiness&)>& body) {
  Readiness readiness(-1);
  return body(readiness);
}

}  // namespace coffer::fs
