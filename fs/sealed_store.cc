#include "fs/sealed_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "crypto/header.h"
#include "crypto/multi_key_source.h"
#include "fs/path.h"

namespace coffer::fs {
namespace {

// getxattr comes twice, the first time for the size.
constexpr std::size_t kClaimsKept = 64;

Error NotOfThisVolume(std::string why) {
  return {Code::kCorrupt, "it is not a sealed file of this volume: " + std::move(why)};
}

s3::Range ToRange(CipherRange range) { return {range.offset, range.size}; }

// The frames that a plain range needs: at least one, so that an empty file is proved as well.
FrameRun FramesFor(const Shape& shape, s3::Range range) {
  const FrameRun run = shape.FramesOf({range.offset, range.size});
  return run.count > 0 ? run : shape.FinalFrame();
}

// What of `range` is there.
Bytes CutOut(const Bytes& all, s3::Range range) {
  const std::uint64_t from = std::min<std::uint64_t>(range.offset, all.size());
  const std::uint64_t size = std::min<std::uint64_t>(range.size, all.size() - from);
  const ByteView part = ByteView(all).subspan(from, size);
  return {part.begin(), part.end()};
}

}  // namespace

// Pieces of one version of an object.
struct SealedStore::FirstLook {
  struct Piece {
    s3::Range range;
    Result<s3::Fetched> reply = Error{Code::kInterrupted, "was not asked for"};
  };

  void Want(s3::Range range) { pieces.push_back({.range = range}); }
  bool Holds(s3::Range range) const {
    return std::any_of(pieces.begin(), pieces.end(), [&](const Piece& piece) {
      return piece.range.offset <= range.offset &&
             piece.range.offset + piece.range.size >= range.offset + range.size;
    });
  }
  // What arrived of `range`; nullopt unless it is all there.
  std::optional<ByteView> Find(s3::Range range) const {
    for (const Piece& piece : pieces) {
      if (!piece.reply || range.offset < piece.range.offset) continue;
      const std::uint64_t from = range.offset - piece.range.offset;
      const ByteView body = piece.reply->body;
      if (from <= body.size() && range.size <= body.size() - from) {
        return body.subspan(from, range.size);
      }
    }
    return std::nullopt;
  }
  // The same, after which the piece that held it is gone: no second copy of a large one.
  Bytes Take(s3::Range range) {
    for (Piece& piece : pieces) {
      const auto there = piece.reply ? ByteView(piece.reply->body) : ByteView();
      if (range.offset < piece.range.offset) continue;
      const std::uint64_t from = range.offset - piece.range.offset;
      if (from > there.size() || range.size > there.size() - from) continue;
      Bytes taken = std::move(piece.reply->body);
      taken.resize(from + range.size);
      taken.erase(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(from));
      return taken;
    }
    return {};
  }
  const s3::ObjectInfo& info() const { return pieces.front().reply->info; }
  // The piece that the object begins with.
  const s3::Fetched& head() const {
    return *std::find_if(pieces.begin(), pieces.end(), [](const Piece& piece) {
              return piece.range.offset == 0;
            })->reply;
  }

  Status Fetch(s3::ObjectStore& store, WorkerPool& pool, const std::string& key,
               const s3::ReadCondition& condition);
  Status Agree() const;

  std::vector<Piece> pieces;
};

Status SealedStore::FirstLook::Fetch(s3::ObjectStore& store, WorkerPool& pool,
                                     const std::string& key, const s3::ReadCondition& condition) {
  TaskGroup group(pool, pieces.size());
  for (Piece& piece : pieces) {
    if (piece.reply) continue;
    group.Add([&, target = &piece] { target->reply = store.Get(key, target->range, condition); });
  }
  group.Wait();
  return Agree();
}

Status SealedStore::FirstLook::Agree() const {
  for (const Piece& piece : pieces) {
    if (!piece.reply) return Error(piece.reply.error());
    if (piece.reply->info.etag != info().etag || piece.reply->info.size != info().size) {
      return Error{Code::kChanged, "it was replaced while it was opened"};
    }
  }
  return Ok();
}

SealedStore::SealedStore(const Parts& parts, SealedVolume volume)
    : parts_(parts),
      volume_(std::move(volume)),
      own_prefix_(volume_.prefix + std::string(kOwnDirectory)),
      metadata_(volume_, parts.arena),
      messages_(parts.messages_kept),
      foreign_({parts.below, parts.keys, parts.arena, parts.foreign_limit}, volume_),
      claims_(kClaimsKept) {}

MessageIdentity SealedStore::Opened::identity() const {
  if (foreign) return {*foreign->key, foreign->id};
  return {*message->key, message->opener.message_id()};
}

std::uint64_t SealedStore::Opened::sealed_size() const {
  return foreign ? foreign->sealed_size : message->shape.sealed_size().bytes;
}

// ---- What the bucket says ----

bool SealedStore::IsOwn(std::string_view key) const {
  return !volume_.shows_own && key.starts_with(own_prefix_);
}

Status SealedStore::CheckWritable(std::string_view key) const {
  if (!IsOwn(key)) return Ok();
  return Error{Code::kNotPermitted,
               std::string(kOwnDirectory) + " belongs to the volume and is not for files"};
}

// A marker that another tool made is no message: it is a directory without attributes.
std::uint64_t SealedStore::ShownSize(std::string_view key, const std::string& etag,
                                     std::uint64_t sealed) {
  if (const auto proved = foreign_.SizeOf(std::string(key), etag)) return *proved;
  const auto shape = volume_.layout.ShapeOf(CipherSize{sealed});
  if (shape) return shape->plain_size().bytes;
  return key.ends_with('/') ? 0 : sealed;
}

Result<s3::ObjectInfo> SealedStore::Head(std::string_view key, const s3::ReadCondition& condition) {
  if (IsOwn(key)) return Error{Code::kNotFound, "no such file"};
  COFFER_ASSIGN(s3::ObjectInfo info, parts_.below.Head(key, condition));
  if (SealedMetadata::HasXattrs(info.metadata)) {
    auto opened = LookAtHeader(std::string(key), info.etag, info.version_id);
    if (opened) return std::move(opened->info);
    if (opened.error().code != Code::kCorrupt) return std::move(opened).error();
    SealedMetadata::DropXattrs(info.metadata);  // shown without them, refused when it is opened
  }
  info.size = ShownSize(key, info.etag, info.size);
  info.metadata = SealedMetadata::Unproved(std::move(info.metadata));
  return info;
}

Result<s3::ListPage> SealedStore::List(const s3::ListRequest& request) {
  COFFER_ASSIGN(s3::ListPage page, parts_.below.List(request));
  std::erase_if(page.objects, [&](const auto& object) { return IsOwn(object.key); });
  std::erase_if(page.prefixes, [&](const auto& prefix) { return IsOwn(prefix); });
  for (auto& object : page.objects) object.size = ShownSize(object.key, object.etag, object.size);
  return page;
}

Result<s3::VersionPage> SealedStore::ListVersions(std::string_view prefix,
                                                  std::string_view key_marker,
                                                  std::string_view version_marker) {
  COFFER_ASSIGN(s3::VersionPage page,
                parts_.below.ListVersions(prefix, key_marker, version_marker));
  std::erase_if(page.versions, [&](const auto& version) { return IsOwn(version.key); });
  std::erase_if(page.prefixes, [&](const auto& below) { return IsOwn(below); });
  for (auto& version : page.versions)
    version.size = ShownSize(version.key, version.etag, version.size);
  return page;
}

// ---- Reading ----

Result<s3::Fetched> SealedStore::Get(std::string_view name, s3::Range range,
                                     const s3::ReadCondition& condition) {
  if (IsOwn(name)) return Error{Code::kNotFound, "no such file"};
  const std::string key(name);
  if (const auto message = messages_.Find(key, condition.etag)) {
    return GetKnown(key, range, condition, message);
  }
  if (const auto message = foreign_.Find(key, condition.etag)) {
    return GetForeign(key, range, condition, message);
  }
  return GetFirst(key, range, condition);
}

Result<s3::Fetched> SealedStore::GetKnown(const std::string& key, s3::Range range,
                                          const s3::ReadCondition& condition,
                                          const SealedMessagePtr& message) {
  const FrameRun run = FramesFor(message->shape, range);
  COFFER_ASSIGN(s3::Fetched fetched,
                parts_.below.Get(key, ToRange(message->shape.SealedOf(run)), condition));
  if (fetched.info.size != message->shape.sealed_size().bytes) {
    return NotOfThisVolume("its size is not the one that was proved")
        .While("read " + QuotedKey(key));
  }
  COFFER_ASSIGN(s3::ObjectInfo info,
                Proved(key, {*message->key, message->opener.message_id()},
                       message->shape.plain_size().bytes, std::move(fetched.info)));
  auto opened = OpenRange(*message, run, std::move(fetched.body), range);
  if (!opened) return std::move(opened).error().While("read " + QuotedKey(key));
  return s3::Fetched{std::move(info), std::move(opened).value()};
}

// Header, last frame and what is wanted, side by side: in one request for a small file.
Result<s3::Fetched> SealedStore::GetFirst(const std::string& key, s3::Range range,
                                          const s3::ReadCondition& condition) {
  const Layout& layout = volume_.layout;
  const std::uint64_t frame = layout.frame_size();
  const std::uint64_t first = range.offset / frame;
  const std::uint64_t past = (range.offset + range.size + frame - 1) / frame;
  s3::Range wanted{layout.header_size() + first * layout.sealed_frame_size(),
                   (past - first) * layout.sealed_frame_size() + kFinalOverhead};
  if (first == 0) wanted = {0, wanted.offset + wanted.size};
  FirstLook look;
  look.Want(wanted);
  if (first != 0) look.Want({0, layout.header_size()});
  if (const auto expected = layout.ShapeOf(PlainSize{condition.size}); expected) {
    const s3::Range tail = ToRange(expected->SealedOf(expected->FinalFrame()));
    if (condition.size > 0 && !look.Holds(tail)) look.Want(tail);
  }
  COFFER_TRY(look.Fetch(parts_.below, parts_.pool, key, condition));
  auto opened = OpenMessage(key, look);
  if (!opened) return std::move(opened).error().While("open " + QuotedKey(key));
  if (opened->foreign) {
    Bytes part = CutOut(opened->foreign->plain, range);
    return s3::Fetched{std::move(opened->info), std::move(part)};
  }
  const SealedMessage& message = *opened->message;
  if (const auto proved = OpenFinal(key, message, look); !proved) {
    return Error(proved.error()).While("open " + QuotedKey(key));
  }
  messages_.Add(key, opened->info.etag, opened->message);
  const FrameRun run = FramesFor(message.shape, range);
  const s3::Range sealed = ToRange(message.shape.SealedOf(run));
  if (!look.Find(sealed)) {
    return GetKnown(key, range, {.etag = opened->info.etag, .version_id = condition.version_id},
                    opened->message);
  }
  auto body = OpenRange(message, run, look.Take(sealed), range);
  if (!body) return std::move(body).error().While("read " + QuotedKey(key));
  return s3::Fetched{std::move(opened->info), std::move(body).value()};
}

// All of it is here; whether it is still what the name means is asked.
Result<s3::Fetched> SealedStore::GetForeign(const std::string& key, s3::Range range,
                                            const s3::ReadCondition& condition,
                                            const ForeignMessagePtr& message) {
  COFFER_ASSIGN(s3::ObjectInfo stored, parts_.below.Head(key, condition));
  COFFER_ASSIGN(s3::ObjectInfo info, Proved(key, {*message->key, message->id},
                                            message->plain.size(), std::move(stored)));
  return s3::Fetched{std::move(info), CutOut(message->plain, range)};
}

Result<SealedStore::Opened> SealedStore::OpenForeign(const std::string& key,
                                                     const s3::Fetched& head) {
  const auto bound = [&](const MessageIdentity& identity) -> Status {
    std::string complaint;
    COFFER_TRY(metadata_.Open(key, identity, head.info.metadata, complaint));
    return Ok();
  };
  COFFER_ASSIGN(ForeignMessagePtr message, foreign_.Open(key, head, bound));
  COFFER_ASSIGN(s3::ObjectInfo info,
                Proved(key, {*message->key, message->id}, message->plain.size(), head.info));
  return Opened{nullptr, std::move(message), std::move(info)};
}

Result<SealedStore::Opened> SealedStore::LookAtHeader(const std::string& key,
                                                      const std::string& etag,
                                                      const std::string& version_id) {
  const s3::ReadCondition condition{.etag = etag, .version_id = version_id};
  if (auto message = messages_.Find(key, etag)) {
    COFFER_ASSIGN(s3::ObjectInfo stored, parts_.below.Head(key, condition));
    COFFER_ASSIGN(s3::ObjectInfo info,
                  Proved(key, {*message->key, message->opener.message_id()},
                         message->shape.plain_size().bytes, std::move(stored)));
    return Opened{std::move(message), nullptr, std::move(info)};
  }
  if (auto foreign = foreign_.Find(key, etag)) {
    COFFER_ASSIGN(s3::Fetched nothing, GetForeign(key, {0, 0}, condition, foreign));
    return Opened{nullptr, std::move(foreign), std::move(nothing.info)};
  }
  FirstLook look;
  look.Want({0, volume_.layout.header_size()});
  COFFER_TRY(look.Fetch(parts_.below, parts_.pool, key, condition));
  auto opened = OpenMessage(key, look);
  if (!opened) return std::move(opened).error().While("open " + QuotedKey(key));
  return opened;
}

Result<s3::ObjectInfo> SealedStore::Prove(const std::string& key, const std::string& etag) {
  const s3::ReadCondition condition{.etag = etag, .version_id = {}};
  if (messages_.Find(key, etag)) {
    COFFER_ASSIGN(Opened opened, LookAtHeader(key, etag, {}));
    return std::move(opened.info);
  }
  auto fetched = Get(key, {0, 1}, condition);
  if (fetched) return std::move(fetched->info);
  if (fetched.error().code != Code::kCorrupt || !key.ends_with('/')) {
    return std::move(fetched).error();
  }
  COFFER_ASSIGN(s3::ObjectInfo bare, parts_.below.Head(key, condition));
  if (bare.size != 0) return std::move(fetched).error();
  bare.metadata.clear();
  return bare;
}

Result<std::vector<EncryptedDataKey>> SealedStore::KeysOf(const std::string& key,
                                                          const std::string& etag) {
  if (const auto known = messages_.Find(key, etag)) return known->key->encrypted;
  if (const auto known = foreign_.Find(key, etag)) return known->key->encrypted;
  if (const auto known = claims_.Find(key, etag)) return *known;
  COFFER_ASSIGN(const s3::Fetched head, parts_.below.Get(key, {0, volume_.layout.header_size()},
                                                         {.etag = etag, .version_id = {}}));
  auto header = ParseHeader(head.body, kHeaderLimits);
  if (!header) return NotOfThisVolume(header.error().what);
  claims_.Add(key, etag, std::make_shared<const std::vector<EncryptedDataKey>>(header->encrypted));
  return std::move(header->encrypted);
}

// The message whose header is the first piece's: authenticated, and bound to this name.
Result<SealedStore::Opened> SealedStore::OpenMessage(const std::string& key,
                                                     const FirstLook& look) {
  const Layout& layout = volume_.layout;
  if (foreign_.IsForeign(look.head().body)) return OpenForeign(key, look.head());
  auto shape = layout.ShapeOf(CipherSize{look.info().size});
  if (!shape) return NotOfThisVolume("no message has its size");
  const auto bytes = look.Find({0, layout.header_size()});
  if (!bytes) return Error{Code::kUnavailable, "the service sent less than was asked for"};
  auto header = ParseHeader(*bytes, kHeaderLimits);
  if (!header) return NotOfThisVolume(header.error().what);
  if (header->context != volume_.context) {
    return NotOfThisVolume("it was sealed under another encryption context");
  }
  COFFER_ASSIGN(DataKeyPtr data_key,
                parts_.keys.ForOpening(header->encrypted, header->context, header->suite.key_size));
  COFFER_ASSIGN(Opener opener, Opener::Make(*header, *bytes, *data_key, parts_.arena));
  auto message = std::make_shared<const SealedMessage>(
      SealedMessage{std::move(opener), *shape, std::move(data_key)});
  COFFER_ASSIGN(s3::ObjectInfo info, Proved(key, {*message->key, message->opener.message_id()},
                                            shape->plain_size().bytes, look.info()));
  return Opened{std::move(message), nullptr, std::move(info)};
}

Result<s3::ObjectInfo> SealedStore::Proved(const std::string& key, const MessageIdentity& message,
                                           std::uint64_t plain_size, s3::ObjectInfo stored) {
  std::string complaint;
  COFFER_ASSIGN(stored.metadata,
                metadata_.Open(key, message, std::move(stored.metadata), complaint));
  if (!complaint.empty()) ++unbound_;
  stored.size = plain_size;
  return stored;
}

// Only the final frame proves where a message ends: until it opened, the size is a claim.
Status SealedStore::OpenFinal(const std::string& key, const SealedMessage& message,
                              FirstLook& look) {
  const FrameRun final_frame = message.shape.FinalFrame();
  const s3::Range range = ToRange(message.shape.SealedOf(final_frame));
  auto sealed = look.Find(range);
  if (!sealed) {
    look.Want(range);
    COFFER_TRY(look.Fetch(parts_.below, parts_.pool, key,
                          {.etag = look.info().etag, .version_id = look.info().version_id}));
    sealed = look.Find(range);
    if (!sealed) return Error{Code::kUnavailable, "the service sent less than was asked for"};
  }
  Bytes plain(message.shape.final_size());
  return message.opener.Open(message.shape, final_frame, *sealed, plain);
}

// Where the frames lie: a part of a large file is not there twice.
Result<Bytes> SealedStore::OpenRange(const SealedMessage& message, FrameRun run, Bytes bytes,
                                     s3::Range wanted) {
  const PlainRange plain = message.shape.PlainOf(run);
  if (bytes.size() != message.shape.SealedOf(run).size) {
    return Error{Code::kUnavailable, "the service sent less than was asked for"};
  }
  COFFER_TRY(message.opener.OpenInPlace(message.shape, run, bytes));
  const std::uint64_t end = std::min(wanted.offset + wanted.size, plain.offset + plain.size);
  if (wanted.offset >= end) return Bytes{};
  bytes.resize(end - plain.offset);
  bytes.erase(bytes.begin(),
              bytes.begin() + static_cast<std::ptrdiff_t>(wanted.offset - plain.offset));
  return bytes;
}

}  // namespace coffer::fs
