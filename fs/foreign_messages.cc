#include "fs/foreign_messages.h"

#include <algorithm>
#include <utility>

#include "crypto/commitment_policy.h"
#include "crypto/encryption_context.h"
#include "crypto/multi_key_source.h"
#include "crypto/whole_message_opener.h"

namespace coffer::fs {
namespace {

constexpr std::uint64_t kPiece = 8u << 20;
// No header of eight keys is larger.
constexpr std::uint64_t kLargestForeignHeader = 64u << 10;
constexpr std::uint64_t kSizesKept = 65'536;
constexpr CommitmentPolicy kPolicy = CommitmentPolicy::kRequireEncryptRequireDecrypt;

Error NotOurs(const std::string& why) {
  return {Code::kCorrupt, "it is not a sealed file of this volume: " + why};
}

// The data key that was taken already.
class OneKey : public KeySource {
 public:
  explicit OneKey(DataKeyPtr key) : key_(std::move(key)) {}
  Result<DataKeyPtr> ForSealing(const EncryptionContext& /*context*/) override {
    return Error{Code::kUnsupported, "only to open with"};
  }
  Result<DataKeyPtr> ForOpening(const std::vector<EncryptedDataKey>& /*encrypted*/,
                                const EncryptionContext& /*context*/,
                                std::size_t /*size*/) override {
    return key_;
  }

 private:
  const DataKeyPtr key_;
};

class Memory : public PlaintextSink {
 public:
  explicit Memory(std::uint64_t most) { bytes_.reserve(most); }
  Status Write(ByteView plaintext) override {
    Append(bytes_, plaintext);
    return Ok();
  }
  // Nobody is shown any of it before all of it was verified.
  bool CanWithdraw() const override { return true; }
  Bytes Take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

}  // namespace

// An object of which the first bytes are here.
struct ForeignMessages::Coming {
  s3::ObjectStore& store;
  const std::string& key;
  const s3::ObjectInfo& info;
  Bytes bytes;             // the latest piece
  std::uint64_t next = 0;  // offset of what follows it

  Result<Bytes> Fetch(std::uint64_t size) {
    const std::uint64_t wanted = std::min(size, info.size - std::min(info.size, next));
    if (wanted == 0) return Bytes{};
    COFFER_ASSIGN(s3::Fetched piece, store.Get(key, {next, wanted},
                                               {.etag = info.etag, .version_id = info.version_id}));
    if (piece.body.size() != wanted || piece.info.size != info.size) {
      return Error{Code::kUnavailable, "the service sent less than was asked for"};
    }
    next += wanted;
    return std::move(piece.body);
  }
};

ForeignMessages::ForeignMessages(const Parts& parts, const SealedVolume& volume)
    : parts_(parts), volume_(volume), messages_(parts.limit), sizes_(kSizesKept) {}

bool ForeignMessages::IsOwnShape(const Header& header) const {
  return header.suite.id == SealingSuite().id && header.content == ContentType::kFramed &&
         header.size == volume_.layout.header_size() &&
         header.frame_size == volume_.layout.frame_size();
}

bool ForeignMessages::IsForeign(ByteView head) const {
  const auto header = ParseHeader(head, kHeaderLimits);
  if (header) return !IsOwnShape(*header);
  return header.error().code == Code::kRange && !head.empty();
}

Result<ForeignMessagePtr> ForeignMessages::Open(const std::string& key, const s3::Fetched& head,
                                                const Admit& admit) {
  const Turn::Hold turn(turn_);
  if (auto known = Find(key, head.info.etag)) return known;
  if (head.info.size > parts_.limit) {
    return Error{Code::kTooLarge,
                 "another tool made it, so that it is verified whole, in memory, before a byte is "
                 "shown; it is over " +
                     std::to_string(parts_.limit) +
                     " bytes, an eighth of --memory-limit. coffer open reads it"};
  }
  Coming coming{parts_.below, key, head.info, head.body, head.body.size()};
  COFFER_ASSIGN(const Header header, HeaderOf(coming));
  COFFER_TRY(Check(header));
  COFFER_ASSIGN(DataKeyPtr data_key,
                parts_.keys.ForOpening(header.encrypted, header.context, header.suite.key_size));
  COFFER_TRY(admit({*data_key, header.message_id}));
  COFFER_ASSIGN(Bytes plain, OpenAll(coming, data_key));
  const auto message = std::make_shared<const ForeignMessage>(
      ForeignMessage{std::move(data_key), header.message_id, head.info.size, std::move(plain)});
  Add(key, head.info.etag, message);
  return message;
}

Result<Header> ForeignMessages::HeaderOf(Coming& coming) const {
  for (;;) {
    auto header = ParseHeader(coming.bytes, kHeaderLimits);
    if (header) return header;
    const bool more = header.error().code == Code::kRange && coming.next < coming.info.size &&
                      coming.bytes.size() < kLargestForeignHeader;
    if (!more) return NotOurs(header.error().what);
    COFFER_ASSIGN(const Bytes bytes, coming.Fetch(kLargestForeignHeader));
    Append(coming.bytes, bytes);
  }
}

// The key of a signature is the one pair that the tool adds to the context by itself.
Status ForeignMessages::Check(const Header& header) const {
  EncryptionContext context = header.context;
  context.erase(std::string(kPublicKeyName));
  if (context != volume_.context) {
    return NotOurs("it was sealed under another encryption context");
  }
  const Status committed = CheckOpening(kPolicy, header.suite);
  if (!committed) return NotOurs("it does not commit to its key: a mount does not open such");
  return Ok();
}

Result<Bytes> ForeignMessages::OpenAll(Coming& coming, const DataKeyPtr& data_key) const {
  OneKey key(data_key);
  Memory memory(coming.info.size);
  OpenRules rules;
  rules.policy = kPolicy;
  rules.limits = kHeaderLimits;
  rules.max_held_bytes = parts_.limit;
  WholeMessageOpener opener(key, parts_.arena, rules, memory);
  while (!coming.bytes.empty()) {
    COFFER_TRY(opener.Write(coming.bytes));
    COFFER_ASSIGN(coming.bytes, coming.Fetch(kPiece));
  }
  COFFER_TRY(opener.Finish());
  return memory.Take();
}

std::optional<std::uint64_t> ForeignMessages::SizeOf(const std::string& key,
                                                     const std::string& etag) {
  const auto size = sizes_.Find(key, etag);
  if (!size) return std::nullopt;
  return *size;
}

void ForeignMessages::Add(const std::string& key, const std::string& etag,
                          ForeignMessagePtr message) {
  const std::uint64_t size = message->plain.size();
  sizes_.Add(key, etag, std::make_shared<const std::uint64_t>(size));
  messages_.Add(key, etag, std::move(message), std::max<std::uint64_t>(size, 1));
}

}  // namespace coffer::fs
