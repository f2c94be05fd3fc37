#include "crypto/aead.h"

#include <algorithm>
#include <cassert>
#include <new>

namespace coffer {
namespace {

const EVP_CIPHER* Fetch(const char* name) {
  const EVP_CIPHER* algorithm = EVP_CIPHER_fetch(nullptr, name, nullptr);
  if (algorithm == nullptr) OpenSslUnusable(name);
  return algorithm;
}

// Fetched once: that costs as much as sealing 4 KiB. Immutable, and never freed, so that a thread
// that still opens frames while the program exits is safe.
const EVP_CIPHER* Algorithm(std::size_t key_size) {
  static const EVP_CIPHER* const aes128 = Fetch("AES-128-GCM");
  static const EVP_CIPHER* const aes192 = Fetch("AES-192-GCM");
  static const EVP_CIPHER* const aes256 = Fetch("AES-256-GCM");
  return key_size == 16 ? aes128 : key_size == 24 ? aes192 : key_size == 32 ? aes256 : nullptr;
}

}  // namespace

Result<AesGcm> AesGcm::Make(ByteView key, int sealing) {
  const EVP_CIPHER* algorithm = Algorithm(key.size());
  if (algorithm == nullptr) return Error{Code::kInvalid, "no AES key has that size"};
  CipherContext context(EVP_CIPHER_CTX_new());
  if (!context) throw std::bad_alloc();
  if (EVP_CipherInit_ex2(context.get(), algorithm, Raw(key.data()), nullptr, sealing, nullptr) !=
      1) {
    return OpenSslError("begin AES-GCM");
  }
  return AesGcm(std::move(context));
}

Result<AesGcm> AesGcm::ForSealing(ByteView key) { return Make(key, 1); }
Result<AesGcm> AesGcm::ForOpening(ByteView key) { return Make(key, 0); }

Status AesGcm::Begin(const Nonce& nonce, ByteView authenticated) {
  if (EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, Raw(nonce.data()), -1, nullptr) != 1) {
    return OpenSslError("begin a piece of AES-GCM");
  }
  return Update(authenticated, nullptr);
}

Status AesGcm::Update(ByteView in, std::byte* out) {
  while (!in.empty()) {
    const std::size_t step = std::min(in.size(), kOpenSslStep);
    int done = 0;
    if (EVP_CipherUpdate(context_.get(), Raw(out), &done, Raw(in.data()), static_cast<int>(step)) !=
        1) {
      return OpenSslError("AES-GCM");
    }
    in = in.subspan(step);
    if (out != nullptr) out += step;
  }
  return Ok();
}

Status AesGcm::Seal(const Nonce& nonce, ByteView authenticated, ByteView plaintext,
                    MutableByteView out) {
  assert(EVP_CIPHER_CTX_is_encrypting(context_.get()) == 1);
  assert(out.size() == plaintext.size() + kTagSize);
  COFFER_TRY(Begin(nonce, authenticated));
  COFFER_TRY(Update(plaintext, out.data()));
  int done = 0;
  std::byte* tag = out.data() + plaintext.size();
  if (EVP_CipherFinal_ex(context_.get(), Raw(tag), &done) != 1 ||
      EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kTagSize, tag) != 1) {
    return OpenSslError("finish AES-GCM");
  }
  return Ok();
}

Status AesGcm::Open(const Nonce& nonce, ByteView authenticated, ByteView sealed,
                    MutableByteView out) {
  assert(EVP_CIPHER_CTX_is_encrypting(context_.get()) == 0);
  assert(sealed.size() == out.size() + kTagSize);
  std::array<std::byte, kTagSize> tag{};
  std::copy_n(sealed.end() - kTagSize, kTagSize, tag.begin());
  Status opened = Begin(nonce, authenticated);
  if (opened) opened = Update(sealed.first(out.size()), out.data());
  int done = 0;
  if (opened &&
      (EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, kTagSize, tag.data()) != 1 ||
       EVP_CipherFinal_ex(context_.get(), Raw(tag.data()), &done) != 1)) {
    opened = Error{Code::kCorrupt, OpenSslError("the tag does not fit").what};
  }
  if (!opened) Wipe(out);
  return opened;
}

}  // namespace coffer
