#include "crypto/name_tag.h"

#include <algorithm>

#include "crypto/cursor.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/openssl.h"

namespace coffer {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kTagBytes = 16;

// RFC 4648 section 5, without padding.
std::string Base64Url(ByteView bytes) {
  std::string text = Base64Encode(bytes);
  text.erase(std::min(text.find('='), text.size()));
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

}  // namespace

Result<Bytes> CanonicalAttributes(const BoundAttributes& attributes) {
  Bytes out;
  ByteWriter writer(out);
  for (const auto& [name, value] : attributes) {
    COFFER_TRY(writer.ShortText(name));
    COFFER_TRY(writer.ShortText(value));
  }
  if (out.size() > 0xffff) {
    return Error{Code::kTooLarge, "attributes of " + std::to_string(out.size()) +
                                      " bytes: a bind tag covers 65,535"};
  }
  return out;
}

Result<std::string> BindTag(const Secret& bind_key, const NameBinding& binding) {
  COFFER_ASSIGN(const Bytes attributes, CanonicalAttributes(binding.attributes));
  Bytes bound;
  ByteWriter writer(bound);
  writer.Integer(kVersion);
  COFFER_TRY(writer.ShortText(binding.volume_id));
  COFFER_TRY(writer.ShortText(binding.name));
  COFFER_TRY(writer.ShortText(AsText(attributes)));
  const Sha256Digest whole = HmacSha256(bind_key.view(), bound);
  return std::to_string(kVersion) + ":" + Base64Url(ByteView(whole).first(kTagBytes));
}

Status CheckBindTag(const Secret& bind_key, const NameBinding& binding, std::string_view tag) {
  COFFER_ASSIGN(const std::string expected, BindTag(bind_key, binding));
  if (SameSecret(AsBytes(expected), AsBytes(tag))) return Ok();
  return Error{
      Code::kCorrupt,
      "the bind tag does not fit: the object was renamed or its attributes were changed by "
      "another tool, or it is another one under this name"};
}

}  // namespace coffer
