// The three questions about data keys that Coffer asks of AWS KMS in one Region (JSON 1.1).
//
// Borrows a transport that retries, limits the rate and signs for "kms", in this order, and the
// arena that keys go to. Safe to share between threads; every call blocks on the network. Keys in
// requests and replies are wiped from every buffer of ours; those of the HTTP and TLS libraries
// remain for a while.
//
// All fail with the service's code and request id, never its body: kDenied, kKeyMissing (deleted or
// about to be), kKeyDisabled, kCorrupt (no ciphertext of this key, or another context), kTimeout
// (throttled or failing up to the deadline), kUnavailable, kInterrupted.

#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "crypto/key_source.h"
#include "s3client/kms_key.h"
#include "s3client/transport.h"

namespace coffer::s3 {

// What KMS did with a key. `key_arn` is its own word for which key did it: the caller compares.
struct KmsReply {
  std::string key_arn;
  std::string ciphertext;  // of GenerateDataKey and Encrypt
  Secret plaintext;        // of GenerateDataKey and Decrypt
};

class KmsClient {
 public:
  KmsClient(Transport& transport, KmsAddress address, SecretArena& arena)
      : transport_(transport), address_(std::move(address)), arena_(arena) {}

  // A new data key of 32 bytes. The context travels and is logged (CloudTrail) in the clear.
  Result<KmsReply> GenerateDataKey(std::string_view key_id, const EncryptionContext& context);
  Result<KmsReply> Encrypt(std::string_view key_id, const Secret& plaintext,
                           const EncryptionContext& context);
  // KMS refuses a ciphertext that is not of `key_id`.
  Result<KmsReply> Decrypt(std::string_view key_id, std::string_view ciphertext,
                           const EncryptionContext& context);

 private:
  Result<KmsReply> Call(Operation operation, const std::string& body);

  Transport& transport_;
  const KmsAddress address_;
  SecretArena& arena_;
};

}  // namespace coffer::s3
