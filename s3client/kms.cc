#include "s3client/kms.h"

#include "crypto/encoding.h"
#include "s3client/json.h"
#include "s3client/kms_request.h"

namespace coffer::s3 {
namespace {

constexpr std::size_t kMaxCiphertext = 6144;  // the API's own limit

std::string ContextMember(const EncryptionContext& context) {
  if (context.empty()) return "";
  std::string out;
  for (const auto& [name, value] : context) {
    out += (out.empty() ? "" : ",") + JsonString(name) + ":" + JsonString(value);
  }
  return ",\"EncryptionContext\":{" + out + "}";
}

Result<KmsReply> ReadKmsReply(Response& response, Operation operation, SecretArena& arena) {
  KmsReply reply;
  if (operation != Operation::kKmsEncrypt) {
    auto key = TakeSecretMember(response.body, "Plaintext", arena);
    if (!key && key.error().code == Code::kNoMemory) return std::move(key).error();
    if (!key) return UnreadableKmsReply(response, operation);
    reply.plaintext = *std::move(key);
  }
  const auto members = ParseJsonObject(AsText(response.body));
  if (!members || !members->contains("KeyId")) return UnreadableKmsReply(response, operation);
  reply.key_arn = members->at("KeyId");
  if (operation == Operation::kKmsDecrypt) return reply;
  const auto blob = members->find("CiphertextBlob");
  if (blob == members->end()) return UnreadableKmsReply(response, operation);
  const auto ciphertext = Base64Decode(blob->second);
  if (!ciphertext || ciphertext->empty() || ciphertext->size() > kMaxCiphertext) {
    return UnreadableKmsReply(response, operation);
  }
  reply.ciphertext = AsText(*ciphertext);
  return reply;
}

}  // namespace

Result<KmsReply> KmsClient::Call(Operation operation, const std::string& body) {
  COFFER_ASSIGN(Response reply, AskKms(transport_, address_, operation, body));
  const WipeAtEnd wipe(reply.body);
  return ReadKmsReply(reply, operation, arena_);
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
