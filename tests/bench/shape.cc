// A proxy that makes a server on loopback as far away as S3 is for most people:
//
//   shape TARGET_PORT ROUND_TRIP_MS MB_PER_SECOND
//
// listens on a free port of 127.0.0.1, which it prints, and delays every byte by half the round
// trip each way; a new connection costs one round trip more, as its handshake would. Each
// connection carries so many MB/s (10^6 bytes) each way. Ends on SIGTERM.
//
// One thread. What is under way is bounded: a sender who is faster than the line waits, as it
// would.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <list>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace coffer::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using Micros = std::chrono::microseconds;

constexpr std::size_t kRead = 256u << 10;
constexpr std::size_t kUnderWay = 4u << 20;  // more than 90 MB/s fill in 30 ms

struct Line {
  Micros delay;
  double bytes_per_micro;
};

int Check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

// One direction of a connection.
class Stream {
 public:
  Stream(int from, int to, Time first) : from_(from), to_(to), free_(first) {}

  // Takes what has come, as far as there is room.
  void TakeIn(const Line& line, Time now, std::vector<char>& buffer) {
    while (WantsInput()) {
      const ssize_t got = recv(from_, buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) {
        ended_ = true;
        return;
      }
      free_ = std::max(free_, now) + Micros(static_cast<long>(got / line.bytes_per_micro));
      under_way_ += got;
      chunks_.push_back({free_ + line.delay, {buffer.begin(), buffer.begin() + got}});
    }
  }

  // Passes on what is due. False when the receiver is gone.
  bool PassOn(Time now) {
    full_ = false;
    while (!chunks_.empty() && chunks_.front().due <= now) {
      Chunk& chunk = chunks_.front();
      const ssize_t sent =
          send(to_, chunk.bytes.data() + chunk.sent, chunk.bytes.size() - chunk.sent, MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return false;
      if (sent > 0) {
        under_way_ -= sent;
        chunk.sent += sent;
      }
      full_ = chunk.sent < chunk.bytes.size();
      if (full_) return true;
      chunks_.pop_front();
    }
    if (ended_ && chunks_.empty() && !closed_) {
      shutdown(to_, SHUT_WR);
      closed_ = true;
    }
    return true;
  }

  bool WantsInput() const { return !ended_ && under_way_ < kUnderWay; }
  bool WantsOutput() const { return full_; }
  bool closed() const { return closed_; }
  std::optional<Time> due() const {
    if (chunks_.empty() || full_) return std::nullopt;
    return chunks_.front().due;
  }

 private:
  struct Chunk {
    Time due;
    std::vector<char> bytes;
    std::size_t sent = 0;
  };

  const int from_;
  const int to_;
  Time free_;  // when the line has carried what came before
  std::deque<Chunk> chunks_;
  std::size_t under_way_ = 0;
  bool ended_ = false;   // nothing more will come
  bool full_ = false;    // the receiver takes no more for now
  bool closed_ = false;  // all was passed on
};

class Connection {
 public:
  Connection(int epoll, int client, int server, Time first)
      : epoll_(epoll),
        client_(client),
        server_(server),
        there_(client, server, first),
        back_(server, client, first) {
    const int on = 1;
    for (const int fd : {client, server}) {
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      Check(fcntl(fd, F_SETFL, O_NONBLOCK), "fcntl");
      epoll_event event{};
      event.data.ptr = this;
      Check(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    }
  }

  // Its sockets have something, or take something again.
  void Wake() { ready_ = true; }

  // Moves what can be moved. False when there is nothing left to do.
  bool Move(const Line& line, Time now, std::vector<char>& buffer) {
    const bool ready = std::exchange(ready_, false);
    for (Stream* stream : {&there_, &back_}) {
      if (ready) stream->TakeIn(line, now, buffer);
      if (!stream->PassOn(now)) return false;
    }
    Watch(client_.fd(), there_, back_, client_events_);
    Watch(server_.fd(), back_, there_, server_events_);
    return !there_.closed() || !back_.closed();
  }

  std::optional<Time> due() const {
    const auto there = there_.due();
    const auto back = back_.due();
    if (!there || !back) return there ? there : back;
    return std::min(*there, *back);
  }

 private:
  void Watch(int fd, const Stream& in, const Stream& out, unsigned& watched) {
    const unsigned wanted = (in.WantsInput() ? EPOLLIN : 0u) | (out.WantsOutput() ? EPOLLOUT : 0u);
    if (wanted == watched) return;
    watched = wanted;
    epoll_event event{};
    event.events = wanted;
    event.data.ptr = this;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
  }

  const int epoll_;
  const Socket client_;
  const Socket server_;
  Stream there_;
  Stream back_;
  bool ready_ = true;
  unsigned client_events_ = 0;
  unsigned server_events_ = 0;
};

class Proxy {
 public:
  Proxy(int target_port, Line line) : line_(line), buffer_(kRead) {
    target_.sin_family = AF_INET;
    target_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in own = target_;
    target_.sin_port = htons(target_port);
    Check(bind(listener_.fd(), reinterpret_cast<sockaddr*>(&own), sizeof own), "bind");
    Check(listen(listener_.fd(), SOMAXCONN), "listen");
    epoll_event event{};
    event.events = EPOLLIN;  // and no connection
    Check(epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, listener_.fd(), &event), "epoll_ctl");
    socklen_t size = sizeof own;
    Check(getsockname(listener_.fd(), reinterpret_cast<sockaddr*>(&own), &size), "getsockname");
    std::printf("%d\n", ntohs(own.sin_port));
    std::fflush(stdout);
  }

  [[noreturn]] void Run() {
    for (;;) {
      const Time now = Clock::now();
      std::optional<Time> next;
      // all of them: they are fewer than a hundred
      for (auto it = connections_.begin(); it != connections_.end();) {
        if (!it->Move(line_, now, buffer_)) {
          it = connections_.erase(it);
          continue;
        }
        const auto due = it++->due();
        if (due && (!next || *due < *next)) next = due;
      }
      Wait(next);
    }
  }

 private:
  void Wait(std::optional<Time> until) {
    timespec timeout{};
    if (until) {
      const auto left = std::max(Clock::duration::zero(), *until - Clock::now());
      timeout.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
      timeout.tv_nsec = (left % std::chrono::seconds(1)).count();
    }
    epoll_event events[64];
    const int count = epoll_pwait2(epoll_.fd(), events, 64, until ? &timeout : nullptr, nullptr);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.ptr == nullptr) {
        Accept();
      } else {
        static_cast<Connection*>(events[i].data.ptr)->Wake();
      }
    }
  }

  void Accept() {
    const int client = accept(listener_.fd(), nullptr, nullptr);
    if (client < 0) return;
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(server, reinterpret_cast<sockaddr*>(&target_), sizeof target_) < 0) {
      close(server);
      close(client);
      return;
    }
    connections_.emplace_back(epoll_.fd(), client, server, Clock::now() + 2 * line_.delay);
  }

  const Line line_;
  const Socket epoll_{Check(epoll_create1(0), "epoll_create1")};
  const Socket listener_{Check(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket")};
  sockaddr_in target_{};
  std::list<Connection> connections_;
  std::vector<char> buffer_;
};

}  // namespace
}  // namespace coffer::bench

int main(int argc, char** argv) {
  using namespace coffer::bench;
  if (argc != 4) {
    std::fprintf(stderr, "usage: shape TARGET_PORT ROUND_TRIP_MS MB_PER_SECOND\n");
    return 2;
  }
  try {
    const double round_trip_ms = std::atof(argv[2]);
    Proxy(std::atoi(argv[1]), {Micros(static_cast<long>(round_trip_ms * 500)), std::atof(argv[3])})
        .Run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "shape: %s\n", error.what());
    return 1;
  }
}
