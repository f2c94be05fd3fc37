#include "tests/support/raw_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string_view>

namespace coffer {
namespace {

// Reads until `fd` has something, or the server is told to stop.
bool Readable(int fd, int stop) {
  pollfd fds[] = {{fd, POLLIN, 0}, {stop, POLLIN, 0}};
  return poll(fds, 2, -1) > 0 && fds[1].revents == 0;
}

bool ReadMore(int fd, int stop, std::string& text) {
  char buffer[65536];
  if (!Readable(fd, stop)) return false;
  const ssize_t n = read(fd, buffer, sizeof buffer);
  if (n <= 0) return false;
  text.append(buffer, static_cast<std::size_t>(n));
  return true;
}

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void Pause(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

std::size_t ContentLength(const std::string& head) {
  const auto at = head.find("\r\nContent-Length: ");
  return at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 18, nullptr, 10);
}

}  // namespace

RawServer::RawServer(std::vector<RawAnswer> answers) : answers_(answers.begin(), answers.end()) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 16) != 0 || pipe(stop_) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

RawServer::~RawServer() {
  (void)!write(stop_[1], "x", 1);
  thread_.join();
  close(listener_);
  close(stop_[0]);
  close(stop_[1]);
}

std::vector<std::string> RawServer::requests() const {
  const std::lock_guard lock(mu_);
  return requests_;
}

int RawServer::connections() const {
  const std::lock_guard lock(mu_);
  return connections_;
}

void RawServer::Serve() {
  while (Readable(listener_, stop_[0])) {
    const int fd = accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    {
      const std::lock_guard lock(mu_);
      ++connections_;
    }
    ServeConnection(fd);
    close(fd);
  }
}

void RawServer::ServeConnection(int fd) {
  for (;;) {
    std::string request;
    while (request.find("\r\n\r\n") == std::string::npos) {
      if (!ReadMore(fd, stop_[0], request)) return;
    }
    RawAnswer answer{"", true};
    {
      const std::lock_guard lock(mu_);
      if (!answers_.empty()) {
        answer = answers_.front();
        answers_.pop_front();
      }
    }
    const std::size_t whole = request.find("\r\n\r\n") + 4 + ContentLength(request);
    if (!answer.skip_body && request.find("Expect: 100-continue") != std::string::npos) {
      WriteAll(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    while (!answer.skip_body && request.size() < whole) {
      if (!ReadMore(fd, stop_[0], request)) return;
    }
    {
      const std::lock_guard lock(mu_);
      requests_.push_back(request);
    }
    if (answer.delay_ms > 0) Pause(answer.delay_ms);
    const std::string_view bytes = answer.bytes;
    WriteAll(fd, bytes.substr(0, bytes.size() / 2));
    if (answer.pause_ms > 0) Pause(answer.pause_ms);
    WriteAll(fd, bytes.substr(bytes.size() / 2));
    if (answer.reset) {
      const linger now{1, 0};
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    if (answer.close || answer.reset) return;
  }
}

}  // namespace coffer
