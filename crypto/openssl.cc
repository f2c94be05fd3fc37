#include "crypto/openssl.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

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
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      return Error{Code::kUnsupported,
                   "no random bytes: " + std::generic_category().message(errno)};
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return Ok();
}

void Wipe(MutableByteView secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

bool SameSecret(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace coffer
