#include "tests/support/fake_store.h"

#include <algorithm>
#include <cassert>
#include <thread>
#include <utility>

namespace coffer::test {
namespace {

constexpr std::size_t kDeleteChunk = 1000;
constexpr std::size_t kMetadataLimit = 2048;
constexpr std::size_t kKeyLimit = 1024;
constexpr int kPartLimit = 10'000;

std::string Hex(std::uint64_t value) {
  std::string text(16, '0');
  for (int i = 15; i >= 0; --i, value >>= 4)
    text[static_cast<std::size_t>(i)] = "0123456789abcdef"[value & 15];
  return text;
}

// FNV-1a with two bases: not for security, only different for different content.
std::string HashOf(ByteView bytes) {
  std::uint64_t a = 14695981039346656037u, b = 0x9e3779b97f4a7c15u;
  for (const std::byte byte : bytes) {
    a = (a ^ static_cast<std::uint64_t>(byte)) * 1099511628211u;
    b = (b ^ static_cast<std::uint64_t>(byte)) * 0x00000100000001b3u + 0x632be59bd9b4e019u;
  }
  return Hex(a) + Hex(b);
}

Error NotFound(std::string_view key) {
  return {Code::kNotFound, "no such key: " + std::string(key), "NoSuchKey"};
}
Error Changed(std::string_view key) {
  return {Code::kChanged, "precondition failed: " + std::string(key), "PreconditionFailed"};
}
Error NoSuchUpload(std::string_view key) {
  return {Code::kNotFound, "no such upload for " + std::string(key), "NoSuchUpload"};
}

Status CheckNewObject(std::string_view key, const s3::NewObject& object) {
  if (key.empty()) return Error{Code::kInvalid, "empty key"};
  if (key.size() > kKeyLimit) return Error{Code::kNameTooLong, "key too long", "KeyTooLongError"};
  std::size_t size = 0;
  for (const auto& [name, value] : object.metadata) size += name.size() + value.size();
  if (size > kMetadataLimit) return Error{Code::kNoSpace, "metadata too large", "MetadataTooLarge"};
  return Ok();
}

// At once: a vector that is given a range goes over it byte by byte.
Bytes CopyOf(ByteView bytes) {
  Bytes copy;
  Append(copy, bytes);
  return copy;
}

std::shared_ptr<const Bytes> Share(ByteView body) {
  return std::make_shared<const Bytes>(CopyOf(body));
}

ByteView Cut(const Bytes& body, s3::Range range) {
  const std::uint64_t begin = std::min<std::uint64_t>(range.offset, body.size());
  return ByteView(body).subspan(begin, std::min<std::uint64_t>(range.size, body.size() - begin));
}

}  // namespace

FakeStore::FakeStore() : FakeStore(Options{}) {}
FakeStore::FakeStore(const Options& options) : options_(options), now_s_(options.start_time_s) {
  assert(options.versioned || !options.object_lock);
}
FakeStore::~FakeStore() = default;

void FakeStore::SetHook(Hook before) {
  const Lock lock(mu_);
  hook_ = std::move(before);
}

void FakeStore::CrashAt(int k, bool applied) {
  const Lock lock(mu_);
  crash_in_ = k;
  crash_applied_ = applied;
  crashed_ = false;
}

void FakeStore::Revive() { CrashAt(0, false); }

bool FakeStore::crashed() const {
  const Lock lock(mu_);
  return crashed_;
}

int FakeStore::count(Operation operation) const {
  const Lock lock(mu_);
  return counts_.at(static_cast<std::size_t>(operation));
}

int FakeStore::requests() const {
  const Lock lock(mu_);
  int sum = 0;
  for (const int n : counts_) sum += n;
  return sum;
}

void FakeStore::ResetCounters() {
  const Lock lock(mu_);
  counts_.fill(0);
}

void FakeStore::SetTime(std::int64_t seconds) {
  const Lock lock(mu_);
  now_s_ = seconds;
}

void FakeStore::AdvanceTime(std::int64_t seconds) {
  const Lock lock(mu_);
  now_s_ += seconds;
}

std::int64_t FakeStore::now() const {
  const Lock lock(mu_);
  return now_s_;
}

std::string FakeStore::Plant(std::string_view key, std::string_view body, s3::Metadata metadata) {
  const Lock lock(mu_);
  Version version;
  version.body = Share(AsBytes(body));
  version.info.etag = HashOf(AsBytes(body));
  version.info.metadata = std::move(metadata);
  return Add(key, std::move(version)).etag;
}

void FakeStore::Remove(std::string_view key) {
  const Lock lock(mu_);
  DeleteLocked(key);
}

void FakeStore::Edit(std::string_view key, const std::function<void(s3::ObjectInfo&)>& change) {
  const Lock lock(mu_);
  const auto it = objects_.find(key);
  if (it != objects_.end()) change(it->second.back().info);
}

void FakeStore::SpoilListing(std::string_view key) {
  const Lock lock(mu_);
  spoilt_.emplace(key);
}

bool FakeStore::Has(std::string_view key) const {
  const Lock lock(mu_);
  return Current(key) != nullptr;
}

std::optional<std::string> FakeStore::Body(std::string_view key) const {
  const Lock lock(mu_);
  const Version* version = Current(key);
  if (version == nullptr) return std::nullopt;
  return std::string(AsText(*version->body));
}

std::optional<s3::ObjectInfo> FakeStore::Info(std::string_view key) const {
  const Lock lock(mu_);
  const Version* version = Current(key);
  if (version == nullptr) return std::nullopt;
  return version->info;
}

std::vector<std::string> FakeStore::Keys(std::string_view prefix) const {
  const Lock lock(mu_);
  std::vector<std::string> keys;
  for (auto it = objects_.lower_bound(prefix); it != objects_.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    if (!it->second.back().delete_marker) keys.push_back(it->first);
  }
  return keys;
}

std::size_t FakeStore::open_uploads() const {
  const Lock lock(mu_);
  return uploads_.size();
}

std::optional<Fault> FakeStore::Enter(Operation operation, std::string_view key) {
  Hook hook;
  {
    const Lock lock(mu_);
    ++counts_.at(static_cast<std::size_t>(operation));
    const Error dead{Code::kUnavailable, "the client is dead (crash point)"};
    if (crashed_) return Fault{dead, false};
    if (crash_in_ > 0 && --crash_in_ == 0) {
      crashed_ = true;
      return Fault{dead, crash_applied_};
    }
    hook = hook_;
  }
  if (options_.latency.count() > 0) std::this_thread::sleep_for(options_.latency);
  return hook ? hook(operation, key) : std::nullopt;
}

template <typename T, typename Apply>
Result<T> FakeStore::Perform(Operation operation, std::string_view key, Apply apply) {
  std::optional<Fault> fault = Enter(operation, key);
  if (fault && !fault->applied) return std::move(fault->error);
  Result<T> result = [&]() -> Result<T> {
    const Lock lock(mu_);
    return apply();
  }();
  if (fault) return std::move(fault->error);
  return result;
}

const FakeStore::Version* FakeStore::Current(std::string_view key) const {
  const auto it = objects_.find(key);
  if (it == objects_.end() || it->second.back().delete_marker) return nullptr;
  return &it->second.back();
}

Result<const FakeStore::Version*> FakeStore::Find(std::string_view key,
                                                  const s3::ReadCondition& condition) const {
  const Version* found = Current(key);
  if (!condition.version_id.empty()) {
    found = nullptr;
    const auto it = objects_.find(key);
    if (it == objects_.end()) return NotFound(key);
    for (const Version& version : it->second) {
      if (version.info.version_id == condition.version_id) found = &version;
    }
    if (found != nullptr && found->delete_marker) found = nullptr;
  }
  if (found == nullptr) return NotFound(key);
  if (!condition.etag.empty() && condition.etag != found->info.etag) return Changed(key);
  return found;
}

Status FakeStore::Check(std::string_view key, const s3::Condition& condition) const {
  const Version* current = Current(key);
  switch (condition.kind) {
    case s3::Condition::Kind::kNone:
      return Ok();
    case s3::Condition::Kind::kAbsent:
      if (current == nullptr) return Ok();
      return Error{Code::kExists, "exists already: " + std::string(key), "PreconditionFailed"};
    case s3::Condition::Kind::kMatches:
      if (current != nullptr && current->info.etag == condition.etag) return Ok();
      return Changed(key);
  }
  return Ok();
}

s3::Written FakeStore::Add(std::string_view key, Version version) {
  auto& versions = objects_[std::string(key)];
  version.info.last_modified_s = now_s_;
  version.info.size = version.body ? version.body->size() : 0;
  version.info.version_id = options_.versioned ? "v" + Hex(++serial_) : "";
  if (!options_.versioned) versions.clear();
  versions.push_back(std::move(version));
  const s3::ObjectInfo& info = versions.back().info;
  return {info.etag, info.version_id, now_s_};
}

void FakeStore::DeleteLocked(std::string_view key) {
  if (options_.versioned) {
    Version marker;
    marker.delete_marker = true;
    Add(key, std::move(marker));
    return;
  }
  const auto it = objects_.find(key);
  if (it != objects_.end()) objects_.erase(it);
}

Result<s3::ObjectInfo> FakeStore::Head(std::string_view key, const s3::ReadCondition& condition) {
  return Perform<s3::ObjectInfo>(Operation::kHead, key, [&]() -> Result<s3::ObjectInfo> {
    COFFER_ASSIGN(const Version* version, Find(key, condition));
    return Shown(*version);
  });
}

Result<s3::Fetched> FakeStore::Get(std::string_view key, s3::Range range,
                                   const s3::ReadCondition& condition) {
  return Perform<s3::Fetched>(Operation::kGet, key, [&]() -> Result<s3::Fetched> {
    COFFER_ASSIGN(const Version* version, Find(key, condition));
    if (version->info.archived) {
      return Error{Code::kArchived, "archived: " + std::string(key), "InvalidObjectState"};
    }
    const ByteView part = Cut(*version->body, range);
    return s3::Fetched{Shown(*version), CopyOf(part)};
  });
}

Result<s3::Written> FakeStore::PutLocked(std::string_view key, ByteView body,
                                         const s3::NewObject& object) {
  COFFER_TRY(CheckNewObject(key, object));
  COFFER_TRY(CheckLock(object.lock));
  COFFER_TRY(Check(key, object.condition));
  Version version;
  version.body = Share(body);
  version.info.etag = HashOf(body);
  version.info.metadata = object.metadata;
  version.info.headers = object.headers;
  version.info.lock = Stored(object.lock);
  return Add(key, std::move(version));
}

Result<s3::Written> FakeStore::Put(std::string_view key, ByteView body,
                                   const s3::NewObject& object) {
  return Perform<s3::Written>(Operation::kPut, key, [&] { return PutLocked(key, body, object); });
}

Result<s3::Written> FakeStore::CopyLocked(const s3::CopyRequest& request) {
  COFFER_TRY(CheckNewObject(request.to, request.target));
  COFFER_ASSIGN(const Version* source,
                Find(request.from, {request.source_etag, request.source_version_id}));
  if (source->info.archived) {
    return Error{Code::kArchived, "archived: " + request.from, "InvalidObjectState"};
  }
  if (request.keep_metadata && request.from == request.to) {
    return Error{Code::kInvalid, "a copy onto itself must change something", "InvalidRequest"};
  }
  if (request.keep_metadata && request.size > s3::kMaxCopySize) {
    return Error{Code::kInvalid, "a copy made of parts carries no metadata", "InvalidRequest"};
  }
  COFFER_TRY(CheckLock(request.target.lock));
  COFFER_TRY(Check(request.to, request.target.condition));
  Version version = *source;
  if (!request.keep_metadata) {
    version.info.metadata = request.target.metadata;
    version.info.headers = request.target.headers;
  }
  version.info.etag = HashOf(*version.body);
  if (options_.copy_changes_etag) version.info.etag = Hex(++serial_) + version.info.etag.substr(16);
  version.info.storage_class = request.storage_class.empty() ? "STANDARD" : request.storage_class;
  version.info.lock = options_.drops_locks ? s3::Lock{} : Stored(request.target.lock);
  return Add(request.to, std::move(version));
}

Result<s3::Written> FakeStore::Copy(const s3::CopyRequest& request) {
  return Perform<s3::Written>(Operation::kCopy, request.to, [&] { return CopyLocked(request); });
}

Status FakeStore::Rename(const s3::RenameRequest& request) {
  return Perform<std::monostate>(Operation::kRename, request.to, [&]() -> Status {
    if (!options_.renames || request.from.ends_with('/') || request.to.ends_with('/')) {
      return Error{Code::kUnsupported, "not implemented", "NotImplemented"};
    }
    COFFER_ASSIGN(const Version* source, Find(request.from, {request.source_etag, ""}));
    COFFER_TRY(Check(request.to, request.condition));
    const Version moved = *source;
    objects_.erase(request.from);
    objects_[request.to] = {moved};
    return Ok();
  });
}

Status FakeStore::Delete(std::string_view key, const s3::Condition& condition) {
  return Perform<std::monostate>(Operation::kDelete, key, [&]() -> Status {
    if (Current(key) == nullptr) return Ok();
    COFFER_TRY(Check(key, condition));
    DeleteLocked(key);
    return Ok();
  });
}

Result<std::vector<s3::FailedDelete>> FakeStore::DeleteMany(std::span<const s3::KeyToDelete> keys) {
  std::vector<s3::FailedDelete> failed;
  for (std::size_t at = 0; at < keys.size(); at += kDeleteChunk) {
    const auto chunk = keys.subspan(at, std::min(kDeleteChunk, keys.size() - at));
    COFFER_TRY(Perform<std::monostate>(Operation::kDeleteMany, chunk[0].key, [&]() -> Status {
      for (const s3::KeyToDelete& one : chunk) {
        const Version* current = Current(one.key);
        if (current == nullptr) continue;
        if (one.etag.empty() || one.etag == current->info.etag) {
          DeleteLocked(one.key);
        } else {
          failed.push_back({one.key, Changed(one.key)});
        }
      }
      return Ok();
    }));
  }
  return failed;
}

Result<s3::ListPage> FakeStore::List(const s3::ListRequest& request) {
  return Perform<s3::ListPage>(Operation::kList, request.prefix,
                               [&]() -> Result<s3::ListPage> { return ListLocked(request); });
}

Result<s3::VersionPage> FakeStore::ListVersions(std::string_view prefix,
                                                std::string_view key_marker,
                                                std::string_view version_marker) {
  return Perform<s3::VersionPage>(Operation::kListVersions, prefix,
                                  [&]() -> Result<s3::VersionPage> {
                                    return ListVersionsLocked(prefix, key_marker, version_marker);
                                  });
}

Result<FakeStore::PendingUpload*> FakeStore::Pending(const s3::Upload& upload) {
  const auto it = uploads_.find(upload.id);
  if (it == uploads_.end() || it->second.key != upload.key) return NoSuchUpload(upload.key);
  return &it->second;
}

Result<s3::Upload> FakeStore::CreateUpload(std::string_view key, const s3::NewObject& object) {
  return Perform<s3::Upload>(Operation::kCreateUpload, key, [&]() -> Result<s3::Upload> {
    COFFER_TRY(CheckNewObject(key, object));
    COFFER_TRY(CheckLock(object.lock));
    const std::string id = "u" + Hex(++serial_);
    uploads_[id] = {std::string(key), object, {}};
    return s3::Upload{std::string(key), id};
  });
}

Result<s3::Part> FakeStore::UploadPart(const s3::Upload& upload, s3::PartPlace place,
                                       ByteView body) {
  return Perform<s3::Part>(Operation::kUploadPart, upload.key, [&]() -> Result<s3::Part> {
    COFFER_ASSIGN(PendingUpload * pending, Pending(upload));
    if (place.number < 1 || place.number > kPartLimit) return Error{Code::kInvalid, "part number"};
    pending->parts[place.number] = {HashOf(body), Share(body)};
    return s3::Part{place.number, pending->parts[place.number].etag, ""};
  });
}

Result<s3::Part> FakeStore::CopyPart(const s3::Upload& upload, int number, std::string_view from,
                                     s3::Range range, std::string_view source_etag) {
  return Perform<s3::Part>(Operation::kCopyPart, upload.key, [&]() -> Result<s3::Part> {
    COFFER_ASSIGN(PendingUpload * pending, Pending(upload));
    COFFER_ASSIGN(const Version* source, Find(from, {std::string(source_etag), ""}));
    const ByteView piece = Cut(*source->body, range);
    if (piece.size() != range.size || number < 1 || number > kPartLimit) {
      return Error{Code::kInvalid, "range or part number", "InvalidRange"};
    }
    pending->parts[number] = {HashOf(piece), Share(piece)};
    return s3::Part{number, pending->parts[number].etag, ""};
  });
}

Result<s3::Written> FakeStore::CompleteLocked(const s3::Upload& upload,
                                              std::span<const s3::Part> parts,
                                              const s3::Condition& condition) {
  COFFER_ASSIGN(PendingUpload * pending, Pending(upload));
  if (parts.empty()) return Error{Code::kInvalid, "no parts", "MalformedXML"};
  Bytes body;
  std::string etags;
  int before = 0;
  for (const s3::Part& part : parts) {
    const auto it = pending->parts.find(part.number);
    if (part.number <= before) return Error{Code::kInvalid, "part order", "InvalidPartOrder"};
    if (it == pending->parts.end() || it->second.etag != part.etag) {
      return Error{Code::kInvalid, "unknown part", "InvalidPart"};
    }
    if (&part != &parts.back() && it->second.body->size() < options_.min_part) {
      return Error{Code::kInvalid, "part too small", "EntityTooSmall"};
    }
    before = part.number;
    Append(body, *it->second.body);
    etags += part.etag;
  }
  COFFER_TRY(Check(upload.key, condition));
  Version version;
  version.body = std::make_shared<const Bytes>(std::move(body));
  version.info.etag = HashOf(AsBytes(etags)) + "-" + std::to_string(parts.size());
  version.info.metadata = pending->object.metadata;
  version.info.headers = pending->object.headers;
  if (!options_.drops_locks) version.info.lock = Stored(pending->object.lock);
  const s3::Written written = Add(upload.key, std::move(version));
  uploads_.erase(upload.id);
  return written;
}

Result<s3::Written> FakeStore::CompleteUpload(const s3::Upload& upload,
                                              std::span<const s3::Part> parts,
                                              const s3::Condition& condition) {
  return Perform<s3::Written>(Operation::kCompleteUpload, upload.key,
                              [&] { return CompleteLocked(upload, parts, condition); });
}

Status FakeStore::AbortUpload(const s3::Upload& upload) {
  return Perform<std::monostate>(Operation::kAbortUpload, upload.key, [&]() -> Status {
    uploads_.erase(upload.id);
    return Ok();
  });
}

// ---- Object Lock ----

s3::ObjectInfo FakeStore::Shown(const Version& version) const {
  s3::ObjectInfo info = version.info;
  info.server_date_s = now_s_;
  if (options_.hides_locks) info.lock = {};
  return info;
}

s3::Lock FakeStore::Stored(s3::Lock lock) const {
  if (options_.wraps_dates) lock.retain_until_s &= 0xFFFF'FFFF;
  return lock;
}

Status FakeStore::CheckLock(const s3::Lock& lock) const {
  if (lock == s3::Lock{}) return Ok();
  if (!options_.object_lock) return Error{Code::kInvalid, "no Object Lock", "InvalidRequest"};
  if (lock.mode.empty() != (lock.retain_until_s == 0)) {
    return Error{Code::kInvalid, "mode and date belong together", "InvalidArgument"};
  }
  if (!lock.mode.empty() && lock.retain_until_s <= now_s_) {
    return Error{Code::kInvalid, "the retain until date must be in the future", "InvalidArgument"};
  }
  return Ok();
}

Result<FakeStore::Version*> FakeStore::Lockable(std::string_view key, std::string_view version_id) {
  if (!options_.object_lock) return Error{Code::kUnsupported, "no Object Lock", "InvalidRequest"};
  COFFER_ASSIGN(const Version* found, Find(key, {"", std::string(version_id)}));
  for (Version& version : objects_.find(key)->second) {
    if (&version == found) return &version;
  }
  return NotFound(key);
}

Result<s3::Retention> FakeStore::GetRetention(std::string_view key, std::string_view version_id) {
  return Perform<s3::Retention>(Operation::kGetRetention, key, [&]() -> Result<s3::Retention> {
    COFFER_ASSIGN(const Version* version, Lockable(key, version_id));
    if (options_.hides_locks) return Error{Code::kDenied, "may not see locks", "AccessDenied"};
    return s3::Retention{version->info.lock.mode, version->info.lock.retain_until_s, now_s_};
  });
}

Status FakeStore::PutRetention(const s3::RetentionChange& change) {
  return Perform<std::monostate>(Operation::kPutRetention, change.key, [&]() -> Status {
    COFFER_ASSIGN(Version * version, Lockable(change.key, change.version_id));
    COFFER_TRY(CheckLock({change.mode, change.until_s, false}));
    s3::Lock& lock = version->info.lock;
    const bool weaker = change.mode != lock.mode || change.until_s < lock.retain_until_s;
    const bool may = lock.mode == "GOVERNANCE" && change.bypass_governance;
    if (lock.Retained(now_s_) && weaker && !may) {
      return Error{Code::kLocked, "protected by object lock", "AccessDenied"};
    }
    lock = Stored({change.mode, change.until_s, lock.legal_hold});
    return Ok();
  });
}

Result<bool> FakeStore::GetLegalHold(std::string_view key, std::string_view version_id) {
  return Perform<bool>(Operation::kGetLegalHold, key, [&]() -> Result<bool> {
    COFFER_ASSIGN(const Version* version, Lockable(key, version_id));
    if (options_.hides_locks) return Error{Code::kDenied, "may not see locks", "AccessDenied"};
    return version->info.lock.legal_hold;
  });
}

Status FakeStore::PutLegalHold(std::string_view key, std::string_view version_id, bool on) {
  return Perform<std::monostate>(Operation::kPutLegalHold, key, [&]() -> Status {
    COFFER_ASSIGN(Version * version, Lockable(key, version_id));
    version->info.lock.legal_hold = on;
    return Ok();
  });
}

}  // namespace coffer::test
