// S3Store on retries on written-down replies, for the tests of its operations.

#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "s3client/retrying_transport.h"
#include "s3client/s3_store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_transport.h"

namespace coffer::s3 {

using Fields = std::vector<std::pair<std::string, std::string>>;

inline constexpr const char* kDate = "Fri, 02 Jan 2026 03:04:05 GMT";

inline Target TestTarget() {
  Target target;
  target.name = "b";
  target.region = "us-east-1";
  target.host = "s3.test";
  target.base_path = "/b";
  return target;
}

struct StoreBench {
  explicit StoreBench(StoreOptions options = {}, Target target = TestTarget())
      : retrying(wire, Patience(), {clock, time, observer}), store(retrying, target, options) {}
  static RetryOptions Patience() {
    RetryOptions options;
    options.deadline = std::chrono::seconds(5);
    options.seed = 1;
    return options;
  }
  const SeenRequest& Seen(std::size_t i) const { return wire.seen().at(i); }

  FakeTransport wire;
  FakeClock clock;
  ServerTime time{clock};
  SilentObserver observer;
  RetryingTransport retrying;
  S3Store store;
};

inline Response Object(std::string_view body, Fields more = {}, int status = 200) {
  Fields fields = {{"ETag", "\"e1\""},
                   {"Date", kDate},
                   {"Last-Modified", kDate},
                   {"Content-Length", std::to_string(body.size())}};
  fields.insert(fields.end(), more.begin(), more.end());
  return Reply(status, fields, body);
}

inline Response Refusal(int status, std::string_view code, std::string_view message = "said so") {
  return Reply(status, {{"Date", kDate}}, ErrorXml(code, message));
}

inline Response HeadReply(Fields more = {}) { return Object("", std::move(more)); }

inline Response Listing(const std::string& inside, const std::string& more = "") {
  return Reply(200, {{"Date", kDate}},
               "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"x\"><EncodingType>url"
               "</EncodingType><IsTruncated>false</IsTruncated>" +
                   more + inside + "</ListBucketResult>");
}

inline std::string Listed(const std::string& key) {
  return "<Contents><Key>" + key +
         "</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
         "<ETag>&quot;e1&quot;</ETag><Size>7</Size><StorageClass>STANDARD</StorageClass></"
         "Contents>";
}

template <typename T>
Code CodeOf(const Result<T>& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

}  // namespace coffer::s3
