// A TCP server for tests of the HTTP client: it reads requests and answers with the bytes it was
// given, however wrong they are as HTTP.

#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace coffer {

// What the server does with one request.
struct RawAnswer {
  std::string bytes;
  bool close = false;      // after the bytes
  bool reset = false;      // instead of a proper end
  int delay_ms = 0;        // before the bytes
  int pause_ms = 0;        // in the middle of the bytes
  bool skip_body = false;  // answer once the head is there
};

// Listens on loopback until it is destroyed, one connection at a time. Answers are used up in
// order.
class RawServer {
 public:
  explicit RawServer(std::vector<RawAnswer> answers);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  std::uint16_t port() const { return port_; }
  // Requests as they came, head and body.
  std::vector<std::string> requests() const;
  int connections() const;

 private:
  void Serve();
  void ServeConnection(int fd);

  int listener_ = -1;
  int stop_[2] = {-1, -1};
  std::uint16_t port_ = 0;
  mutable std::mutex mu_;
  std::deque<RawAnswer> answers_;
  std::vector<std::string> requests_;
  int connections_ = 0;
  std::thread thread_;
};

}  // namespace coffer
