#include "crypto/encryption_context.h"

#include "crypto/cursor.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxContext = 0xffff;

}  // namespace

Result<Bytes> SerializeContext(const EncryptionContext& context) {
  Bytes out;
  if (context.empty()) return out;
  // A pair takes 4 bytes, so that what has too many of them is too long as well.
  std::size_t size = 2;
  for (const auto& [name, value] : context) size += 4 + name.size() + value.size();
  if (size > kMaxContext) {
    return Error{Code::kTooLarge, "an encryption context of " + std::to_string(size) +
                                      " bytes: a message takes 65,535"};
  }
  ByteWriter writer(out);
  writer.Integer(static_cast<std::uint16_t>(context.size()));
  for (const auto& [name, value] : context) {
    COFFER_TRY(writer.ShortText(name));
    COFFER_TRY(writer.ShortText(value));
  }
  return out;
}

Result<EncryptionContext> ParseContext(ByteView serialized) {
  EncryptionContext context;
  if (serialized.empty()) return context;
  const Error broken{Code::kCorrupt, "an encryption context that does not fill its length"};
  ByteReader reader(serialized);
  const auto count = reader.Integer<std::uint16_t>();
  if (!count || *count == 0) return broken;
  for (unsigned i = 0; i < *count; ++i) {
    const auto name = reader.ShortText();
    if (!name) return broken;
    const auto value = reader.ShortText();
    if (!value) return broken;
    if (!context.emplace(*name, *value).second) {
      return Error{Code::kCorrupt, "an encryption context with one name twice"};
    }
  }
  if (!reader.done()) return broken;
  return context;
}

Status CheckUserContext(const EncryptionContext& context) {
  for (const auto& [name, value] : context) {
    if (name.empty()) return Error{Code::kInvalid, "an encryption context without a name"};
    if (name.starts_with(kReservedPrefix)) {
      return Error{Code::kInvalid, "the encryption context name " + name +
                                       ": names that begin with aws-crypto- are reserved"};
    }
  }
  if (const auto bytes = SerializeContext(context); !bytes) {
    return Error{Code::kInvalid, bytes.error().what};
  }
  return Ok();
}

}  // namespace coffer
