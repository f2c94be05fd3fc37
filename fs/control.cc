#include "fs/control.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "fs/directories.h"
#include "fs/private_file.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kControlThreads = 6;  // one waits, the others answer
constexpr int kTickMs = 1000;
constexpr std::size_t kLongestLine = 4u << 20;

Error Failure(const std::string& what) {
  return {Code::kUnavailable, what + ": " + std::generic_category().message(errno)};
}

Result<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error{Code::kNameTooLong, "the socket's path is too long: " + path};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// -1 with errno set.
int ConnectTo(const sockaddr_un& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

bool SendAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Up to and without the newline, or to the end of the stream when `whole`; nothing on failure.
std::optional<std::string> Receive(int fd, bool whole) {
  std::string text;
  char c = 0;
  char buffer[4096];
  while (text.size() < kLongestLine) {
    const ssize_t got = whole ? recv(fd, buffer, sizeof buffer, 0) : recv(fd, &c, 1, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return whole ? std::optional(text) : std::nullopt;
    if (!whole && c == '\n') return text;
    text.append(whole ? buffer : &c, static_cast<std::size_t>(got));
  }
  return std::nullopt;
}

std::optional<ucred> PeerOf(int fd) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer;
}

sigset_t EndingSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

std::string OneLine(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r') c = ' ';
  return text;
}

}  // namespace

class ControlServer::Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

ControlServer::ControlServer(ControlHandlers handlers)
    : handlers_(std::move(handlers)), pool_(kControlThreads) {
  const sigset_t set = EndingSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = std::make_unique<Descriptor>(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  wake_ = std::make_unique<Descriptor>(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  pool_.Submit([this] { Loop(); });
}

ControlServer::~ControlServer() {
  stopping_ = true;
  const std::uint64_t one = 1;
  if (write(wake_->fd(), &one, sizeof one) < 0) errno = 0;  // the loop ticks, and sees it then
  const Lock lock(mu_);
  if (!path_.empty()) unlink(path_.c_str());
}

Status ControlServer::Listen(const std::vector<std::string>& paths) {
  Status last = Ok();
  for (const std::string& path : paths) {
    last = ListenAt(path);
    if (last || last.error().code == Code::kBusy) break;
  }
  return last;
}

Status ControlServer::ListenAt(const std::string& path) {
  COFFER_ASSIGN(const sockaddr_un address, AddressOf(path));
  COFFER_TRY(MakePrivateDirectory(path.substr(0, path.rfind('/'))));
  const int probe = ConnectTo(address);
  if (probe >= 0) {
    const auto peer = PeerOf(probe);
    close(probe);
    return Error{Code::kBusy, "a mount that was here is still storing its data (process " +
                                  std::to_string(peer ? peer->pid : 0) + ")"};
  }
  unlink(path.c_str());
  auto listener =
      std::make_unique<Descriptor>(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (bind(listener->fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), 0600) != 0 || listen(listener->fd(), 16) != 0)
    return Failure(path);
  const Lock lock(mu_);
  listener_ = std::move(listener);
  path_ = path;
  const std::uint64_t one = 1;
  if (write(wake_->fd(), &one, sizeof one) < 0) errno = 0;
  return Ok();
}

void ControlServer::Loop() {
  while (!stopping_) {
    pollfd waits[3] = {{signals_->fd(), POLLIN, 0}, {wake_->fd(), POLLIN, 0}, {-1, POLLIN, 0}};
    {
      const Lock lock(mu_);
      if (listener_) waits[2].fd = listener_->fd();
    }
    poll(waits, 3, kTickMs);
    std::uint64_t woken = 0;
    if (read(wake_->fd(), &woken, sizeof woken) < 0) errno = 0;
    signalfd_siginfo info = {};
    while (read(signals_->fd(), &info, sizeof info) == sizeof info)
      handlers_.signal(static_cast<int>(info.ssi_signo));
    if ((waits[2].revents & POLLIN) != 0) Accept();
    handlers_.tick();
  }
}

void ControlServer::Accept() {
  int connection = -1;
  {
    const Lock lock(mu_);
    connection = accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC);
  }
  if (connection < 0) return;
  pool_.Submit([this, connection] {
    const Descriptor owned(connection);
    Answer(connection);
  });
}

void ControlServer::Answer(int connection) {
  const auto peer = PeerOf(connection);
  if (!peer || (peer->uid != 0 && peer->uid != geteuid())) return;
  const timeval patience = {5, 0};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const auto asked = Receive(connection, false);
  if (asked == "status") {
    SendAll(connection, handlers_.status());
  } else if (asked == "drain") {
    // Who asked may go away; the work goes on.
    const Status done = handlers_.drain(
        [&](const std::string& line) { SendAll(connection, "+ " + OneLine(line) + "\n"); });
    SendAll(connection, done ? "ok\n" : "failed " + OneLine(done.error().what) + "\n");
  }
}

std::vector<std::string> ControlSockets(const std::string& directory, uid_t owner,
                                        const Environment& environment) {
  const Sha256Digest digest = Sha256(AsBytes(directory));
  const std::string name = "/" + HexEncode(ByteView(digest.data(), 8)) + ".sock";
  std::vector<std::string> sockets = RuntimeDirectories(owner, environment);
  for (std::string& socket : sockets) socket += name;
  return sockets;
}

Result<std::unique_ptr<ControlClient>> ControlClient::Connect(
    const std::vector<std::string>& paths) {
  Error last{Code::kNotFound, "no mount answers"};
  for (const std::string& path : paths) {
    COFFER_ASSIGN(const sockaddr_un address, AddressOf(path));
    const int fd = ConnectTo(address);
    if (fd >= 0) return std::unique_ptr<ControlClient>(new ControlClient(fd));
    if (errno == EACCES || errno == EPERM)
      last = {Code::kDenied, path + ": " + std::generic_category().message(errno)};
  }
  return last;
}

ControlClient::~ControlClient() { close(fd_); }

Result<std::string> ControlClient::Status() {
  const timeval patience = {10, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (!SendAll(fd_, "status\n")) return Failure("ask the mount");
  auto text = Receive(fd_, true);
  if (!text || text->empty()) return Error{Code::kTimeout, "the mount does not answer"};
  return std::move(*text);
}

Status ControlClient::Drain(const Progress& progress) {
  if (!SendAll(fd_, "drain\n")) return Failure("ask the mount");
  for (;;) {
    const auto line = Receive(fd_, false);
    if (!line) return Error{Code::kUnavailable, "the mount ended without a word; see its log"};
    if (line->starts_with("+ ")) {
      progress(line->substr(2));
    } else if (*line == "ok") {
      return AwaitEnd();
    } else {
      constexpr std::size_t kWord = sizeof "failed";
      return Error{Code::kUnavailable, line->size() > kWord ? line->substr(kWord) : *line};
    }
  }
}

Status ControlClient::AwaitEnd() const {
  const auto peer = PeerOf(fd_);
  const long process = peer ? syscall(SYS_pidfd_open, peer->pid, 0) : -1;
  // No such process: it is gone already.
  if (process < 0) return Ok();
  pollfd wait = {static_cast<int>(process), POLLIN, 0};
  const int ended = poll(&wait, 1, 30'000);
  close(static_cast<int>(process));
  if (ended > 0) return Ok();
  return Error{Code::kTimeout, "everything is stored, but the mount's process does not end"};
}

}  // namespace coffer::fs
