#include "crypto/header.h"

#include <algorithm>
#include <array>

#include "crypto/cursor.h"
#include "crypto/encoding.h"

namespace coffer {
namespace {

constexpr std::uint8_t kFormat1Type = 0x80;
constexpr std::string_view kPadInfo = "v1";
// Three lengths, provider and info: what a coffer-pad takes beside its zeros.
constexpr std::size_t kPadOverhead = 2 + 2 + 2 + kPadProvider.size() + kPadInfo.size();

std::string SuiteName(std::uint16_t id) {
  return "0x" + HexEncode(std::array{static_cast<std::byte>(id >> 8), static_cast<std::byte>(id)});
}

Status ParseSuite(ByteReader& reader, Header& header) {
  COFFER_ASSIGN(const auto version, reader.Integer<std::uint8_t>());
  if (version != 1 && version != 2) {
    return Corrupt("not an AWS Encryption SDK message: it does not begin with a format number");
  }
  if (version == 1) {
    COFFER_ASSIGN(const auto type, reader.Integer<std::uint8_t>());
    if (type != kFormat1Type) {
      return Corrupt("not an AWS Encryption SDK message: no known type follows the format number");
    }
  }
  COFFER_ASSIGN(const auto id, reader.Integer<std::uint16_t>());
  const Suite* suite = FindSuite(id);
  if (suite == nullptr) return Corrupt("an unknown algorithm suite, " + SuiteName(id));
  if (suite->format_version() != version) {
    return Corrupt("algorithm suite " + SuiteName(id) + " in a message of format " +
                   std::to_string(version));
  }
  header.suite = *suite;
  return Ok();
}

Status ParseContextField(ByteReader& reader, Header& header) {
  COFFER_ASSIGN(const auto serialized, reader.ShortText());
  COFFER_ASSIGN(header.context, ParseContext(AsBytes(serialized)));
  if (header.context.contains(std::string(kPublicKeyName)) != header.suite.signs()) {
    return Corrupt(header.suite.signs()
                       ? "a message to be signed, without the public key of its signature"
                       : "the public key of a signature in a message without one");
  }
  return Ok();
}

// Whether it is the padding, exactly as it is written.
bool IsPad(const EncryptedDataKey& key) {
  return key.provider == kPadProvider && key.info == kPadInfo && !key.ciphertext.empty() &&
         key.ciphertext.find_first_not_of('\0') == std::string::npos;
}

Status ParseKeys(ByteReader& reader, const HeaderLimits& limits, Header& header) {
  COFFER_ASSIGN(const auto count, reader.Integer<std::uint16_t>());
  if (count == 0) return Corrupt("a message without an encrypted data key");
  if (limits.max_encrypted_data_keys != 0 && count > limits.max_encrypted_data_keys) {
    return Error{Code::kNotPermitted,
                 "a message with " + std::to_string(count) + " encrypted data keys, where " +
                     std::to_string(limits.max_encrypted_data_keys) + " are allowed"};
  }
  for (unsigned i = 0; i < count; ++i) {
    EncryptedDataKey key;
    COFFER_ASSIGN(key.provider, reader.ShortText());
    COFFER_ASSIGN(key.info, reader.ShortText());
    COFFER_ASSIGN(key.ciphertext, reader.ShortText());
    if (key.provider != kPadProvider) {
      header.encrypted.push_back(std::move(key));
      continue;
    }
    if (i + 1u != count || !IsPad(key)) {
      return Corrupt("padding of the header that is not as it is written");
    }
    header.pad = static_cast<std::uint16_t>(key.ciphertext.size());
  }
  if (header.encrypted.empty()) return Corrupt("a message without an encrypted data key");
  return Ok();
}

Status ParseContent(ByteReader& reader, Header& header) {
  COFFER_ASSIGN(const auto content, reader.Integer<std::uint8_t>());
  if (content != static_cast<std::uint8_t>(ContentType::kWhole) &&
      content != static_cast<std::uint8_t>(ContentType::kFramed)) {
    return Corrupt("an unknown content type");
  }
  header.content = ContentType{content};
  if (!header.suite.commits) {
    COFFER_ASSIGN(const auto reserved, reader.Integer<std::uint32_t>());
    COFFER_ASSIGN(const auto nonce_size, reader.Integer<std::uint8_t>());
    if (reserved != 0 || nonce_size != header.nonce.size()) {
      return Corrupt("reserved bytes that are not zero, or nonces of another size than 12");
    }
  }
  COFFER_ASSIGN(header.frame_size, reader.Integer<std::uint32_t>());
  if ((header.frame_size == 0) != (header.content == ContentType::kWhole)) {
    return Corrupt("a frame length that does not go with the content type");
  }
  return Ok();
}

// A writer's mistakes; what a reader met would be kCorrupt.
Status Check(const Header& header) {
  if (header.message_id.size() != header.suite.message_id_size()) {
    return Error{Code::kInvalid, "a message id of another length than the suite's"};
  }
  if ((header.frame_size == 0) != (header.content == ContentType::kWhole)) {
    return Error{Code::kInvalid, "a frame length that does not go with the content type"};
  }
  if (header.encrypted.empty()) return Error{Code::kInvalid, "no encrypted data key"};
  if (header.encrypted.size() + (header.pad > 0 ? 1 : 0) > 0xffff) {
    return Error{Code::kTooLarge, "more encrypted data keys than a message takes"};
  }
  const auto reserved = [](const EncryptedDataKey& key) { return key.provider == kPadProvider; };
  if (std::any_of(header.encrypted.begin(), header.encrypted.end(), reserved)) {
    return Error{Code::kInvalid, "a key of the provider coffer-pad"};
  }
  if (header.context.contains(std::string(kPublicKeyName)) != header.suite.signs()) {
    return Error{Code::kInvalid, "a public key in the context goes with suites that sign"};
  }
  return Ok();
}

Status EncodeKey(ByteWriter& writer, const EncryptedDataKey& key) {
  COFFER_TRY(writer.ShortText(key.provider));
  COFFER_TRY(writer.ShortText(key.info));
  return writer.ShortText(key.ciphertext);
}

}  // namespace

Result<Header> ParseHeader(ByteView bytes, const HeaderLimits& limits) {
  Header header;
  ByteReader reader(bytes);
  COFFER_TRY(ParseSuite(reader, header));
  COFFER_ASSIGN(const ByteView message_id, reader.Take(header.suite.message_id_size()));
  header.message_id.assign(message_id.begin(), message_id.end());
  COFFER_TRY(ParseContextField(reader, header));
  COFFER_TRY(ParseKeys(reader, limits, header));
  COFFER_TRY(ParseContent(reader, header));
  if (header.suite.commits) {
    COFFER_ASSIGN(const ByteView commitment, reader.Take(header.commitment.size()));
    std::copy(commitment.begin(), commitment.end(), header.commitment.begin());
  }
  header.authenticated_size = reader.position();
  if (!header.suite.commits) {
    COFFER_ASSIGN(const ByteView nonce, reader.Take(header.nonce.size()));
    std::copy(nonce.begin(), nonce.end(), header.nonce.begin());
  }
  COFFER_TRY(reader.Take(kTagSize));
  header.size = reader.position();
  return header;
}

Result<Bytes> EncodeHeader(const Header& header) {
  COFFER_TRY(Check(header));
  COFFER_ASSIGN(const Bytes context, SerializeContext(header.context));
  Bytes out;
  ByteWriter writer(out);
  writer.Integer(static_cast<std::uint8_t>(header.suite.format_version()));
  if (!header.suite.commits) writer.Integer(kFormat1Type);
  writer.Integer(header.suite.id);
  writer.Append(header.message_id);
  COFFER_TRY(writer.ShortText(AsText(context)));
  writer.Integer(static_cast<std::uint16_t>(header.encrypted.size() + (header.pad > 0 ? 1 : 0)));
  for (const EncryptedDataKey& key : header.encrypted) COFFER_TRY(EncodeKey(writer, key));
  if (header.pad > 0) {
    COFFER_TRY(EncodeKey(
        writer, {std::string(kPadProvider), std::string(kPadInfo), std::string(header.pad, '\0')}));
  }
  writer.Integer(static_cast<std::uint8_t>(header.content));
  if (!header.suite.commits) {
    writer.Integer(std::uint32_t{0});
    writer.Integer(static_cast<std::uint8_t>(header.nonce.size()));
  }
  writer.Integer(header.frame_size);
  if (header.suite.commits) writer.Append(header.commitment);
  return out;
}

Result<std::size_t> HeaderSize(const Header& header) {
  COFFER_ASSIGN(const Bytes encoded, EncodeHeader(header));
  return encoded.size() + (header.suite.commits ? 0 : header.nonce.size()) + kTagSize;
}

Status PadHeader(Header& header, std::size_t size) {
  header.pad = 0;
  COFFER_ASSIGN(const std::size_t unpadded, HeaderSize(header));
  const std::size_t least = unpadded + kPadOverhead + 1;
  if (least > size) {
    return Error{Code::kTooLarge, "the header of a message is " + std::to_string(least - size) +
                                      " bytes too long for this volume: keys and context need " +
                                      std::to_string(least) + " of " + std::to_string(size)};
  }
  if (size - least + 1 > 0xffff) {
    return Error{Code::kInvalid, "a header of " + std::to_string(size) + " bytes is too long"};
  }
  header.pad = static_cast<std::uint16_t>(size - least + 1);
  return Ok();
}

}  // namespace coffer
