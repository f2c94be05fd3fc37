#include "crypto/openssl.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace coffer {

Error OpenSslError(std::string_view doing) {
  std::string what(doing);
  const unsigned long first = ERR_get_error();
  char text[256];
  if (first != 0) {
    ERR_error_string_n(first, text, sizeof text);
    what += std::string(": ") + text;
  }
  ERR_clear_error();
  return {Code::kUnsupported, std::move(what)};
}

void OpenSslUnusable(std::string_view doing) {
  (void)std::fprintf(stderr, "coffer: OpenSSL cannot work here: %s\n",
                     OpenSslError(doing).what.c_str());
  std::abort();
}

Status RandomBytes(MutableByteView out) {
  if (RAND_bytes_ex(nullptr, reinterpret_cast<unsigned char*>(out.data()), out.size(), 0) != 1) {
    return OpenSslError("no random bytes");
  }
  return Ok();
}

void Wipe(MutableByteView secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

}  // namespace coffer
