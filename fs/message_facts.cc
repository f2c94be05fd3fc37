#include "fs/message_facts.h"

#include <string_view>

#include "crypto/encoding.h"
#include "crypto/layout.h"
#include "fs/console.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kColumn = 22;
constexpr std::size_t kRawAesTail = 20;  // sizes and nonce behind a raw AES key's name

std::string SuiteName(const Suite& suite) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string name = "0x";
  for (int shift = 12; shift >= 0; shift -= 4) name += kDigits[suite.id >> shift & 0xf];
  return name;
}

// Of a raw AES key the info goes on, in bytes that are no text, after the name.
std::string KeyNameIn(const EncryptedDataKey& key) {
  const std::size_t zero = key.info.find('\0');
  if (key.info.size() > kRawAesTail && zero == key.info.size() - kRawAesTail) {
    return key.info.substr(0, zero);
  }
  return key.info;
}

void AddLine(std::string& text, std::string name, const std::string& value) {
  for (char& c : name) {
    if (c == '_') c = ' ';
  }
  if (name.size() < kColumn) name.append(kColumn - name.size(), ' ');
  text += name + " " + value + "\n";
}

std::string ValueOf(const Json& value) {
  if (value.is_string()) return Printable(value.get<std::string>());
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return Printable(ToText(value, -1));
}

void AddFact(std::string& text, const std::string& name, const Json& value) {
  if (name == "encryption_context") {
    for (const auto& [key, pair] : value.items()) {
      AddLine(text, name, Printable(key) + " = " + ValueOf(pair));
    }
  } else if (name == "encrypted_data_keys") {
    for (const Json& key : value) {
      AddLine(text, "encrypted data key", ValueOf(key["provider"]) + " " + ValueOf(key["key"]));
    }
  } else if (name == "plaintext_size") {
    AddLine(text, name, ValueOf(value) + " (a claim until the final frame was opened)");
  } else if (name == "size_fits") {
    AddLine(text, "plaintext size", "no such message has this size: it was cut off or extended");
  } else {
    AddLine(text, name, ValueOf(value));
  }
}

}  // namespace

Json MessageFacts(const Header& header, std::uint64_t size) {
  Json facts;
  facts["format"] = header.suite.format_version();
  facts["suite"] = SuiteName(header.suite);
  facts["key_commitment"] = header.suite.commits;
  facts["signed"] = header.suite.signs();
  facts["message_id"] = HexEncode(header.message_id);
  facts["encryption_context"] = Json::object();
  for (const auto& [name, value] : header.context) facts["encryption_context"][name] = value;
  facts["encrypted_data_keys"] = Json::array();
  for (const EncryptedDataKey& key : header.encrypted) {
    facts["encrypted_data_keys"].push_back(
        {{"provider", key.provider}, {"key", KeyNameIn(key)}, {"size", key.ciphertext.size()}});
  }
  facts["coffer_pad"] = header.pad;
  const bool framed = header.content == ContentType::kFramed;
  facts["content_type"] = framed ? "framed" : "whole";
  facts["frame_length"] = header.frame_size;
  facts["header_size"] = header.size;
  if (!framed || header.suite.signs()) return facts;
  const auto layout = Layout::Make(static_cast<std::uint32_t>(header.size), header.frame_size);
  if (!layout) return facts;
  const auto shape = layout->ShapeOf(CipherSize{size});
  if (!shape) {
    facts["size_fits"] = false;
    return facts;
  }
  facts["frames"] = shape->final_frame();
  facts["plaintext_size"] = shape->plain_size().bytes;
  return facts;
}

Json ObjectFacts(const std::string& key, const s3::ObjectInfo& info) {
  Json facts;
  facts["key"] = key;
  facts["size"] = info.size;
  facts["etag"] = info.etag;
  if (!info.version_id.empty()) facts["version_id"] = info.version_id;
  facts["last_modified_s"] = info.last_modified_s;
  facts["storage_class"] = info.storage_class;
  if (info.archived) facts["archived"] = true;
  if (!info.sse.empty()) facts["server_side_encryption"] = info.sse;
  if (!info.sse_kms_key_id.empty()) facts["sse_kms_key_id"] = info.sse_kms_key_id;
  if (!info.lock.mode.empty()) facts["lock_mode"] = info.lock.mode;
  if (info.lock.legal_hold) facts["legal_hold"] = true;
  return facts;
}

std::string FactsForPeople(const Json& facts) {
  std::string text;
  for (const auto& [name, value] : facts.items()) AddFact(text, name, value);
  return text;
}

}  // namespace coffer::fs
