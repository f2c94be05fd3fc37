#include "fs/message_check.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "crypto/multi_key_source.h"
#include "crypto/whole_message_opener.h"
#include "fs/listing.h"
#include "fs/mutex.h"
#include "fs/volume_descriptor.h"
#include "fs/volume_session.h"
#include "fs/volume_signs.h"

namespace coffer::fs {
namespace {

constexpr std::uint64_t kCheckedAtOnce = 2u << 20;
constexpr std::size_t kPiecesAtOnce = 16;
// A frame is held in memory, sealed and open.
constexpr std::uint64_t kLargestFrame = 16u << 20;
constexpr int kReplacements = 4;

Error SentTooLittle() { return {Code::kUnavailable, "the service sent less than was asked for"}; }

}  // namespace

std::string_view Word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kGood:
      return "good";
    case Verdict::kMarker:
      return "marker";
    case Verdict::kGone:
      return "gone";
    case Verdict::kDamaged:
      return "damaged";
    case Verdict::kMoved:
      return "moved";
    case Verdict::kUnbound:
      return "unbound";
    case Verdict::kForeign:
      return "foreign";
    case Verdict::kUnreadable:
      return "unreadable";
  }
  return "?";
}

bool IsDamage(Verdict verdict, BindingPolicy binding) {
  switch (verdict) {
    case Verdict::kDamaged:
    case Verdict::kForeign:
      return true;
    case Verdict::kMoved:
    case Verdict::kUnbound:
      return binding == BindingPolicy::kStrict;
    default:
      return false;
  }
}

// One object, read once. Each step returns false when the verdict is clear and nothing is left to
// do; its errors are those of the service, after which nothing is known.
class MessageCheck::Reading {
 public:
  Reading(const MessageCheck& check, const std::string& key, Depth depth, const Moved& moved)
      : parts_(check.parts_),
        key_(key),
        depth_(depth),
        moved_(moved),
        volume_(check.IsDescriptor(key) ? check.descriptor_ : check.files_),
        metadata_(check.IsDescriptor(key) ? check.descriptor_metadata_ : check.metadata_) {}

  // kChanged and, once something of it was read, kNotFound: begin again.
  Result<CheckedObject> Read();

 private:
  using Step = Result<bool>;

  Step Begin();
  Step ReadHeader();
  Step OpenHeader();
  Step CheckMetadata();
  Status ReadBody();
  Status ReadPieces();
  Status ReadSeveral(FrameNumber first);
  Status ReadRun(FrameRun run);
  Status OpenFrames(FrameRun run, ByteView sealed);
  Status ReadWhole();
  Result<Bytes> Fetch(s3::Range range);
  bool Conclude(Verdict verdict, std::string reason) {
    object_.verdict = verdict;
    object_.reason = std::move(reason);
    return false;
  }

  const Parts& parts_;
  const std::string& key_;
  const Depth depth_;
  const Moved& moved_;
  const SealedVolume& volume_;
  const SealedMetadata& metadata_;
  CheckedObject object_;
  Bytes head_;  // the object's first bytes
};

Result<CheckedObject> MessageCheck::Reading::Read() {
  for (const auto step : {&Reading::Begin, &Reading::ReadHeader, &Reading::OpenHeader}) {
    COFFER_ASSIGN(const bool on, (this->*step)());
    if (!on) return std::move(object_);
  }
  if (Status body = ReadBody(); !body) {
    if (body.error().code != Code::kCorrupt) return std::move(body).error();
    Conclude(Verdict::kDamaged, body.error().what);
    return std::move(object_);
  }
  COFFER_TRY(CheckMetadata());
  return std::move(object_);
}

MessageCheck::Reading::Step MessageCheck::Reading::Begin() {
  const std::uint64_t frame = volume_.layout.sealed_frame_size();
  const std::uint64_t frames =
      depth_ == Depth::kWhole ? std::max<std::uint64_t>(kCheckedAtOnce / frame, 1) : 1;
  const s3::Range range{0, volume_.layout.header_size() + frames * frame + kFinalOverhead};
  auto fetched = parts_.store.Get(key_, range, {});
  if (!fetched && fetched.error().code == Code::kNotFound) return Conclude(Verdict::kGone, "");
  if (!fetched) return std::move(fetched).error();
  object_.info = std::move(fetched->info);
  head_ = std::move(fetched->body);
  if (head_.size() != std::min(range.size, object_.info.size)) return SentTooLittle();
  if (moved_) moved_(head_.size());
  if (IsBareMarker(key_, object_.info.size)) return Conclude(Verdict::kMarker, "");
  return true;
}

MessageCheck::Reading::Step MessageCheck::Reading::ReadHeader() {
  auto header = ParseHeader(head_, kHeaderLimits);
  const bool bound = IsBound(object_.info.metadata);
  if (!header && header.error().code == Code::kNotPermitted) {
    return Conclude(Verdict::kForeign, header.error().what);
  }
  if (!header && bound) {
    return Conclude(Verdict::kDamaged, "it was sealed, and has no header: " + header.error().what);
  }
  if (!header) {
    return Conclude(Verdict::kForeign, object_.info.size == 0
                                           ? "it is empty: not sealed, written by another tool"
                                           : "it is not sealed: in the clear, or another tool's (" +
                                                 header.error().what + ")");
  }
  object_.header = std::move(*header);
  const EncryptionContext& context = object_.header->context;
  if (context != volume_.context) {
    const auto vol = context.find("vol");
    const bool other = vol != context.end() && vol->second != volume_.id;
    return Conclude(Verdict::kForeign, other
                                           ? "it is a file of another sealed volume, " + vol->second
                                           : "it was sealed under another encryption context");
  }
  if (!object_.header->suite.commits) {
    return Conclude(Verdict::kForeign, "its algorithm suite does not commit to a key");
  }
  if (object_.header->frame_size > kLargestFrame) {
    return Error{Code::kUnsupported, "its frames are too large for a check; coffer open reads it"};
  }
  return true;
}

// Under keys of this volume, so nobody else's.
MessageCheck::Reading::Step MessageCheck::Reading::OpenHeader() {
  const Header& header = *object_.header;
  auto key = parts_.keys.ForOpening(header.encrypted, header.context, header.suite.key_size);
  if (!key && key.error().code == Code::kCorrupt) {
    return Conclude(Verdict::kDamaged, key.error().what);
  }
  if (!key) {
    object_.of_keys = true;
    object_.failure = key.error();
    return Conclude(Verdict::kUnreadable, key.error().what);
  }
  object_.key = std::move(*key);
  if (header.suite.id != SealingSuite().id || header.content != ContentType::kFramed) return true;
  auto opener = Opener::Make(header, head_, *object_.key, parts_.arena);
  if (!opener && opener.error().code != Code::kCorrupt) return std::move(opener).error();
  if (!opener) {
    object_.key = nullptr;
    return Conclude(Verdict::kDamaged, opener.error().what);
  }
  object_.opener.emplace(std::move(*opener));
  auto shape = object_.opener->layout().ShapeOf(CipherSize{object_.info.size});
  if (!shape) return Conclude(Verdict::kDamaged, shape.error().what);
  object_.shape = *shape;
  return true;
}

MessageCheck::Reading::Step MessageCheck::Reading::CheckMetadata() {
  const MessageIdentity identity{*object_.key, object_.header->message_id};
  const s3::Metadata& stored = object_.info.metadata;
  if (volume_.binding != BindingPolicy::kOff) {
    const Status bound = metadata_.Bound(key_, identity, stored);
    if (!bound && bound.error().code != Code::kCorrupt) return Error(bound.error());
    if (!bound && !IsBound(stored)) {
      return Conclude(
          Verdict::kUnbound,
          "it has no bind tag: its metadata was lost, or another tool sealed it (coffer "
          "rebind adopts it)");
    }
    if (!bound) {
      return Conclude(Verdict::kMoved,
                      "it has another's name, or attributes that were not written with it (coffer "
                      "rebind adopts what was moved on purpose)");
    }
  }
  if (!SealedMetadata::HasXattrs(stored)) return true;
  const Status xattrs = metadata_.OpensXattrs(identity, stored);
  if (!xattrs && xattrs.error().code != Code::kCorrupt) return Error(xattrs.error());
  if (!xattrs) return Conclude(Verdict::kDamaged, xattrs.error().what);
  return true;
}

Result<Bytes> MessageCheck::Reading::Fetch(s3::Range range) {
  COFFER_ASSIGN(s3::Fetched fetched,
                parts_.store.Get(key_, range, {.etag = object_.info.etag, .version_id = {}}));
  if (fetched.info.size != object_.info.size) {
    return Error{Code::kChanged, "it was replaced while it was read"};
  }
  if (fetched.body.size() != range.size) return SentTooLittle();
  if (moved_) moved_(range.size);
  return std::move(fetched.body);
}

Status MessageCheck::Reading::ReadBody() {
  if (!object_.opener) return ReadWhole();
  COFFER_TRY(ReadPieces());
  if (depth_ == Depth::kWhole) object_.bytes = object_.info.size;
  return Ok();
}

Status MessageCheck::Reading::ReadPieces() {
  const Shape& shape = *object_.shape;
  if (depth_ == Depth::kEnds) return ReadRun(shape.FinalFrame());
  const std::uint64_t header = shape.layout().header_size();
  const std::uint64_t at_hand = head_.size() - header;
  const std::uint64_t frames =
      head_.size() == object_.info.size
          ? shape.final_frame()
          : std::min<std::uint64_t>(at_hand / shape.layout().sealed_frame_size(),
                                    shape.final_frame() - 1);
  const FrameRun run{1, static_cast<std::uint32_t>(frames)};
  if (run.count > 0) COFFER_TRY(ReadRun(run));
  if (run.count == shape.final_frame()) return Ok();
  Bytes().swap(head_);
  return ReadSeveral(run.count + 1);
}

// From frame `first` to the end, several pieces at a time.
Status MessageCheck::Reading::ReadSeveral(FrameNumber first) {
  const Shape& shape = *object_.shape;
  const std::uint64_t step =
      std::max<std::uint64_t>(kCheckedAtOnce / shape.layout().sealed_frame_size(), 1);
  std::atomic<std::uint64_t> next{first};
  Mutex mu;
  std::optional<std::pair<std::uint64_t, Error>> failed;  // the first by place
  const auto read = [&] {
    for (;;) {
      const std::uint64_t at = next.fetch_add(step);
      if (at > shape.final_frame()) return;
      const std::uint64_t count = std::min(step, shape.final_frame() - at + 1);
      Status opened = ReadRun({static_cast<FrameNumber>(at), static_cast<std::uint32_t>(count)});
      if (opened) continue;
      next = std::uint64_t{shape.final_frame()} + 1;
      const Lock lock(mu);
      if (!failed || at < failed->first) failed.emplace(at, std::move(opened).error());
    }
  };
  {
    TaskGroup group(parts_.pool, kPiecesAtOnce);
    const std::uint64_t pieces = (shape.final_frame() - first) / step + 1;
    for (std::size_t i = 0; i < std::min<std::uint64_t>(pieces, kPiecesAtOnce); ++i)
      group.Add(read);
  }
  if (failed) return std::move(failed->second);
  return Ok();
}

Status MessageCheck::Reading::ReadRun(FrameRun run) {
  const CipherRange range = object_.shape->SealedOf(run);
  if (range.offset + range.size <= head_.size()) {
    return OpenFrames(run, ByteView(head_).subspan(range.offset, range.size));
  }
  COFFER_ASSIGN(const Bytes sealed, Fetch({range.offset, range.size}));
  return OpenFrames(run, sealed);
}

Status MessageCheck::Reading::OpenFrames(FrameRun run, ByteView sealed) {
  const Shape& shape = *object_.shape;
  Bytes plain(shape.layout().frame_size());
  for (std::uint32_t i = 0; i < run.count; ++i) {
    const FrameRun frame{run.first + i, 1};
    const std::size_t size = shape.SealedOf(frame).size;
    COFFER_TRY(object_.opener->Open(shape, frame, sealed.first(size),
                                    MutableByteView(plain).first(shape.PlainOf(frame).size)));
    sealed = sealed.subspan(size);
  }
  Wipe(plain);
  return Ok();
}

// A signed message is authentic as a whole or not at all.
Status MessageCheck::Reading::ReadWhole() {
  NoPlaintext nowhere;
  OpenRules rules;
  rules.limits = kHeaderLimits;
  rules.max_held_bytes = kLargestFrame;
  WholeMessageOpener opener(parts_.keys, parts_.arena, std::move(rules), nowhere);
  COFFER_TRY(opener.Write(head_));
  for (std::uint64_t at = head_.size(); at < object_.info.size;) {
    const std::uint64_t size = std::min(kCheckedAtOnce, object_.info.size - at);
    COFFER_ASSIGN(const Bytes piece, Fetch({at, size}));
    COFFER_TRY(opener.Write(piece));
    at += size;
  }
  COFFER_TRY(opener.Finish());
  object_.bytes = object_.info.size;
  return Ok();
}

MessageCheck::MessageCheck(const Parts& parts, SealedVolume files, SealedVolume descriptor)
    : parts_(parts),
      files_(std::move(files)),
      descriptor_(std::move(descriptor)),
      descriptor_key_(files_.prefix + std::string(kDescriptorName)),
      metadata_(files_, parts_.arena),
      descriptor_metadata_(descriptor_, parts_.arena) {}

Result<CheckedObject> MessageCheck::Check(const std::string& key, Depth depth,
                                          const Moved& moved) const {
  bool again = false;
  for (int replaced = 0; replaced < kReplacements;) {
    auto read = Reading(*this, key, depth, moved).Read();
    if (read && read->verdict == Verdict::kDamaged && !again) {
      again = true;
      continue;
    }
    if (read) return read;
    const Error& error = read.error();
    if (error.code == Code::kInterrupted) return read;
    if (error.code == Code::kChanged || error.code == Code::kNotFound) {
      ++replaced;
      continue;
    }
    CheckedObject object;
    object.verdict = Verdict::kUnreadable;
    object.reason = error.what;
    object.failure = error;
    return object;
  }
  CheckedObject object;
  object.verdict = Verdict::kUnreadable;
  object.reason = "it was replaced again and again while it was read";
  object.failure = Error{Code::kChanged, object.reason};
  return object;
}

MessageCheck CheckOf(VolumeSession& session, std::optional<BindingPolicy> binding) {
  SealedMount& sealed = *session.sealed();
  SealedVolume files = sealed.store().volume();
  files.binding = binding.value_or(files.binding);
  SealedVolume descriptor{files.id,
                          files.prefix,
                          files.layout,
                          DescriptorContext(sealed.descriptor()),
                          BindingPolicy::kStrict,
                          true};
  return {{session.stored(), sealed.keys(), session.arena(), session.pool()},
          std::move(files),
          std::move(descriptor)};
}

}  // namespace coffer::fs
