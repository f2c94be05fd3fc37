#include "crypto/kdf.h"

#include <algorithm>
#include <new>

#include "crypto/cursor.h"
#include "crypto/openssl.h"

namespace coffer {
namespace {

// Fetched once: that costs more than a derivation. Immutable, and never freed, so that a thread
// that still derives while the program exits is safe.
EVP_KDF* HkdfAlgorithm() {
  static EVP_KDF* const algorithm = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  if (algorithm == nullptr) OpenSslUnusable("no HKDF");
  return algorithm;
}

const char* HashName(Hash hash) {
  switch (hash) {
    case Hash::kSha256:
      return "SHA256";
    case Hash::kSha384:
      return "SHA384";
    default:
      return "SHA512";
  }
}

OSSL_PARAM Octets(const char* name, ByteView bytes) {
  // OpenSSL's parameters are not const, but HKDF only reads them.
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::byte*>(bytes.data()),
                                           bytes.size());
}

// Everything about HKDF but where the result lands.
struct Derivation {
  int mode;
  Hash hash;
  ByteView salt;
  ByteView key;
  ByteView info;
};

Status Derive(const Derivation& d, MutableByteView out) {
  const KdfContext context(EVP_KDF_CTX_new(HkdfAlgorithm()));
  if (!context) throw std::bad_alloc();
  int mode = d.mode;
  std::array<OSSL_PARAM, 6> params{};
  std::size_t n = 0;
  params[n++] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
  params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                                 const_cast<char*>(HashName(d.hash)), 0);
  params[n++] = Octets(OSSL_KDF_PARAM_KEY, d.key);
  if (!d.salt.empty()) params[n++] = Octets(OSSL_KDF_PARAM_SALT, d.salt);
  if (!d.info.empty()) params[n++] = Octets(OSSL_KDF_PARAM_INFO, d.info);
  params[n] = OSSL_PARAM_construct_end();
  if (EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()), out.size(),
                     params.data()) != 1) {
    return OpenSslError("derive a key");
  }
  return Ok();
}

// What the keys of one message of format 2 expand from.
Result<Secret> Extract(ByteView data_key, ByteView message_id, SecretArena& arena) {
  COFFER_ASSIGN(Secret root, arena.Make(64));
  COFFER_TRY(Derive({.mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY,
                     .hash = Hash::kSha512,
                     .salt = message_id,
                     .key = data_key,
                     .info = {}},
                    root.fill()));
  return root;
}

Status Expand(const Secret& root, ByteView info, MutableByteView out) {
  return Derive({.mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY,
                 .hash = Hash::kSha512,
                 .salt = {},
                 .key = root.view(),
                 .info = info},
                out);
}

Result<Secret> ExpandLabel(ByteView data_key, ByteView message_id, std::string_view label,
                           SecretArena& arena) {
  if (data_key.size() != 32 || message_id.size() != 32) {
    return Error{Code::kInvalid, "only messages of suite 0x0478 have a key \"" +
                                     std::string(label) +
                                     "\": 32 bytes of data key and message id"};
  }
  COFFER_ASSIGN(const Secret root, Extract(data_key, message_id, arena));
  COFFER_ASSIGN(Secret key, arena.Make(32));
  COFFER_TRY(Expand(root, AsBytes(label), key.fill()));
  return key;
}

}  // namespace

Result<Secret> Hkdf(SecretArena& arena, Hash hash, ByteView salt, ByteView key, ByteView info,
                    std::size_t size) {
  if (hash == Hash::kNone) return Error{Code::kInvalid, "HKDF without a hash"};
  COFFER_ASSIGN(Secret out, arena.Make(size));
  COFFER_TRY(Derive({.mode = EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND,
                     .hash = hash,
                     .salt = salt,
                     .key = key,
                     .info = info},
                    out.fill()));
  return out;
}

Result<MessageKeys> DeriveMessageKeys(const Suite& suite, ByteView data_key, ByteView message_id,
                                      SecretArena& arena) {
  if (data_key.size() != suite.key_size || message_id.size() != suite.message_id_size()) {
    return Error{Code::kInvalid, "a data key or message id of another length than the suite's"};
  }
  MessageKeys keys;
  if (suite.kdf == Hash::kNone) {
    COFFER_ASSIGN(keys.content, arena.Copy(data_key));
    return keys;
  }
  Bytes info;
  ByteWriter writer(info);
  writer.Integer(suite.id);
  if (!suite.commits) {
    writer.Append(message_id);
    COFFER_ASSIGN(keys.content, Hkdf(arena, suite.kdf, {}, data_key, info, suite.key_size));
    return keys;
  }
  writer.Append(AsBytes("DERIVEKEY"));
  COFFER_ASSIGN(const Secret root, Extract(data_key, message_id, arena));
  COFFER_ASSIGN(keys.content, arena.Make(suite.key_size));
  COFFER_TRY(Expand(root, info, keys.content.fill()));
  COFFER_TRY(Expand(root, AsBytes("COMMITKEY"), keys.commitment));
  return keys;
}

Result<Secret> DeriveBindKey(ByteView data_key, ByteView message_id, SecretArena& arena) {
  return ExpandLabel(data_key, message_id, "coffer-bind-v1", arena);
}

Result<Secret> DeriveXattrKey(ByteView data_key, ByteView message_id, SecretArena& arena) {
  return ExpandLabel(data_key, message_id, "coffer-xattr-v1", arena);
}

// Both labels carry the suite, unlike the Encryption SDK's own.
Result<S3ecMessageKeys> DeriveS3ecKeys(ByteView data_key, ByteView message_id, SecretArena& arena) {
  constexpr std::size_t kKey = 32;
  if (data_key.size() != kKey || message_id.size() != std::tuple_size_v<S3ecCommitment>) {
    return Error{Code::kInvalid, "a data key or message id of another length than the suite's"};
  }
  COFFER_ASSIGN(const Secret root, Extract(data_key, message_id, arena));
  S3ecMessageKeys keys;
  COFFER_ASSIGN(keys.content, arena.Make(kKey));
  COFFER_TRY(Expand(root,
                    AsBytes(std::string_view("\0\x73"
                                             "DERIVEKEY",
                                             11)),
                    keys.content.fill()));
  COFFER_TRY(Expand(root,
                    AsBytes(std::string_view("\0\x73"
                                             "COMMITKEY",
                                             11)),
                    keys.commitment));
  return keys;
}

}  // namespace coffer
