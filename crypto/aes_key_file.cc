#include "crypto/aes_key_file.h"

#include <algorithm>

#include "crypto/digest.h"
#include "crypto/encoding.h"

namespace coffer {
namespace {

bool IsKeySize(std::size_t size) { return size == 16 || size == 24 || size == 32; }

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

Result<Secret> ParseAesKeyFile(std::string_view content, SecretArena& arena) {
  const std::string_view text = Trim(content);
  if (text.size() % 2 == 0 && IsKeySize(text.size() / 2)) {
    COFFER_ASSIGN(Secret key, arena.Make(text.size() / 2));
    if (HexDecodeTo(text, key.fill())) return key;
  }
  if (const auto size = Base64Size(text); size && IsKeySize(*size)) {
    COFFER_ASSIGN(Secret key, arena.Make(*size));
    if (Base64DecodeTo(text, key.fill())) return key;
  }
  if (IsKeySize(content.size())) return arena.Copy(AsBytes(content));
  return Error{Code::kInvalid,
               "not an AES key: its file holds 16, 24 or 32 bytes, raw, in hex or in base64 (make "
               "one with: openssl rand -hex 32)"};
}

std::string AesKeyId(const Secret& key) { return HexEncode(Sha256(key.view())).substr(0, 16); }

}  // namespace coffer
