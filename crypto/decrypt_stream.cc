#include "crypto/decrypt_stream.h"

#include <algorithm>
#include <memory>
#include <new>

namespace coffer {
namespace {

constexpr std::size_t kCbcBlock = 16;
constexpr std::size_t kKey = 32;

Error Refused() {
  (void)OpenSslError("");  // empties the queue, which would tell why
  return {Code::kCorrupt, "the content does not decrypt: it is damaged, or not under this key"};
}

}  // namespace

// Once for a whole object: its algorithm is fetched each time.
Result<CipherContext> DecryptStream::Begin(const char* algorithm, ByteView key, ByteView iv) {
  const Cipher cipher(EVP_CIPHER_fetch(nullptr, algorithm, nullptr));
  if (!cipher) return OpenSslError(algorithm);
  CipherContext context(EVP_CIPHER_CTX_new());
  if (!context) throw std::bad_alloc();
  if (key.size() != kKey ||
      iv.size() != static_cast<std::size_t>(EVP_CIPHER_get_iv_length(cipher.get()))) {
    return Refused();
  }
  if (EVP_DecryptInit_ex2(context.get(), cipher.get(), Raw(key), Raw(iv), nullptr) != 1) {
    return OpenSslError(algorithm);
  }
  return context;
}

Result<DecryptStream> DecryptStream::Gcm(ByteView key, const Nonce& nonce, ByteView authenticated,
                                         std::uint64_t sealed_size) {
  if (sealed_size < kTagSize || sealed_size - kTagSize > kMaxGcm) return Refused();
  COFFER_ASSIGN(CipherContext context, Begin("AES-256-GCM", key, nonce));
  DecryptStream stream(std::move(context), sealed_size, kTagSize);
  COFFER_TRY(stream.Decipher(authenticated, nullptr));
  return stream;
}

Result<DecryptStream> DecryptStream::Cbc(ByteView key, ByteView iv, std::uint64_t sealed_size) {
  if (sealed_size == 0 || sealed_size % kCbcBlock != 0) return Refused();
  COFFER_ASSIGN(CipherContext context, Begin("AES-256-CBC", key, iv));
  return DecryptStream(std::move(context), sealed_size, 0);
}

Result<std::size_t> DecryptStream::Decipher(ByteView in, std::byte* out) {
  std::size_t total = 0;
  while (!in.empty()) {
    const std::size_t step = std::min(in.size(), kOpenSslStep);
    int done = 0;
    if (EVP_DecryptUpdate(context_.get(), out == nullptr ? nullptr : Raw(out + total), &done,
                          Raw(in), static_cast<int>(step)) != 1) {
      return Refused();
    }
    total += static_cast<std::size_t>(done);
    in = in.subspan(step);
  }
  return total;
}

Result<std::size_t> DecryptStream::Update(ByteView in, MutableByteView out) {
  if (in.size() > left_ || out.size() < in.size() + kSpare) return Refused();
  const std::uint64_t text_left = left_ > tag_size_ ? left_ - tag_size_ : 0;
  const auto text = static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), text_left));
  const ByteView of_tag = in.subspan(text);
  if (!of_tag.empty()) {
    const std::size_t before = tag_size_ - static_cast<std::size_t>(left_ - text);
    std::copy(of_tag.begin(), of_tag.end(), tag_.begin() + static_cast<std::ptrdiff_t>(before));
  }
  left_ -= in.size();
  return Decipher(in.first(text), out.data());
}

Result<std::size_t> DecryptStream::Finish(MutableByteView out) {
  if (left_ != 0 || out.size() < kSpare) return Refused();
  if (tag_size_ != 0 && EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG,
                                            static_cast<int>(tag_size_), tag_.data()) != 1) {
    return Refused();
  }
  int done = 0;
  if (EVP_DecryptFinal_ex(context_.get(), Raw(out.data()), &done) != 1) return Refused();
  return static_cast<std::size_t>(done);
}

}  // namespace coffer
