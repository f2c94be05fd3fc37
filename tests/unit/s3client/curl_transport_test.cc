#include "s3client/curl_transport.h"

#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "tests/support/raw_server.h"

namespace coffer::s3::curl_transport_test {

using std::chrono::milliseconds;

std::string Http(std::string_view body, std::string_view more = "") {
  return "HTTP/1.1 200 OK\r\n" + std::string(more) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

Request To(const RawServer& server, std::string method = "GET") {
  Request request;
  request.method = std::move(method);
  request.url.https = false;
  request.url.host = "127.0.0.1";
  request.url.port = server.port();
  request.url.path = "/b/a/../%20b";
  return request;
}

CurlOptions Quick() {
  CurlOptions options;
  options.connect_timeout = milliseconds(1000);
  options.first_byte_timeout = milliseconds(300);
  options.low_speed_time = milliseconds(300);
  return options;
}

Code FailureOf(RawAnswer answer, std::uint64_t max_reply_bytes = 4u << 20) {
  RawServer server({std::move(answer)});
  CurlTransport transport(Quick());
  Request request = To(server);
  request.max_reply_bytes = max_reply_bytes;
  const auto reply = transport.Send(request);
  if (reply) INFO("status " << reply->status);
  REQUIRE_FALSE(reply);
  return reply.error().code;
}

bool HasField(const std::string& request, const std::string& field) {
  return request.find("\r\n" + field) != std::string::npos;
}

TEST_CASE("curl: a request goes out as it was written, on one connection") {
  RawServer server({{Http("one", "X-Odd:  a b \r\nx-odd: 2\r\n")}, {Http("")}, {Http("two")}});
  CurlTransport transport(Quick());
  Request get = To(server);
  get.headers.Add("x-amz-empty", "");
  get.url.query = {{"list-type", "2"}, {"a", "b c"}};
  const auto reply = transport.Send(get);
  REQUIRE(reply);
  CHECK(reply->status == 200);
  CHECK(AsText(reply->body) == "one");
  CHECK(reply->headers.Get("x-odd") == "a b");

  Request put = To(server, "PUT");
  const std::string body = "hello";
  put.body = AsBytes(body);
  REQUIRE(transport.Send(put));
  REQUIRE(transport.Send(To(server, "DELETE")));

  const auto seen = server.requests();
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].substr(0, 50) == "GET /b/a/../%20b?a=b%20c&list-type=2 HTTP/1.1\r\nHos");
  CHECK(HasField(seen[0], "Host: 127.0.0.1:" + std::to_string(server.port())));
  CHECK(HasField(seen[0], "User-Agent: coffer/"));
  CHECK(HasField(seen[0], "x-amz-empty:\r\n"));
  CHECK_FALSE(HasField(seen[0], "Accept"));
  CHECK(seen[1].substr(0, 4) == "PUT ");
  CHECK(HasField(seen[1], "Content-Length: 5"));
  CHECK_FALSE(HasField(seen[1], "Content-Type"));
  CHECK_FALSE(HasField(seen[1], "Expect"));
  CHECK(seen[1].substr(seen[1].size() - 5) == "hello");
  CHECK(seen[2].substr(0, 7) == "DELETE ");
  CHECK(server.connections() == 1);
}

TEST_CASE("curl: an empty PUT has a length, a HEAD no body, and neither disturbs the next") {
  RawServer server(
      {{Http("")}, {"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n"}, {Http("x")}});
  CurlTransport transport(Quick());
  REQUIRE(transport.Send(To(server, "PUT")));
  const auto head = transport.Send(To(server, "HEAD"));
  REQUIRE(head);
  CHECK(head->headers.Get("content-length") == "9999999999");
  CHECK(head->body.empty());
  const auto get = transport.Send(To(server));
  REQUIRE(get);
  CHECK(AsText(get->body) == "x");
  CHECK(HasField(server.requests()[0], "Content-Length: 0"));
  CHECK(server.connections() == 1);
}

TEST_CASE("curl: a large body waits for 100 Continue, and arrives whole") {
  RawServer server({{Http("ok")}});
  CurlTransport transport(Quick());
  std::string body((1u << 20) + 12345, 'x');
  body.back() = 'y';
  Request put = To(server, "PUT");
  put.body = AsBytes(body);
  const auto reply = transport.Send(put);
  REQUIRE(reply);
  CHECK(reply->status == 200);
  const auto seen = server.requests();
  CHECK(HasField(seen[0], "Expect: 100-continue"));
  CHECK(seen[0].size() > body.size());
  CHECK(seen[0].substr(seen[0].size() - body.size()) == body);
}

TEST_CASE("curl: a refusal that comes before a large body is the reply") {
  const std::string refusal =
      "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
  RawServer server({{.bytes = refusal, .close = true, .skip_body = true}});
  CurlTransport transport(Quick());
  const std::string body(3u << 20, 'x');
  Request put = To(server, "PUT");
  put.body = AsBytes(body);
  const auto reply = transport.Send(put);
  REQUIRE(reply);
  CHECK(reply->status == 403);
}

TEST_CASE("curl: broken replies are failures, never replies") {
  CHECK(FailureOf({.bytes = "", .close = true}) == Code::kUnavailable);
  CHECK(FailureOf({.bytes = "", .reset = true}) == Code::kUnavailable);
  CHECK(FailureOf({.bytes = "HTTP/1.1 200 OK\r\nContent-Le", .close = true}) == Code::kUnavailable);
  CHECK(FailureOf({.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", .close = true}) ==
        Code::kUnavailable);
  CHECK(FailureOf({.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", .reset = true}) ==
        Code::kUnavailable);
  CHECK(FailureOf({.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                   .close = true}) == Code::kUnavailable);
  CHECK(FailureOf({.bytes = "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", .close = true}) ==
        Code::kUnavailable);
  CHECK(FailureOf({.bytes = "SSH-2.0-OpenSSH_9.2\r\n", .close = true}) == Code::kUnavailable);
  CHECK(FailureOf({.bytes = "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n"}) ==
        Code::kUnavailable);
}

TEST_CASE("curl: replies over their limits are cut") {
  CHECK(FailureOf({.bytes = Http("12345")}, 4) == Code::kTooLarge);
  CHECK(
      FailureOf(
          {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
          4) == Code::kTooLarge);
  std::string fields;
  for (int i = 0; i < 10'000; ++i) fields += "x-amz-meta-" + std::to_string(i) + ": v\r\n";
  CHECK(FailureOf({.bytes = Http("", fields)}) == Code::kTooLarge);
  // An error may be larger than the range it is about.
  RawServer server({{"HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\n01234567890123456789"}});
  CurlTransport transport(Quick());
  Request request = To(server);
  request.max_reply_bytes = 1;
  const auto reply = transport.Send(request);
  REQUIRE(reply);
  CHECK(reply->body.size() == 20);
}

TEST_CASE("curl: a reply that holds a key is received where it stays") {
  const std::string chunk = std::string("400\r\n") + std::string(1024, 'k') + "\r\n";
  const std::string body = chunk + chunk + chunk + "0\r\n\r\n";
  for (const char* status : {"200 OK", "400 Bad Request"}) {
    const std::string head =
        std::string("HTTP/1.1 ") + status + "\r\nTransfer-Encoding: chunked\r\n";
    RawServer server({{head + "\r\n" + body}, {head + "\r\n" + body}});
    CurlTransport transport(Quick());
    Request request = To(server, "POST");
    request.secret_reply = true;
    request.max_reply_bytes = 8192;
    const auto reply = transport.Send(request);
    REQUIRE(reply);
    CHECK(reply->body.size() == 3072);
    // Never grown: a vector that grows has another capacity than it reserved.
    CHECK(reply->body.capacity() == 8192);
    request.max_reply_bytes = 3000;
    CHECK(transport.Send(request).error().code == Code::kTooLarge);
  }
}

TEST_CASE("curl: bytes after a reply never become the next one's") {
  RawServer server({{Http("one") + Http("stray")}, {Http("two")}, {Http("three")}});
  CurlTransport transport(Quick());
  const auto one = transport.Send(To(server));
  REQUIRE(one);
  CHECK(AsText(one->body) == "one");
  std::this_thread::sleep_for(milliseconds(20));
  for (const char* expected : {"two", "three"}) {
    const auto next = transport.Send(To(server));
    if (!next) continue;  // a failure may be retried; a wrong reply may not
    CHECK(AsText(next->body) == expected);
  }
}

TEST_CASE("curl: a reply that comes twice is not taken for the next one's") {
  const std::string id = "x-amz-request-id: R1\r\n";
  RawServer server(
      {{.bytes = Http("one", id), .close = false}, {.bytes = Http("one", id), .close = true}});
  CurlTransport transport(Quick());
  REQUIRE(transport.Send(To(server)));
  const auto again = transport.Send(To(server));
  REQUIRE_FALSE(again);
  CHECK(again.error().code == Code::kUnavailable);
}

TEST_CASE("curl: an idle connection that the server closed is replaced or failed, not repeated") {
  RawServer server({{Http("one"), true}, {Http("two")}});
  CurlTransport transport(Quick());
  REQUIRE(transport.Send(To(server)));
  std::this_thread::sleep_for(milliseconds(20));
  REQUIRE(transport.Send(To(server)));
  CHECK(server.requests().size() == 2);

  // The server takes the second request and dies: curl would send it again by itself.
  RawServer dying({{Http("one")}, {.bytes = "", .close = true}, {Http("three")}});
  REQUIRE(transport.Send(To(dying)));
  const auto second = transport.Send(To(dying, "PUT"));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Code::kUnavailable);
  CHECK(dying.requests().size() == 2);
}

TEST_CASE("curl: silence and slowness are cut in time") {
  const auto begin = std::chrono::steady_clock::now();
  CHECK(FailureOf({.bytes = Http("late"), .delay_ms = 1500}) == Code::kTimeout);
  CHECK(FailureOf({.bytes = Http("stalled in the middle"), .pause_ms = 1500}) == Code::kTimeout);
  CHECK(std::chrono::steady_clock::now() - begin < milliseconds(5000));

  // A request may allow more than the default.
  RawServer server({{.bytes = Http("late"), .delay_ms = 600}});
  CurlTransport transport(Quick());
  Request patient = To(server);
  patient.first_byte_timeout = milliseconds(5000);
  CHECK(transport.Send(patient));
}

TEST_CASE("curl: nobody listening, no name, no http") {
  Request request;
  {
    RawServer server({});
    request = To(server);
  }
  CurlTransport transport(Quick());
  const auto refused = transport.Send(request);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::kUnavailable);
  request.url.host = "no-such-host.invalid";
  CHECK_FALSE(transport.Send(request));
  // TLS against a server that speaks none fails before any request byte.
  RawServer server({{Http("plain")}});
  Request tls = To(server);
  tls.url.https = true;
  CHECK_FALSE(transport.Send(tls));
  CHECK(server.requests().empty());
}

TEST_CASE("curl: redirects are replies") {
  RawServer server(
      {{"HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"}});
  CurlTransport transport(Quick());
  const auto reply = transport.Send(To(server));
  REQUIRE(reply);
  CHECK(reply->status == 307);
}

TEST_CASE("curl: connect_to leads any name anywhere") {
  RawServer server({{Http("here")}});
  CurlOptions options = Quick();
  const std::string port = std::to_string(server.port());
  options.connect_to = {"name.example:80:127.0.0.1:" + port};
  CurlTransport transport(options);
  Request request = To(server);
  request.url.host = "name.example";
  request.url.port = 0;
  const auto reply = transport.Send(request);
  REQUIRE(reply);
  CHECK(AsText(reply->body) == "here");
  CHECK(HasField(server.requests()[0], "Host: name.example\r\n"));
}

TEST_CASE("curl: header fields cannot smuggle") {
  RawServer server({{Http("x")}});
  CurlTransport transport(Quick());
  for (const std::string& value :
       {std::string("a\r\nX-Evil: 1"), std::string("a\nb"), std::string("a\0b", 3)}) {
    Request request = To(server);
    request.headers.Add("x-amz-meta-a", value);
    const auto reply = transport.Send(request);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == Code::kInvalid);
  }
  CHECK(server.requests().empty());
}

TEST_CASE("curl: an interruption ends what runs and what comes") {
  RawServer server({{.bytes = Http("late"), .delay_ms = 1000}});
  CurlOptions options = Quick();
  options.first_byte_timeout = milliseconds(20000);
  CurlTransport transport(options);
  const auto begin = std::chrono::steady_clock::now();
  std::thread stopper([&] {
    std::this_thread::sleep_for(milliseconds(100));
    transport.Interrupt();
  });
  const auto reply = transport.Send(To(server));
  stopper.join();
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Code::kInterrupted);
  CHECK(std::chrono::steady_clock::now() - begin < milliseconds(900));
  const auto next = transport.Send(To(server));
  REQUIRE_FALSE(next);
  CHECK(next.error().code == Code::kInterrupted);
}

}  // namespace coffer::s3::curl_transport_test
