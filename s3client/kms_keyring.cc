#include "s3client/kms_keyring.h"

#include "s3client/api_error.h"

namespace coffer::s3 {
namespace {

constexpr std::string_view kProvider = "aws-kms";

Error WrongSize() { return {Code::kCorrupt, "KMS unwrapped a data key of a wrong size"}; }

}  // namespace

KmsKeyring::KmsKeyring(KmsKeyId key, KmsClient& client) : given_(std::move(key)), client_(client) {
  if (!given_.is_alias()) resolved_ = given_;
}

std::optional<KmsKeyId> KmsKeyring::Resolved() const {
  const std::lock_guard lock(mu_);
  return resolved_;
}

std::string KmsKeyring::Arn() const {
  const auto key = Resolved();
  return key ? key->text : "";
}

std::string KmsKeyring::Name() const {
  const std::string arn = Arn();
  if (!given_.is_alias()) return "KMS key " + arn;
  return "KMS key " + given_.text + (arn.empty() ? "" : " (" + arn + ")");
}

std::string KmsKeyring::RequestId() const {
  const auto key = Resolved();
  return key ? key->text : given_.text;
}

bool KmsKeyring::CouldBe(const KmsKeyId& other) const {
  return !other.is_alias() && other.partition == given_.partition &&
         other.region == given_.region &&
         (given_.account.empty() || other.account == given_.account);
}

Status KmsKeyring::Accept(const std::string& arn) {
  const auto answered = ParseKmsKeyId(arn, "");
  const std::lock_guard lock(mu_);
  if (resolved_ && resolved_->text == arn) return Ok();
  if (resolved_ || !answered || !CouldBe(*answered)) {
    return Error{Code::kCorrupt, "KMS answered with another key: " + Printable(arn)};
  }
  resolved_ = *answered;
  return Ok();
}

Result<WrappedKey> KmsKeyring::Generate(const EncryptionContext& context) {
  COFFER_ASSIGN(KmsReply reply, client_.GenerateDataKey(RequestId(), context));
  COFFER_TRY(Accept(reply.key_arn));
  if (reply.plaintext.size() != kDataKeySize) {
    return Error{Code::kCorrupt, "KMS gave a data key of a wrong size"};
  }
  return WrappedKey{
      std::move(reply.plaintext),
      {std::string(kProvider), std::move(reply.key_arn), std::move(reply.ciphertext)}};
}

Result<EncryptedDataKey> KmsKeyring::Wrap(const Secret& key, const EncryptionContext& context) {
  COFFER_ASSIGN(KmsReply reply, client_.Encrypt(RequestId(), key, context));
  COFFER_TRY(Accept(reply.key_arn));
  return EncryptedDataKey{std::string(kProvider), std::move(reply.key_arn),
                          std::move(reply.ciphertext)};
}

bool KmsKeyring::Owns(const EncryptedDataKey& encrypted) const {
  if (encrypted.provider != kProvider) return false;
  if (const auto key = Resolved()) return SameKmsKey(*key, encrypted.info);
  const auto named = ParseKmsKeyId(encrypted.info, "");
  return named && CouldBe(*named);
}

Result<Secret> KmsKeyring::Decrypt(std::string_view blob, const EncryptionContext& context) {
  COFFER_ASSIGN(KmsReply reply, client_.Decrypt(RequestId(), blob, context));
  COFFER_TRY(Accept(reply.key_arn));
  return std::move(reply.plaintext);
}

Result<Secret> KmsKeyring::Unwrap(const EncryptedDataKey& encrypted,
                                  const EncryptionContext& context, std::size_t size) {
  COFFER_ASSIGN(Secret key, Decrypt(encrypted.ciphertext, context));
  // An alias has learned only now which key it stands for.
  if (!Owns(encrypted)) {
    return Error{Code::kCorrupt, "KMS unwrapped it with another key than it names"};
  }
  if (key.size() != size) return WrongSize();
  return key;
}

Result<Secret> KmsKeyring::UnwrapBlob(std::string_view blob, const EncryptionContext& context,
                                      std::size_t size) {
  COFFER_ASSIGN(Secret key, Decrypt(blob, context));
  if (key.size() != size) return WrongSize();
  return key;
}

}  // namespace coffer::s3
