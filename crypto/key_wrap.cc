#include "crypto/key_wrap.h"

#include <algorithm>
#include <memory>
#include <new>
#include <string>

#include "crypto/aead.h"
#include "crypto/openssl.h"

namespace coffer {
namespace {

constexpr std::size_t kWrapBlock = 16;

Error DoesNotUnwrap() { return {Code::kCorrupt, "the AES key does not unwrap this"}; }

// Deciphers at once. Rare enough to fetch its algorithm each time.
Result<Secret> Decipher(const std::string& mode, ByteView key, ByteView wrapped,
                        SecretArena& arena) {
  if (wrapped.size() > kMaxSecret || (key.size() != 16 && key.size() != 24 && key.size() != 32)) {
    return DoesNotUnwrap();
  }
  const std::string name = "AES-" + std::to_string(key.size() * 8) + "-" + mode;
  const Cipher algorithm(EVP_CIPHER_fetch(nullptr, name.c_str(), nullptr));
  if (!algorithm) return OpenSslError("OpenSSL has no " + name);
  const CipherContext context(EVP_CIPHER_CTX_new());
  if (!context) throw std::bad_alloc();
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  // Room for a block more than may come out.
  std::array<std::byte, kMaxSecret + kWrapBlock> out{};
  auto* raw = reinterpret_cast<unsigned char*>(out.data());
  int done = 0;
  int rest = 0;
  const bool ok = EVP_DecryptInit_ex2(context.get(), algorithm.get(),
                                      reinterpret_cast<const unsigned char*>(key.data()), nullptr,
                                      nullptr) == 1 &&
                  EVP_DecryptUpdate(context.get(), raw, &done,
                                    reinterpret_cast<const unsigned char*>(wrapped.data()),
                                    static_cast<int>(wrapped.size())) == 1 &&
                  EVP_DecryptFinal_ex(context.get(), raw + done, &rest) == 1;
  // Its queue would tell why, and shall not.
  if (!ok) (void)OpenSslError("");
  const auto size = static_cast<std::size_t>(done) + static_cast<std::size_t>(rest);
  auto unwrapped = ok && size > 0 && size <= kMaxSecret ? arena.Copy(ByteView(out).first(size))
                                                        : Result<Secret>(DoesNotUnwrap());
  Wipe(out);
  return unwrapped;
}

}  // namespace

Result<Secret> UnwrapAesGcm(ByteView key, ByteView authenticated, ByteView wrapped,
                            SecretArena& arena) {
  Nonce nonce{};
  if (wrapped.size() <= nonce.size() + kTagSize ||
      wrapped.size() > nonce.size() + kMaxSecret + kTagSize) {
    return DoesNotUnwrap();
  }
  std::copy_n(wrapped.begin(), nonce.size(), nonce.begin());
  const ByteView sealed = wrapped.subspan(nonce.size());
  COFFER_ASSIGN(AesGcm cipher, AesGcm::ForOpening(key));
  COFFER_ASSIGN(Secret unwrapped, arena.Make(sealed.size() - kTagSize));
  if (!cipher.Open(nonce, authenticated, sealed, unwrapped.fill())) return DoesNotUnwrap();
  return unwrapped;
}

Result<Secret> UnwrapAesKeyWrap(ByteView key, ByteView wrapped, SecretArena& arena) {
  return Decipher("WRAP", key, wrapped, arena);
}

Result<Secret> UnwrapAesEcb(ByteView key, ByteView wrapped, SecretArena& arena) {
  return Decipher("ECB", key, wrapped, arena);
}

}  // namespace coffer
