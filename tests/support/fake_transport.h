// A Transport whose replies are written down beforehand, and which remembers what it was asked.

#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "s3client/transport.h"

namespace coffer::s3 {

// A request as a test looks at it, with a body of its own.
struct SeenRequest {
  Operation operation;
  std::string method;
  Url url;
  Headers headers;
  std::string body;
  std::string payload_hash;
  bool xml_reply;

  std::string Query(std::string_view name) const {
    for (const auto& [key, value] : url.query) {
      if (key == name) return value;
    }
    return "";
  }
};

inline Response Reply(int status, std::vector<std::pair<std::string, std::string>> headers = {},
                      std::string_view body = "") {
  Response response;
  response.status = status;
  for (auto& [name, value] : headers) response.headers.Add(name, value);
  const ByteView bytes = AsBytes(body);
  response.body.assign(bytes.begin(), bytes.end());
  return response;
}

inline std::string ErrorXml(std::string_view code, std::string_view message = "said so") {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + std::string(code) +
         "</Code><Message>" + std::string(message) + "</Message><RequestId>R1</RequestId></Error>";
}

// Safe to share between threads. Replies are given in order; the last one again and again.
class FakeTransport : public Transport {
 public:
  using Answer = std::function<Result<Response>(const Request&)>;

  FakeTransport& Then(Response response) {
    return Then([response](const Request&) -> Result<Response> { return response; });
  }
  FakeTransport& Then(Error error) {
    return Then([error](const Request&) -> Result<Response> { return error; });
  }
  FakeTransport& Then(Answer answer) {
    answers_.push_back(std::move(answer));
    return *this;
  }

  Result<Response> Send(const Request& request) override {
    Answer answer;
    {
      const std::lock_guard lock(mu_);
      seen_.push_back({request.operation, request.method, request.url, request.headers,
                       std::string(AsText(request.body)), request.payload_hash, request.xml_reply});
      if (answers_.empty()) return Error{Code::kUnavailable, "no reply was written down"};
      answer = answers_.front();
      if (answers_.size() > 1) answers_.pop_front();
    }
    return answer(request);
  }

  const std::vector<SeenRequest>& seen() const { return seen_; }

 private:
  std::mutex mu_;
  std::deque<Answer> answers_;
  std::vector<SeenRequest> seen_;
};

}  // namespace coffer::s3
