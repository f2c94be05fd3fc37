#include "s3client/kms.h"

#include "crypto/encoding.h"
#include "s3client/api_error.h"
#include "s3client/json.h"

namespace coffer::s3 {
namespace {

constexpr std::uint64_t kMaxReplyBytes = 64u << 10;
constexpr std::size_t kMaxCiphertext = 6144;  // the API's own limit

std::string ContextMember(const EncryptionContext& context) {
  if (context.empty()) return "";
  std::string out;
  for (const auto& [name, value] : context) {
    out += (out.empty() ? "" : ",") + JsonString(name) + ":" + JsonString(value);
  }
  return ",\"EncryptionContext\":{" + out + "}";
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

Error Unreadable(const Response& reply, Operation operation) {
  return {Code::kUnavailable,
          std::string(Name(operation)) + ": the reply is not that of KMS; request id " +
              Printable(reply.headers.Get("x-amzn-RequestId")) + "; check --kms-endpoint-url"};
}

Result<KmsReply> ReadKmsReply(Response& response, Operation operation, SecretArena& arena) {
  KmsReply reply;
  if (operation != Operation::kKmsEncrypt) {
    auto key = TakeSecretMember(response.body, "Plaintext", arena);
    if (!key && key.error().code == Code::kNoMemory) return std::move(key).error();
    if (!key) return Unreadable(response, operation);
    reply.plaintext = *std::move(key);
  }
  const auto members = ParseJsonObject(AsText(response.body));
  if (!members || !members->contains("KeyId")) return Unreadable(response, operation);
  reply.key_arn = members->at("KeyId");
  if (operation == Operation::kKmsDecrypt) return reply;
  const auto blob = members->find("CiphertextBlob");
  if (blob == members->end()) return Unreadable(response, operation);
  const auto ciphertext = Base64Decode(blob->second);
  if (!ciphertext || ciphertext->empty() || ciphertext->size() > kMaxCiphertext) {
    return Unreadable(response, operation);
  }
  reply.ciphertext = AsText(*ciphertext);
  return reply;
}

}  // namespace

Result<KmsReply> KmsClient::Call(Operation operation, const std::string& body) {
  Request request;
  request.operation = operation;
  request.method = "POST";
  request.url.https = address_.endpoint.https;
  request.url.host = address_.endpoint.host;
  request.url.port = address_.endpoint.port;
  request.url.path = address_.endpoint.base_path + "/";
  request.headers.Add("Content-Type", "application/x-amz-json-1.1");
  request.headers.Add("X-Amz-Target", "TrentService." + std::string(Name(operation)));
  request.body = AsBytes(body);
  request.max_reply_bytes = kMaxReplyBytes;
  request.secret_reply = true;
  auto reply = transport_.Send(request);
  if (!reply) {
    return std::move(reply).error().While(std::string(Name(operation)) + " at " +
                                          request.url.ToString());
  }
  const WipeAtEnd wipe(reply->body);
  if (reply->status != 200) return KmsRefusal(*reply, operation);
  return ReadKmsReply(*reply, operation, arena_);
}

Result<KmsReply> KmsClient::GenerateDataKey(std::string_view key_id,
                                            const EncryptionContext& context) {
  return Call(Operation::kKmsGenerateDataKey,
              "{\"KeyId\":" + JsonString(key_id) + ",\"NumberOfBytes\":" +
                  std::to_string(kDataKeySize) + ContextMember(context) + "}");
}

Result<KmsReply> KmsClient::Encrypt(std::string_view key_id, const Secret& plaintext,
                                    const EncryptionContext& context) {
  const std::string head = "{\"KeyId\":" + JsonString(key_id) + ",\"Plaintext\":\"";
  const std::string tail = "\"" + ContextMember(context) + "}";
  std::string base64 = Base64Encode(plaintext.view());
  const WipeAtEnd wipe_base64(base64);
  // Whole at once: a string that grows would leave copies behind.
  std::string body;
  body.reserve(head.size() + base64.size() + tail.size());
  const WipeAtEnd wipe_body(body);
  body.append(head).append(base64).append(tail);
  return Call(Operation::kKmsEncrypt, body);
}

Result<KmsReply> KmsClient::Decrypt(std::string_view key_id, std::string_view ciphertext,
                                    const EncryptionContext& context) {
  return Call(Operation::kKmsDecrypt,
              "{\"KeyId\":" + JsonString(key_id) + ",\"CiphertextBlob\":\"" +
                  Base64Encode(AsBytes(ciphertext)) + "\"" + ContextMember(context) + "}");
}

}  // namespace coffer::s3
