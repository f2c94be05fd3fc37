// An RSA key from a PEM file: the public half encrypts, the private half decrypts.
//
// The private half lies in OpenSSL's own memory, not in a SecretArena: it belongs to one-off
// recoveries. Immutable once made; safe to share between threads.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "crypto/bytes.h"
#include "crypto/openssl.h"
#include "crypto/result.h"
#include "crypto/secret.h"

namespace coffer {

enum class RsaPadding {
  kPkcs1,
  kOaepSha1,
  kOaepSha256,
  kOaepSha384,
  kOaepSha512,
  // As Java's own provider understands "OAEPWithSHA-256AndMGF1Padding"; only for reading what the
  // S3 Encryption Client wrote, so it has no name that an option could give.
  kOaepSha256Mgf1Sha1,
};
// "pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512".
std::string_view Name(RsaPadding padding);
Result<RsaPadding> ParseRsaPadding(std::string_view name);

class RsaKey {
 public:
  // PKCS#8 or PKCS#1, public or private; 2,048 bits at least. kInvalid, with what to do, for all
  // else; PEM that is encrypted is not asked a password for, but refused.
  static Result<RsaKey> FromPem(std::string_view pem);

  // A new private key of 4,096 bits, as PKCS#8 in PEM; whoever gets it wipes it.
  static Result<std::string> NewPrivatePem();

  bool is_private() const { return private_; }
  // Of the modulus, in bytes, and of everything that Encrypt gives.
  std::size_t size() const;
  // The first 16 hex digits of the SHA-256 of the SubjectPublicKeyInfo: the same for both halves.
  Result<std::string> Id() const;
  // The public half, as it goes into a volume descriptor.
  Result<std::string> PublicPem() const;
  // The same key, for one more owner.
  RsaKey Copy() const;

  // OAEP uses its hash for MGF1 too, but for the last of the paddings, and an empty label.
  Result<Bytes> Encrypt(RsaPadding padding, ByteView plaintext) const;
  // kCorrupt, whatever was wrong; kUnsupported without the private half.
  Result<Secret> Decrypt(RsaPadding padding, ByteView ciphertext, SecretArena& arena) const;

 private:
  RsaKey(Pkey key, bool is_private) : key_(std::move(key)), private_(is_private) {}
  Result<Bytes> PublicDer() const;
  Result<PkeyContext> Begin(RsaPadding padding, int (*init)(EVP_PKEY_CTX*)) const;

  Pkey key_;
  bool private_;
};

}  // namespace coffer
