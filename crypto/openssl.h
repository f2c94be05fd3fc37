// The only door to OpenSSL: its headers, its handles as RAII types, random bytes, and its error
// queue as an Error. Whatever else in crypto/ uses OpenSSL includes this file.
//
// Stateless; safe from any thread. OpenSSL's own error queue is per thread.

#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstddef>
#include <memory>
#include <string_view>

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer {

// Frees an OpenSSL object with the function OpenSSL names for it.
template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};

// For what OpenSSL has allocated as plain bytes; its own word for it is a macro.
struct OpenSslFree {
  void operator()(void* p) const { OPENSSL_free(p); }
};

using Cipher = std::unique_ptr<EVP_CIPHER, Freer<EVP_CIPHER_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Freer<EVP_CIPHER_CTX_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, Freer<EVP_KDF_CTX_free>>;
using MemoryBio = std::unique_ptr<BIO, Freer<BIO_free>>;
using DecoderContext = std::unique_ptr<OSSL_DECODER_CTX, Freer<OSSL_DECODER_CTX_free>>;
using MdContext = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Freer<EVP_MAC_CTX_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using Pkey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using BigNumber = std::unique_ptr<BIGNUM, Freer<BN_clear_free>>;
using EcGroup = std::unique_ptr<EC_GROUP, Freer<EC_GROUP_free>>;
using EcPoint = std::unique_ptr<EC_POINT, Freer<EC_POINT_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;

// Bytes as OpenSSL spells them.
inline unsigned char* Raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
inline const unsigned char* Raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}
inline const unsigned char* Raw(ByteView bytes) { return Raw(bytes.data()); }

// How much it is given at once: it counts in int.
inline constexpr std::size_t kOpenSslStep = std::size_t{1} << 30;

// kUnsupported with OpenSSL's own reason; empties this thread's error queue.
Error OpenSslError(std::string_view doing);

// For algorithms without which nothing works (SHA-256, HMAC): says why on stderr and ends the
// program, since no caller could go on.
[[noreturn]] void OpenSslUnusable(std::string_view doing);

// Fills `out` from the operating system's generator itself (getrandom): a generator of our own
// could repeat itself in a fork or in a machine that was cloned. Never returns weak bytes: fails
// instead.
Status RandomBytes(MutableByteView out);

// Overwrites memory that held a secret; the compiler cannot drop it.
void Wipe(MutableByteView secret);

// Whether both are the same bytes, in a time that does not tell where they differ.
bool SameSecret(ByteView a, ByteView b);

}  // namespace coffer
