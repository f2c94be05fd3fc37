#include "crypto/sealed_xattrs.h"

#include <algorithm>

#include "crypto/aead.h"
#include "crypto/openssl.h"

namespace coffer {

Result<Bytes> SealXattrs(const Secret& xattr_key, ByteView plaintext) {
  Nonce nonce{};
  COFFER_TRY(RandomBytes(nonce));
  COFFER_ASSIGN(AesGcm cipher, AesGcm::ForSealing(xattr_key.view()));
  Bytes out(nonce.size() + plaintext.size() + kTagSize);
  std::copy(nonce.begin(), nonce.end(), out.begin());
  COFFER_TRY(cipher.Seal(nonce, {}, plaintext, MutableByteView(out).subspan(nonce.size())));
  return out;
}

Result<Bytes> OpenXattrs(const Secret& xattr_key, ByteView sealed) {
  Nonce nonce{};
  if (sealed.size() < nonce.size() + kTagSize) {
    return Error{Code::kCorrupt, "sealed extended attributes that are cut off"};
  }
  std::copy_n(sealed.begin(), nonce.size(), nonce.begin());
  COFFER_ASSIGN(AesGcm cipher, AesGcm::ForOpening(xattr_key.view()));
  Bytes out(sealed.size() - nonce.size() - kTagSize);
  if (const Status opened = cipher.Open(nonce, {}, sealed.subspan(nonce.size()), out); !opened) {
    return Error{Code::kCorrupt, "the sealed extended attributes do not authenticate"};
  }
  return out;
}

}  // namespace coffer
