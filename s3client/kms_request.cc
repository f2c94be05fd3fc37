#include "s3client/kms_request.h"

#include <utility>

#include "crypto/secret.h"
#include "s3client/api_error.h"

namespace coffer::s3 {
namespace {

constexpr std::uint64_t kMaxKeyReplyBytes = 64u << 10;
constexpr std::uint64_t kMaxReplyBytes = 256u << 10;  // of 32 KiB of a policy, each byte escaped

bool HoldsKey(Operation operation) {
  return operation != Operation::kKmsDescribeKey && operation != Operation::kKmsGetKeyPolicy;
}

Error KmsRefusal(const Response& reply, Operation operation) {
  const ServiceError said = ReadServiceError(reply);
  Error error = ToError(said, operation);
  const Retry retry = RetryFor(said, operation);
  // What is worth another try and comes back all the same has used up its time.
  if (reply.attempts > 1 && (retry == Retry::kTransient || retry == Retry::kThrottled)) {
    error.code = Code::kTimeout;
    error.what += "; the last of " + std::to_string(reply.attempts) + " tries";
  }
  return error;
}

}  // namespace

Result<Response> AskKms(Transport& transport, const KmsAddress& address, Operation operation,
                        const std::string& parameters) {
  Request request;
  request.operation = operation;
  request.method = "POST";
  request.url.https = address.endpoint.https;
  request.url.host = address.endpoint.host;
  request.url.port = address.endpoint.port;
  request.url.path = address.endpoint.base_path + "/";
  request.headers.Add("Content-Type", "application/x-amz-json-1.1");
  request.headers.Add("X-Amz-Target", "TrentService." + std::string(Name(operation)));
  request.body = AsBytes(parameters);
  request.secret_reply = HoldsKey(operation);
  request.max_reply_bytes = request.secret_reply ? kMaxKeyReplyBytes : kMaxReplyBytes;
  auto reply = transport.Send(request);
  if (!reply) {
    return std::move(reply).error().While(std::string(Name(operation)) + " at " +
                                          request.url.ToString());
  }
  if (reply->status == 200) return reply;
  const WipeAtEnd wipe(reply->body);
  return KmsRefusal(*reply, operation);
}

Error UnreadableKmsReply(const Response& reply, Operation operation) {
  return {Code::kUnavailable,
          std::string(Name(operation)) + ": the reply is not that of KMS; request id " +
              Printable(reply.headers.Get("x-amzn-RequestId")) + "; check --kms-endpoint-url"};
}

}  // namespace coffer::s3
