// One HTTP exchange as values: what every Transport takes and returns.
//
// Bodies are whole, bounded buffers (a GET is a range, a PUT a part, a listing a page), so a retry
// is a plain re-send of identical bytes and no callback runs half-way through a layer.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer::s3 {

// What a request is for: names it in counters and logs, and tells the retry policy how to treat it.
enum class Operation {
  kHeadObject,
  kGetObject,
  kPutObject,
  kCopyObject,
  kDeleteObject,
  kDeleteObjects,
  kListObjects,
  kListVersions,
  kCreateUpload,
  kUploadPart,
  kCopyPart,
  kCompleteUpload,
  kAbortUpload,
  kListUploads,
  kGetTagging,
  kPutTagging,
  kRenameObject,
  kHeadBucket,
  kPutBucketSetting,  // cors, encryption, logging, versioning, object-lock
  kPreflight,         // what a browser asks before a request of a page's
  kGetBucketQuery,    // versioning, object-lock, location: read-only questions about the bucket
  kGetRetention,
  kPutRetention,
  kGetLegalHold,
  kPutLegalHold,
  kRestoreObject,
  kCreateSession,
  kSts,
  kKmsGenerateDataKey,
  kKmsDecrypt,
  kKmsEncrypt,
  kKmsDescribeKey,
  kKmsGetKeyPolicy,
};
inline constexpr int kOperationCount = static_cast<int>(Operation::kKmsGetKeyPolicy) + 1;
// The API's own name: "PutObject".
std::string_view Name(Operation operation);
// One that KMS carries out.
bool IsKms(Operation operation);

// Header fields in order; names compare without case. Small, so a vector.
class Headers {
 public:
  void Add(std::string name, std::string value);
  void Set(std::string name, std::string value);  // replaces every field of that name
  // The first value, or "" when there is none. An empty value and no value look alike; Has() tells.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  void Remove(std::string_view name);
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Url {
  bool https = true;
  std::string host;        // no port; an IPv6 literal stands in brackets
  std::uint16_t port = 0;  // 0: the scheme's default
  std::string path = "/";  // as on the wire: every byte outside A-Za-z0-9-_.~/ percent-encoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded; an empty value is `name=`

  // "host" or "host:port": the Host header, as signed.
  std::string Authority() const;
  // The query as signed and sent: encoded, sorted, "" when there is none.
  std::string EncodedQuery() const;
  // The whole address, query encoded and sorted as it was signed.
  std::string ToString() const;
};

struct Response;

struct Request {
  Operation operation = Operation::kGetObject;
  std::string method = "GET";
  Url url;
  Headers headers;
  ByteView body = {};  // borrowed; must not change until the call has returned
  // Hex SHA-256 of `body`, "UNSIGNED-PAYLOAD", or "" to let the signer hash it.
  std::string payload_hash = {};
  // The most that the reply's body may hold; more is an error and closes the connection.
  std::uint64_t max_reply_bytes = 4u << 20;
  // A 2xx reply whose body is not one whole XML document, or whose root is <Error>, is a failure.
  bool xml_reply = false;
  // What a 2xx reply must be beside complete; one that fails it is a failure. Borrowed; may be
  // null.
  const std::function<Status(const Response&)>* reply_check = nullptr;
  // The longest wait for the first byte of the reply; 0: the transport's own default.
  std::chrono::milliseconds first_byte_timeout{0};
  // Directory buckets: sign with the account's credentials, not with the bucket's session.
  bool plain_iam_auth = false;
  // The reply holds a key: its body, of max_reply_bytes at most, is received where it stays, and
  // wiped when the exchange fails. Whoever gets it wipes it.
  bool secret_reply = false;
  // No credentials at all (--no-sign-request, web identity).
  bool unsigned_request = false;
};

struct Response {
  int status = 0;  // 100..599; 0 never leaves the transport
  Headers headers;
  Bytes body;
  // How often the request was sent until this reply came: > 1 after a retry, when an answer that
  // says "exists already" may speak of our own first try.
  int attempts = 1;
};

}  // namespace coffer::s3
