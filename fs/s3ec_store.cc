#include "fs/s3ec_store.h"

#include <algorithm>
#include <set>
#include <utility>

#include "crypto/decrypt_stream.h"
#include "crypto/openssl.h"
#include "crypto/s3ec_content.h"
#include "crypto/string_map.h"
#include "fs/path.h"
#include "s3client/api_error.h"

namespace coffer::fs {
namespace {

// Of versions whose size, or that they are plain, is remembered.
constexpr std::size_t kSeen = 16'384;
// Of spools, each an open file.
constexpr std::size_t kSpools = 256;
constexpr std::uint64_t kMaxInstructions = 64u << 10;
// Requests of one object at once.
constexpr std::uint64_t kSideBySide = 4;
// What is fetched is deciphered in pieces of this size.
constexpr std::size_t kDecipheredAtOnce = 1u << 20;
// Tag or padding: a small object arrives whole with its first range.
constexpr std::uint64_t kLongestTail = 16;
constexpr std::uint64_t kMiB = 1u << 20;
// An instruction file may follow its object by as much.
constexpr std::int64_t kYoung_s = 60;

std::string_view ObjectOf(std::string_view instruction_file) {
  return instruction_file.substr(0, instruction_file.size() - kS3ecInstructionSuffix.size());
}

// A directory has none, so that a file of that very name is a file.
bool IsInstructionFile(std::string_view key) {
  if (!key.ends_with(kS3ecInstructionSuffix)) return false;
  const std::string_view object = ObjectOf(key);
  return !object.empty() && !object.ends_with('/');
}

// Not what the network does, which is reported elsewhere, nor what another machine did.
bool IsWorthALine(Code code) {
  switch (code) {
    case Code::kNotFound:
    case Code::kChanged:
    case Code::kUnavailable:
    case Code::kTimeout:
    case Code::kInterrupted:
      return false;
    default:
      return true;
  }
}

Error ReadOnly() {
  return {Code::kReadOnly,
          "objects of the S3 Encryption Client are only read: mount without --s3ec to write"};
}

// Whether an object without an instruction file stays without.
bool IsSettled(const s3::ObjectInfo& info) {
  return info.server_date_s - info.last_modified_s >= kYoung_s;
}

std::string VersionNumber(S3ecVersion version) { return std::to_string(static_cast<int>(version)); }

}  // namespace

// From the ciphertext as it arrives, in order, to the spool. Nothing leaves the spool before
// Finish.
class S3ecStore::Intake {
 public:
  Intake(DecryptStream stream, SpoolFile spool)
      : stream_(std::move(stream)),
        spool_(std::move(spool)),
        plain_(kDecipheredAtOnce + DecryptStream::kSpare) {}
  ~Intake() { Wipe(plain_); }
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  std::uint64_t taken() const { return taken_; }

  Status Take(ByteView sealed) {
    taken_ += sealed.size();
    while (!sealed.empty()) {
      const ByteView piece = sealed.first(std::min(sealed.size(), kDecipheredAtOnce));
      COFFER_ASSIGN(const std::size_t size, stream_.Update(piece, plain_));
      COFFER_TRY(spool_.Append(ByteView(plain_).first(size)));
      sealed = sealed.subspan(piece.size());
    }
    return Ok();
  }
  Result<SpoolFile> Finish() {
    COFFER_ASSIGN(const std::size_t size, stream_.Finish(plain_));
    COFFER_TRY(spool_.Append(ByteView(plain_).first(size)));
    COFFER_TRY(spool_.Finish());
    return std::move(spool_);
  }

 private:
  DecryptStream stream_;
  SpoolFile spool_;
  Bytes plain_;
  std::uint64_t taken_ = 0;
};

S3ecStore::S3ecStore(const Parts& parts, Options options)
    : parts_(parts),
      options_(std::move(options)),
      seen_(kSeen),
      memory_(options_.memory),
      // Room for the largest beside another one, that two files can be compared.
      shelf_(kSpools, 2 * SpoolFile::DiskSize(options_.max_size) + kMiB) {}

S3ecStore::~S3ecStore() = default;

Error S3ecStore::Refused(const std::string& key, Error error) {
  error = std::move(error).While("open " + QuotedKey(key));
  if (IsWorthALine(error.code)) parts_.warn(error.what);
  return error;
}

// ---- What an object is ----

// The members of the instruction file; nothing where there is none. An object of that name that
// neither says that it is one nor reads as one is somebody's own.
Result<std::optional<S3ecFields>> S3ecStore::InstructionsOf(const std::string& key, bool required) {
  const std::string name = key + std::string(kS3ecInstructionSuffix);
  const Error missing{Code::kCorrupt, "its instruction file is missing"};
  if (name.size() > kMaxKey && required) return missing;
  if (name.size() > kMaxKey) return std::optional<S3ecFields>();
  auto fetched = parts_.below.Get(name, {0, kMaxInstructions}, {});
  if (!fetched && fetched.error().code == Code::kNotFound) {
    if (required) return missing;
    return std::optional<S3ecFields>();
  }
  if (!fetched) return std::move(fetched).error().While("read its instruction file");
  if (fetched->info.size <= kMaxInstructions) {
    auto fields = ParseStringMap(AsText(fetched->body));
    if (fields && HasS3ecFields(*fields)) return std::optional<S3ecFields>(*std::move(fields));
  }
  if (required || fetched->info.metadata.contains(std::string(kS3ecInstructionMark))) {
    return Error{Code::kCorrupt, "its instruction file cannot be read"};
  }
  return std::optional<S3ecFields>();
}

// Nothing for a plain object.
Result<std::optional<S3ecObject>> S3ecStore::Describe(const std::string& key,
                                                      const s3::ObjectInfo& info) {
  if (key.ends_with('/') || IsInstructionFile(key)) return std::optional<S3ecObject>();
  COFFER_ASSIGN(const S3ecPlace place, LocateS3ec(info.metadata));
  if (place == S3ecPlace::kHere) {
    COFFER_ASSIGN(S3ecObject object, ReadS3ec(info.metadata));
    return std::optional<S3ecObject>(std::move(object));
  }
  COFFER_ASSIGN(const auto file, InstructionsOf(key, place == S3ecPlace::kSplit));
  if (!file) return std::optional<S3ecObject>();
  COFFER_ASSIGN(S3ecObject object, ReadS3ec(info.metadata, *file));
  return std::optional<S3ecObject>(std::move(object));
}

std::uint64_t S3ecStore::ShownSize(const std::string& key, const std::string& etag,
                                   std::uint64_t stored) {
  const auto seen = seen_.Find(key, etag);
  return seen && !seen->plain ? seen->size : stored;
}

// Where that cannot be told it is shown: hiding it is a courtesy.
bool S3ecStore::IsHidden(std::string_view key) {
  if (!IsInstructionFile(key)) return false;
  s3::ReadCondition whatever;
  whatever.confirm_absence = false;
  return parts_.below.Head(ObjectOf(key), whatever).has_value();
}

Result<s3::ObjectInfo> S3ecStore::Head(std::string_view name, const s3::ReadCondition& condition) {
  if (IsHidden(name)) return Error{Code::kNotFound, "no such file"};
  const std::string key(name);
  COFFER_ASSIGN(s3::ObjectInfo info, parts_.below.Head(key, condition));
  if (const auto seen = seen_.Find(key, info.etag)) {
    if (!seen->plain) info.size = seen->size;
    return info;
  }
  const auto object = Describe(key, info);
  // What cannot be is refused, with a line, when somebody opens it.
  if (!object && object.error().code == Code::kCorrupt) return info;
  if (!object) return Error(object.error());
  Seen seen;
  seen.plain = !object->has_value();
  seen.size = seen.plain ? info.size : S3ecPlainSize(**object, info.metadata, info.size);
  info.size = seen.size;
  if (!seen.plain || IsSettled(info)) {
    seen_.Add(key, info.etag, std::make_shared<const Seen>(seen));
  }
  return info;
}

// In order, an object stands before its instruction file: most often on the same page.
std::vector<char> S3ecStore::HiddenOf(const s3::ListPage& page) {
  std::set<std::string_view> here;
  for (const auto& object : page.objects) here.insert(object.key);
  std::vector<char> hidden(page.objects.size());
  TaskGroup group(parts_.pool, kSideBySide);
  for (std::size_t i = 0; i < page.objects.size(); ++i) {
    const std::string& key = page.objects[i].key;
    if (!IsInstructionFile(key)) continue;
    hidden[i] = here.contains(ObjectOf(key)) ? 1 : 0;
    if (hidden[i] != 0) continue;
    group.Add([this, &key, &hide = hidden[i]] { hide = IsHidden(key) ? 1 : 0; });
  }
  group.Wait();
  return hidden;
}

Result<s3::ListPage> S3ecStore::List(const s3::ListRequest& request) {
  COFFER_ASSIGN(s3::ListPage page, parts_.below.List(request));
  const std::vector<char> hidden = HiddenOf(page);
  std::size_t at = 0;
  std::erase_if(page.objects, [&](const auto&) { return hidden[at++] != 0; });
  for (auto& object : page.objects) {
    object.size = ShownSize(object.key, object.etag, object.size);
  }
  return page;
}

Result<s3::VersionPage> S3ecStore::ListVersions(std::string_view prefix,
                                                std::string_view key_marker,
                                                std::string_view version_marker) {
  return parts_.below.ListVersions(prefix, key_marker, version_marker);
}

// ---- Reading ----

Result<s3::Fetched> S3ecStore::Get(std::string_view name, s3::Range range,
                                   const s3::ReadCondition& condition) {
  const std::string key(name);
  if (const SpoolPtr spool = shelf_.Find(key, condition.etag)) {
    return Serve(spool, range, condition);
  }
  const auto seen = seen_.Find(key, condition.etag);
  if (seen && seen->plain) return parts_.below.Get(key, range, condition);
  return GetFirst(key, range, condition);
}

Result<s3::Fetched> S3ecStore::GetFirst(const std::string& key, s3::Range range,
                                        const s3::ReadCondition& condition) {
  s3::Range wider = range;
  if (range.offset == 0 && condition.size > 0 && range.size >= condition.size) {
    wider.size += kLongestTail;
  }
  COFFER_ASSIGN(s3::Fetched first, parts_.below.Get(key, wider, condition));
  auto object = Describe(key, first.info);
  if (!object) return Refused(key, std::move(object).error());
  if (!*object) {
    if (IsSettled(first.info)) {
      seen_.Add(key, first.info.etag, std::make_shared<const Seen>(Seen{true, first.info.size}));
    }
    if (first.body.size() > range.size) first.body.resize(range.size);
    return first;
  }
  COFFER_ASSIGN(const SpoolPtr spool, OpenOnce(key, **object, first, wider.offset == 0));
  return Serve(spool, range, condition);
}

Result<s3::Fetched> S3ecStore::Serve(const SpoolPtr& spool, s3::Range range,
                                     const s3::ReadCondition& condition) {
  if (condition.size != 0 && condition.size != spool->info.size) {
    return Error{Code::kChanged, "its size is another than it seemed: look again"};
  }
  COFFER_ASSIGN(Bytes body, spool->file.Read(range));
  return s3::Fetched{spool->info, std::move(body)};
}

Status S3ecStore::CheckAllowed(const S3ecObject& object, const s3::ObjectInfo& info) const {
  const S3ecVersion needs = object.Needs();
  if (needs < options_.policy) {
    return Error{Code::kDenied, "an object of the S3 Encryption Client, version " +
                                    VersionNumber(object.version) + ", that only --s3ec=v" +
                                    VersionNumber(needs) + " reads"};
  }
  if (info.archived) return Error{Code::kArchived, std::string(s3::kArchivedAdvice)};
  if (info.size <= options_.max_size + kLongestTail) return Ok();
  return Error{Code::kTooLarge, "an object of the S3 Encryption Client of " +
                                    std::to_string(info.size) +
                                    " bytes, which is read whole before any of it is shown: "
                                    "--s3ec-max-size allows " +
                                    std::to_string(options_.max_size)};
}

// One thread reads a version whole; whoever asks meanwhile waits for it, and shares its failure.
Result<SpoolPtr> S3ecStore::OpenOnce(const std::string& key, const S3ecObject& object,
                                     const s3::Fetched& first, bool from_start) {
  const std::string name = VersionName(key, first.info.etag);
  std::shared_ptr<Opening> opening;
  for (;;) {
    const Lock lock(mu_);
    if (SpoolPtr spool = shelf_.Find(key, first.info.etag)) return spool;
    const auto other = openings_.find(name);
    if (other == openings_.end()) {
      opening = std::make_shared<Opening>();
      openings_.emplace(name, opening);
      break;
    }
    const std::shared_ptr<Opening> theirs = other->second;
    while (!theirs->ended) opened_.Wait(mu_);
    if (theirs->failure) return Error(*theirs->failure);
  }
  Result<SpoolPtr> spool = Error{Code::kNoMemory, "open " + QuotedKey(key) + ": cut short"};
  const auto end = [&] {
    const Lock lock(mu_);
    openings_.erase(name);
    opening->ended = true;
    if (!spool) opening->failure = spool.error();
    opened_.NotifyAll();
  };
  try {
    spool = OpenWhole(key, object, first, from_start);
  } catch (...) {
    end();
    throw;
  }
  if (spool) {
    shelf_.Add(key, *spool);
    seen_.Add(key, first.info.etag, std::make_shared<const Seen>(Seen{false, (*spool)->info.size}));
  } else {
    spool = Refused(key, std::move(spool).error());
  }
  end();
  return spool;
}

Result<SpoolPtr> S3ecStore::OpenWhole(const std::string& key, const S3ecObject& object,
                                      const s3::Fetched& first, bool from_start) {
  const s3::ObjectInfo& info = first.info;
  COFFER_TRY(CheckAllowed(object, info));
  const auto deadline = std::chrono::steady_clock::now() + options_.patience;
  Reservation room = shelf_.Reserve(SpoolFile::DiskSize(info.size), deadline);
  const std::uint64_t part = std::min(options_.part_size, options_.memory / kSideBySide);
  const Reservation memory =
      memory_.Reserve(std::clamp<std::uint64_t>(info.size, 1, kSideBySide * part), deadline);
  if (room.size() == 0 || memory.size() == 0) {
    return Error{Code::kNoSpace,
                 "other objects of the S3 Encryption Client take all the room that "
                 "--s3ec-max-size and --memory-limit give: try again"};
  }
  COFFER_ASSIGN(const Secret data_key, parts_.keys.Unwrap(object));
  COFFER_ASSIGN(DecryptStream stream, OpenS3ecContent(object, data_key, info.size, parts_.arena));
  COFFER_ASSIGN(SpoolFile file, SpoolFile::Make(options_.directory, parts_.arena));
  Intake intake(std::move(stream), std::move(file));
  if (from_start) COFFER_TRY(intake.Take(first.body));
  COFFER_TRY(FetchRest(key, info, part, intake));
  COFFER_ASSIGN(SpoolFile whole, intake.Finish());
  s3::ObjectInfo plain = info;
  plain.size = whole.size();
  return std::make_shared<const Spool>(Spool{std::move(plain), std::move(whole), std::move(room)});
}

// Of the version that the first range was of.
Result<Bytes> S3ecStore::FetchPart(const std::string& key, const s3::ObjectInfo& info,
                                   s3::Range range) {
  s3::ReadCondition same;
  same.etag = info.etag;
  same.version_id = info.version_id;
  COFFER_ASSIGN(s3::Fetched got, parts_.below.Get(key, range, same));
  if (got.info.etag != info.etag || got.info.size != info.size || got.body.size() != range.size) {
    return Error{Code::kChanged, "it was replaced while it was read"};
  }
  return std::move(got.body);
}

// Some ranges side by side, from `at` on.
std::vector<Result<Bytes>> S3ecStore::FetchSome(const std::string& key, const s3::ObjectInfo& info,
                                                std::uint64_t at, std::uint64_t part) {
  const std::uint64_t count = std::min(kSideBySide, (info.size - at + part - 1) / part);
  std::vector<Result<Bytes>> replies(count, Error{Code::kInterrupted, "was not asked for"});
  TaskGroup group(parts_.pool, kSideBySide);
  for (Result<Bytes>& reply : replies) {
    const s3::Range range{at, std::min(part, info.size - at)};
    at += range.size;
    group.Add([&, range, into = &reply] { *into = FetchPart(key, info, range); });
  }
  group.Wait();
  return replies;
}

Status S3ecStore::FetchRest(const std::string& key, const s3::ObjectInfo& info, std::uint64_t part,
                            Intake& intake) {
  while (intake.taken() < info.size) {
    for (Result<Bytes>& reply : FetchSome(key, info, intake.taken(), part)) {
      if (!reply) return std::move(reply).error();
      if (Status taken = intake.Take(*reply); !taken) return taken;
    }
  }
  return Ok();
}

// ---- Writing ----

Result<s3::Written> S3ecStore::Put(std::string_view /*key*/, ByteView /*body*/,
                                   const s3::NewObject& /*object*/) {
  return ReadOnly();
}
Result<s3::Written> S3ecStore::Copy(const s3::CopyRequest& /*request*/) { return ReadOnly(); }
Status S3ecStore::Rename(const s3::RenameRequest& /*request*/) { return ReadOnly(); }
Status S3ecStore::Delete(std::string_view /*key*/, const s3::Condition& /*condition*/) {
  return ReadOnly();
}
Result<std::vector<s3::FailedDelete>> S3ecStore::DeleteMany(
    std::span<const s3::KeyToDelete> /*keys*/) {
  return ReadOnly();
}
Result<s3::Upload> S3ecStore::CreateUpload(std::string_view /*key*/,
                                           const s3::NewObject& /*object*/) {
  return ReadOnly();
}
Result<s3::Part> S3ecStore::UploadPart(const s3::Upload& /*upload*/, s3::PartPlace /*place*/,
                                       ByteView /*body*/) {
  return ReadOnly();
}
Result<s3::Part> S3ecStore::CopyPart(const s3::Upload& /*upload*/, int /*number*/,
                                     std::string_view /*from*/, s3::Range /*range*/,
                                     std::string_view /*source_etag*/) {
  return ReadOnly();
}
Result<s3::Written> S3ecStore::CompleteUpload(const s3::Upload& /*upload*/,
                                              std::span<const s3::Part> /*parts*/,
                                              const s3::Condition& /*condition*/) {
  return ReadOnly();
}
Status S3ecStore::AbortUpload(const s3::Upload& /*upload*/) { return ReadOnly(); }

}  // namespace coffer::fs
