// SealedStore: what goes into the bucket.

#include <algorithm>
#include <cstring>
#include <utility>

#include "crypto/header.h"
#include "fs/sealed_store.h"

namespace coffer::fs {
namespace {

Error UnknownUpload() { return {Code::kInvalid, "no upload of this volume has that id"}; }

}  // namespace

Result<DataKeyPtr> SealedStore::TakeKey() { return parts_.keys.ForSealing(volume_.context); }

Result<SealedStore::Sealed> SealedStore::Begin(const std::string& key,
                                               const s3::NewObject& object) {
  COFFER_TRY(CheckWritable(key));
  Sealed sealed;
  sealed.key = object.data_key;
  if (!sealed.key) {
    COFFER_ASSIGN(sealed.key, TakeKey());
  }
  COFFER_ASSIGN(sealed.sealer,
                Sealer::Make(*sealed.key, volume_.context, volume_.layout, parts_.arena));
  sealed.object = object;
  sealed.object.copies_parts = false;  // parts are sealed here: none is copied
  COFFER_ASSIGN(sealed.object.metadata,
                metadata_.Seal(key, {*sealed.key, sealed.sealer->message_id()}, object.metadata));
  return sealed;
}

// With the header where the part begins the object.
std::size_t SealedStore::SealedSize(s3::PartPlace place, std::size_t plain) const {
  const Layout& layout = volume_.layout;
  const std::uint64_t frame = layout.frame_size();
  const std::size_t header = place.offset == 0 ? layout.header_size() : 0;
  if (!place.last) return header + plain / frame * layout.sealed_frame_size();
  const std::size_t regular = plain == 0 ? 0 : (plain - 1) / frame;
  return header + regular * kFrameOverhead + plain + kFinalOverhead;
}

Status SealedStore::SealInto(Sealer& sealer, s3::PartPlace place, ByteView plain,
                             MutableByteView out) const {
  const Layout& layout = volume_.layout;
  const std::uint64_t frame = layout.frame_size();
  const bool whole = place.offset % frame == 0 && (place.last || plain.size() % frame == 0);
  if (!whole) return Error{Code::kInvalid, "a part that ends inside a frame"};
  const std::uint64_t number = place.offset / frame + 1;
  if (number >= kFinalMarker) return Error{Code::kTooLarge, "the file has too many frames"};
  if (place.offset == 0) {
    const ByteView header = sealer.header();
    std::memcpy(out.data(), header.data(), header.size());
    out = out.subspan(header.size());
  }
  const auto first = static_cast<FrameNumber>(number);
  std::uint64_t regular = plain.size() / frame;
  if (place.last && regular > 0 && plain.size() % frame == 0) --regular;
  if (regular > 0) {
    const std::uint64_t sealed = regular * layout.sealed_frame_size();
    COFFER_TRY(sealer.Seal(first, plain.first(regular * frame), out.first(sealed)));
    out = out.subspan(sealed);
  }
  if (!place.last) return Ok();
  return sealer.SealFinal(first + static_cast<FrameNumber>(regular), plain.subspan(regular * frame),
                          out);
}

// What was just made is known, so that reading or renaming it asks for nothing.
void SealedStore::Remember(const std::string& key, const std::string& etag, const Sealer& sealer,
                           const DataKeyPtr& data_key, std::uint64_t plain_size) {
  const auto shape = volume_.layout.ShapeOf(PlainSize{plain_size});
  auto header = ParseHeader(sealer.header(), {});
  if (!shape || !header || etag.empty()) return;
  auto opener = Opener::Make(*header, sealer.header(), *data_key, parts_.arena);
  if (!opener) return;  // the arena is full: it is opened again when it is read
  messages_.Add(key, etag,
                std::make_shared<const SealedMessage>(
                    SealedMessage{std::move(opener).value(), *shape, data_key}));
}

Result<Bytes> SealedStore::SealAlone(ByteView plain, DataKeyPtr key) {
  if (!key) {
    COFFER_ASSIGN(key, TakeKey());
  }
  COFFER_ASSIGN(const auto sealer,
                Sealer::Make(*key, volume_.context, volume_.layout, parts_.arena));
  const s3::PartPlace whole{1, 0, true};
  Bytes sealed(SealedSize(whole, plain.size()));
  COFFER_TRY(SealInto(*sealer, whole, plain, sealed));
  return sealed;
}

Result<s3::Written> SealedStore::Put(std::string_view name, ByteView body,
                                     const s3::NewObject& object) {
  const std::string key(name);
  COFFER_ASSIGN(const Sealed sealed, Begin(key, object));
  const s3::PartPlace whole{1, 0, true};
  Bytes bytes(SealedSize(whole, body.size()));
  COFFER_TRY(SealInto(*sealed.sealer, whole, body, bytes));
  parts_.keys.Used(sealed.key, bytes.size());
  COFFER_ASSIGN(s3::Written written, parts_.below.Put(key, bytes, sealed.object));
  Remember(key, written.etag, *sealed.sealer, sealed.key, body.size());
  return written;
}

// ---- Uploads ----

Result<s3::Upload> SealedStore::CreateUpload(std::string_view name, const s3::NewObject& object) {
  COFFER_ASSIGN(Sealed sealed, Begin(std::string(name), object));
  COFFER_ASSIGN(s3::Upload upload, parts_.below.CreateUpload(name, sealed.object));
  const auto stream = std::make_shared<Stream>();
  stream->sealer = std::move(sealed.sealer);
  stream->key = std::move(sealed.key);
  const Lock lock(mu_);
  streams_[upload.id] = stream;
  return upload;
}

SealedStore::StreamPtr SealedStore::StreamOf(const s3::Upload& upload) {
  const Lock lock(mu_);
  const auto found = streams_.find(upload.id);
  return found == streams_.end() ? nullptr : found->second;
}

Result<s3::Part> SealedStore::UploadPart(const s3::Upload& upload, s3::PartPlace place,
                                         ByteView body) {
  const StreamPtr stream = StreamOf(upload);
  if (!stream) return UnknownUpload();
  Bytes bytes(SealedSize(place, body.size()));
  COFFER_TRY(SealInto(*stream->sealer, place, body, bytes));
  parts_.keys.Used(stream->key, bytes.size());
  COFFER_ASSIGN(s3::Part part, parts_.below.UploadPart(upload, place, bytes));
  if (place.last) stream->plain_size = place.offset + body.size();
  return part;
}

Result<s3::Part> SealedStore::CopyPart(const s3::Upload& /*upload*/, int /*number*/,
                                       std::string_view /*from*/, s3::Range /*range*/,
                                       std::string_view /*source_etag*/) {
  return Error{Code::kUnsupported, "a sealed file is sealed anew as a whole"};
}

Result<s3::Written> SealedStore::CompleteUpload(const s3::Upload& upload,
                                                std::span<const s3::Part> parts,
                                                const s3::Condition& condition) {
  const StreamPtr stream = StreamOf(upload);
  if (!stream) return UnknownUpload();
  if (!stream->sealer->complete()) return Error{Code::kInvalid, "a part of the file is missing"};
  COFFER_ASSIGN(s3::Written written, parts_.below.CompleteUpload(upload, parts, condition));
  Remember(upload.key, written.etag, *stream->sealer, stream->key, stream->plain_size);
  const Lock lock(mu_);
  streams_.erase(upload.id);
  return written;
}

Status SealedStore::AbortUpload(const s3::Upload& upload) {
  {
    const Lock lock(mu_);
    streams_.erase(upload.id);
  }
  return parts_.below.AbortUpload(upload);
}

// ---- The rest ----

// Who copies under a new name binds the message to it: so it must be bound to the old one, or a
// swapped object would become a true one.
Result<SealedStore::Opened> SealedStore::SourceOf(const s3::CopyRequest& request) {
  auto known = messages_.Find(request.from, request.source_etag);
  if (known && !request.keep_metadata) {
    s3::ObjectInfo info;
    info.etag = request.source_etag;
    info.size = known->shape.plain_size().bytes;
    return Opened{std::move(known), nullptr, std::move(info)};
  }
  return LookAtHeader(request.from, request.source_etag, request.source_version_id);
}

Result<s3::Written> SealedStore::Copy(const s3::CopyRequest& request) {
  COFFER_TRY(CheckWritable(request.to));
  auto source = SourceOf(request);
  if (!source && source.error().code == Code::kCorrupt && request.from.ends_with('/')) {
    // A bare marker of another tool becomes one of ours.
    COFFER_ASSIGN(const s3::ObjectInfo bare,
                  parts_.below.Head(request.from, {.etag = request.source_etag, .version_id = {}}));
    if (bare.size == 0) return Put(request.to, {}, request.target);
  }
  if (!source) return std::move(source).error();
  s3::CopyRequest below = request;
  below.source_etag = source->info.etag;
  below.size = source->sealed_size();
  if (request.keep_metadata) {
    below.keep_metadata = false;
    below.target.metadata = source->info.metadata;
    below.target.headers = source->info.headers;
    below.tag_count = source->info.tag_count;
  }
  COFFER_ASSIGN(below.target.metadata,
                metadata_.Seal(request.to, source->identity(), std::move(below.target.metadata)));
  COFFER_ASSIGN(s3::Written written, parts_.below.Copy(below));
  if (source->foreign) foreign_.Add(request.to, written.etag, source->foreign);
  if (source->message && messages_.Find(request.from, below.source_etag)) {
    messages_.Add(request.to, written.etag, source->message);
  }
  return written;
}

Status SealedStore::Rename(const s3::RenameRequest& /*request*/) {
  return Error{Code::kUnsupported, "a sealed file is bound to its name"};
}

Status SealedStore::Delete(std::string_view key, const s3::Condition& condition) {
  COFFER_TRY(CheckWritable(key));
  return parts_.below.Delete(key, condition);
}

Result<std::vector<s3::FailedDelete>> SealedStore::DeleteMany(
    std::span<const s3::KeyToDelete> keys) {
  for (const auto& key : keys) COFFER_TRY(CheckWritable(key.key));
  return parts_.below.DeleteMany(keys);
}

}  // namespace coffer::fs
