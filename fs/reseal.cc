#include "fs/reseal.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "crypto/digest.h"
#include "crypto/header.h"
#include "crypto/multi_key_source.h"
#include "fs/attributes.h"
#include "fs/key_match.h"
#include "fs/listing.h"
#include "s3client/object_info.h"

namespace coffer::fs {
namespace {

constexpr std::uint64_t kMostParts = 9'000;  // of 10,000
constexpr std::uint64_t kMemory = 256u << 20;
// Of what is read: plaintext, and its sealed form once on the way in and once on the way out.
constexpr std::uint64_t kCopies = 3;
constexpr auto kForMemory = std::chrono::hours(24);
constexpr int kTries = 3;
constexpr std::size_t kDataKeysKept = 1'000'000;

// Where S3 Encryption Clients keep their keys.
constexpr std::array kClientSide = {"x-amz-key", "x-amz-key-v2", "x-amz-cek-alg", "x-amz-c",
                                    "x-amz-3"};

// May this be an AWS Encryption SDK message, whole or broken? Then it is nobody's plaintext.
bool BeginsAsMessage(ByteView head) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned>(head[i]); };
  if (head.empty()) return false;
  if (at(0) == 1) return head.size() < 2 || at(1) == 0x80;
  return at(0) == 2 &&
         (head.size() < 2 || ((at(1) == 4 || at(1) == 5) && (head.size() < 3 || at(2) == 0x78)));
}

bool IsClientSideEncrypted(const s3::Metadata& metadata) {
  return std::any_of(kClientSide.begin(), kClientSide.end(),
                     [&](const char* name) { return metadata.contains(name); });
}

bool IsLocked(const s3::ObjectInfo& info) {
  return info.lock.legal_hold || info.lock.retain_until_s > info.server_date_s;
}

// Where the object says no time of its own, the service's counts, and a new object would get a new
// one: it is pinned.
s3::Metadata WithTime(const std::string& key, s3::Metadata metadata, std::int64_t last_modified_s) {
  const Attributes one = FromMetadata(key, metadata, 1, {});
  const Attributes other = FromMetadata(key, metadata, 2, {});
  if (one.mtime != other.mtime) metadata["mtime"] = std::to_string(last_modified_s);
  return metadata;
}

// A few first bytes of plaintext may be a message's: only its owner can tell.
std::string NoMessage(const Error& error, bool bound) {
  const char* hint = bound
                         ? ""
                         : " (if it is plaintext that only begins like one: copy it out by another "
                           "tool, remove it there, and copy it in through a mount)";
  return "it is no whole message: " + error.what + hint;
}

Visited LeftAlone(const char* outcome, std::string why) { return {outcome, std::move(why), 0}; }

// A failure of one object; one that means the end of all is an Error.
Result<Visited> FailedVisit(Error error) {
  switch (error.code) {
    case Code::kInterrupted:
      return error;
    case Code::kCorrupt:
      return LeftAlone(resealing::kDamaged, std::move(error.what));
    case Code::kKeyMissing:
    case Code::kKeyDisabled:
      return LeftAlone(resealing::kNoKey, std::move(error.what));
    case Code::kArchived:
      return LeftAlone(resealing::kArchived, "it is archived: 'coffer restore' makes it readable");
    case Code::kChanged:
    case Code::kExists:
      return LeftAlone(resealing::kChanged, "it was changed meanwhile");
    default:
      return LeftAlone(resealing::kFailed, std::move(error.what));
  }
}

}  // namespace

Resealer::Resealer(const Parts& parts, Rules rules)
    : parts_(parts),
      rules_(std::move(rules)),
      own_prefix_(rules_.prefix + std::string(kOwnDirectory)),
      budget_(kMemory) {}

ResealCost Resealer::Cost() const {
  const Lock lock(mu_);
  ResealCost cost = cost_;
  cost.data_keys = data_keys_.size();
  return cost;
}

// Whole frames, and few enough of them for one upload.
std::uint64_t Resealer::PieceFor(std::uint64_t size) const {
  const std::uint64_t frame = rules_.volume.frame_size;
  const std::uint64_t piece = std::max(rules_.part_size, size / kMostParts + 1);
  return (piece + frame - 1) / frame * frame;
}

std::uint64_t Resealer::SizeOf(const Found& found) const {
  if (!found.sealed) return found.info.size;
  const auto shape = parts_.source.volume().layout.ShapeOf(CipherSize{found.info.size});
  return shape ? shape->plain_size().bytes : 0;
}

Result<Visited> Resealer::Visit(const s3::ListedObject& object) {
  if (object.key.starts_with(own_prefix_)) return Visited{resealing::kOwn};
  std::string etag = object.etag;
  for (int i = 1;; ++i) {
    COFFER_ASSIGN(Visited visited, Look(object.key, etag));
    if (visited.outcome != resealing::kChanged || i == kTries) return visited;
    etag.clear();  // whatever it is now
  }
}

Result<Visited> Resealer::Look(const std::string& key, const std::string& etag) {
  auto head =
      parts_.stored.Get(key, {0, rules_.volume.header_size}, {.etag = etag, .version_id = {}});
  if (!head && head.error().code == Code::kNotFound) return Visited{resealing::kGone};
  if (!head) return FailedVisit(std::move(head).error());
  return Judge({key, std::move(head->info)}, head->body);
}

Result<Visited> Resealer::Judge(Found found, ByteView head) {
  const s3::ObjectInfo& info = found.info;
  if (info.archived || s3::IsArchiveClass(info.storage_class)) {
    return LeftAlone(resealing::kArchived, "it is of the storage class " + info.storage_class +
                                               ": it opens by its old keys alone");
  }
  const bool bound = info.metadata.contains("coffer-bind");
  if (!BeginsAsMessage(head)) {
    if (bound) {
      return LeftAlone(resealing::kDamaged, "its metadata is a sealed file's, its content is not");
    }
    if (IsClientSideEncrypted(info.metadata)) {
      return LeftAlone(resealing::kForeign, "an S3 Encryption Client object");
    }
    // a directory's attributes are worth sealing; a Hadoop marker has none, and sealed it is a file
    const bool adopts = rules_.adopt_plaintext && !found.key.ends_with(kFolderSuffix);
    if (!adopts && IsBareMarker(found.key, info.size)) return Visited{resealing::kMarker};
    if (!rules_.adopt_plaintext) {
      return LeftAlone(resealing::kPlaintext,
                       "it is in the clear (coffer reseal --adopt-plaintext)");
    }
    return Take(found);
  }
  const auto header = ParseHeader(head, kHeaderLimits);
  const SealedVolume& volume = parts_.source.volume();
  const bool ours = header && header->context == volume.context;
  if (!ours && (bound || !header)) {
    return LeftAlone(resealing::kDamaged, header ? "it was sealed under another encryption context"
                                                 : NoMessage(header.error(), bound));
  }
  if (!ours) return LeftAlone(resealing::kForeign, "an AWS Encryption SDK message of another tool");
  if (header->size != volume.layout.header_size() ||
      header->frame_size != volume.layout.frame_size()) {
    return LeftAlone(resealing::kForeign,
                     "an AWS Encryption SDK message of another tool, under the volume's context");
  }
  if (IsSealedUnder(header->encrypted, rules_.volume.keys)) return Visited{resealing::kCurrent};
  found.sealed = true;
  if (rules_.survey && !IsLocked(info)) {
    const EncryptedDataKey& first = header->encrypted.front();
    const Sha256Digest digest = Sha256(AsBytes(first.provider + first.info + first.ciphertext));
    const Lock lock(mu_);
    if (data_keys_.size() < kDataKeysKept) {
      data_keys_.emplace(AsText(ByteView(digest.data(), digest.size())));
    }
  }
  return Take(found);
}

Result<Visited> Resealer::Take(const Found& found) {
  const std::uint64_t size = SizeOf(found);
  if (IsLocked(found.info)) {
    Visited locked = LeftAlone(resealing::kLocked,
                               "Object Lock keeps this version: a new one would not be locked");
    locked.bytes = size;
    return locked;
  }
  if (rules_.survey) return Count(found, size);
  const std::uint64_t want = std::min(kCopies * std::min(size, PieceFor(size)), kMemory);
  const Reservation memory = budget_.Reserve(std::max<std::uint64_t>(want, 1),
                                             std::chrono::steady_clock::now() + kForMemory);
  if (memory.size() == 0) return LeftAlone(resealing::kFailed, "no memory for it");
  auto written = Store(found, size);
  if (!written && written.error().code == Code::kCorrupt && IsOnlyUnbound(found)) {
    return LeftAlone(resealing::kUnbound,
                     "it was moved or changed by another tool (coffer rebind adopts it)");
  }
  if (!written) return FailedVisit(std::move(written).error());
  if (auto back = ReadBack(found, *written, size); !back) {
    return FailedVisit(std::move(back).error().While("read back what was sealed"));
  }
  return Visited{found.sealed ? resealing::kResealed : resealing::kAdopted, {}, size};
}

// Does it open but for its name and attributes, in a volume that shows such files?
bool Resealer::IsOnlyUnbound(const Found& found) {
  if (rules_.volume.binding == BindingPolicy::kStrict) return false;
  const s3::ReadCondition condition{.etag = found.info.etag, .version_id = {}};
  const auto opens = [&](SealedStore& store) {
    return store.Get(found.key, {0, 1}, condition).has_value();
  };
  return found.sealed && !opens(parts_.source) && opens(parts_.loose);
}

Visited Resealer::Count(const Found& found, std::uint64_t size) {
  const std::uint64_t piece = PieceFor(size);
  const std::uint64_t pieces = std::max<std::uint64_t>(1, (size + piece - 1) / piece);
  {
    const Lock lock(mu_);
    cost_.reads += pieces + 1 + (found.info.tag_count > 0 ? 1 : 0);  // and the look at the result
    cost_.writes += pieces == 1 ? 1 : pieces + 2;
  }
  return {found.sealed ? resealing::kResealed : resealing::kAdopted, {}, size};
}

Result<s3::Fetched> Resealer::Read(const Found& found, s3::Range range, std::uint64_t size) {
  const s3::ReadCondition condition{
      .etag = found.info.etag, .version_id = {}, .confirm_absence = true, .size = size};
  s3::ObjectStore& store = found.sealed ? parts_.source : parts_.stored;
  COFFER_ASSIGN(s3::Fetched fetched, store.Get(found.key, range, condition));
  if (fetched.info.size != size || fetched.info.etag != found.info.etag) {
    return Error{Code::kChanged, "it was changed meanwhile"};
  }
  const std::uint64_t left = size > range.offset ? size - range.offset : 0;
  if (fetched.body.size() != std::min(range.size, left)) {
    return Error{Code::kUnavailable, "the service sent less than was asked for"};
  }
  return fetched;
}

Result<s3::Written> Resealer::Store(const Found& found, std::uint64_t size) {
  COFFER_ASSIGN(const s3::Fetched first, Read(found, {0, PieceFor(size)}, size));
  s3::NewObject object;
  object.metadata = WithTime(found.key, first.info.metadata, found.info.last_modified_s);
  object.headers = found.info.headers;
  object.condition = s3::Condition::Matches(found.info.etag);
  object.replaces = &found.info;
  if (size <= first.body.size()) return parts_.target.Put(found.key, first.body, object);
  return Stream(found, object, first);
}

Result<s3::Written> Resealer::Stream(const Found& found, const s3::NewObject& object,
                                     const s3::Fetched& first) {
  COFFER_ASSIGN(const s3::Upload upload, parts_.target.CreateUpload(found.key, object));
  parts_.uploads.Began(upload);
  std::vector<s3::Part> parts;
  const Status copied = CopyParts(found, upload, first, parts);
  auto written = copied ? parts_.target.CompleteUpload(upload, parts, object.condition)
                        : Result<s3::Written>(Error(copied.error()));
  const bool refused = !written && (!copied || written.error().code == Code::kChanged);
  // One that could be neither completed nor aborted stays on record, for a later start to clean up.
  const bool ended = refused ? parts_.target.AbortUpload(upload).has_value() : written.has_value();
  if (ended) parts_.uploads.Ended(upload);
  return written;
}

Status Resealer::CopyParts(const Found& found, const s3::Upload& upload, const s3::Fetched& first,
                           std::vector<s3::Part>& parts) {
  const std::uint64_t size = first.info.size;
  const std::uint64_t piece = first.body.size();
  for (std::uint64_t offset = 0; offset < size; offset += piece) {
    const s3::PartPlace place{static_cast<int>(parts.size()) + 1, offset, offset + piece >= size};
    Bytes body;
    if (offset > 0) {
      COFFER_ASSIGN(s3::Fetched next, Read(found, {offset, piece}, size));
      body = std::move(next.body);
    }
    COFFER_ASSIGN(s3::Part part, parts_.target.UploadPart(
                                     upload, place, offset == 0 ? ByteView(first.body) : body));
    parts.push_back(std::move(part));
  }
  return Ok();
}

// Somebody who replaced it meanwhile has the last word.
Status Resealer::ReadBack(const Found& found, const s3::Written& written, std::uint64_t size) {
  const auto back = parts_.check.Get(
      found.key, {0, 1},
      {.etag = written.etag, .version_id = {}, .confirm_absence = true, .size = size});
  if (!back && (back.error().code == Code::kChanged || back.error().code == Code::kNotFound)) {
    return Ok();
  }
  if (!back) return Error(back.error());
  if (back->info.size != size) return Error{Code::kCorrupt, "it has another size"};
  return Ok();
}

}  // namespace coffer::fs
