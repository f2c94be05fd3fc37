#include "s3client/conditional_store.h"

#include <algorithm>
#include <map>
#include <utility>

namespace coffer::s3 {
namespace {

// A conditional delete of so few keys looks at each; of more, at a listing.
constexpr std::size_t kFewKeys = 8;

Error Lost(const Condition& condition) {
  if (condition.kind == Condition::Kind::kAbsent) {
    return {Code::kExists, "somebody else made the name first"};
  }
  return {Code::kChanged, "the object is another version than the one expected"};
}

// A copy may also fail for its source, which is another condition's business.
bool IsRefusal(const Error& error, const Condition& condition) {
  return error.code ==
         (condition.kind == Condition::Kind::kAbsent ? Code::kExists : Code::kChanged);
}

// What all keys begin with.
std::string CommonPrefix(std::span<const KeyToDelete> keys) {
  std::string prefix = keys.front().key;
  for (const KeyToDelete& one : keys) {
    const auto differ = std::mismatch(prefix.begin(), prefix.end(), one.key.begin(), one.key.end());
    prefix.erase(differ.first, prefix.end());
  }
  return prefix;
}

}  // namespace

ConditionalStore::ConditionalStore(ObjectStore& inner, bool trusted, ConditionMemory& memory,
                                   Observer& observer)
    : inner_(inner), trusted_(trusted), memory_(memory), observer_(observer) {}

ConditionMemory::Case ConditionalStore::CaseOf(ConditionalWrite write,
                                               const Condition& condition) const {
  return {write, condition.kind, versioned_};
}

void ConditionalStore::Learn(std::string_view version_id) {
  if (!version_id.empty() && version_id != "null") versioned_ = true;
}

void ConditionalStore::TellWindow() {
  if (window_told_.exchange(true)) return;
  observer_.OnNotice(
      "conditional writes are not known to work on this server: between looking and writing "
      "another machine's change of the same file can be lost; coffer doctor --write-test finds "
      "out");
}

Result<ConditionalStore::Fit> ConditionalStore::Look(std::string_view key,
                                                     const Condition& condition) {
  ReadCondition current;
  current.confirm_absence = false;  // the write that follows speaks to the same server
  auto info = inner_.Head(key, current);
  if (!info && info.error().code == Code::kDenied) {
    current.confirm_absence = true;  // what is denied may be what is not there
    info = inner_.Head(key, current);
  }
  if (!info && info.error().code != Code::kNotFound) return info.error();
  if (info) Learn(info->version_id);
  const bool holds = condition.kind == Condition::Kind::kAbsent
                         ? !info.has_value()
                         : info.has_value() && info->etag == condition.etag;
  return holds ? Fit::kHolds : Fit::kFails;
}

Result<Written> ConditionalStore::Guarded(ConditionalWrite write, std::string_view key,
                                          const Condition& condition, const Send& send) {
  if (trusted_ || condition.kind == Condition::Kind::kNone) return send(condition);
  ConditionMemory::Case c = CaseOf(write, condition);
  if (!memory_.Counts(c)) {
    TellWindow();
    COFFER_ASSIGN(const Fit fit, Look(key, condition));
    if (fit == Fit::kFails) return Lost(condition);
    c = CaseOf(write, condition);  // the look may have told that the bucket has versions
  }
  if (memory_.Unusable(c)) return send(Condition::None());
  Condition sent = condition;
  sent.bare_etag = memory_.Bare(c);
  auto written = send(sent);
  if (written) {
    Learn(written->version_id);
    memory_.SawSuccess(c);
    return written;
  }
  if (!IsRefusal(written.error(), condition) || memory_.Counts(c)) return written;
  return AfterRefusal(c, key, condition, send, std::move(written).error());
}

// The condition held when we looked, and yet the server refused: either it changed meanwhile, or
// the server cannot be spoken to in this way.
Result<Written> ConditionalStore::AfterRefusal(const ConditionMemory::Case& c, std::string_view key,
                                               const Condition& condition, const Send& send,
                                               Error refusal) {
  COFFER_ASSIGN(Fit fit, Look(key, condition));
  if (fit == Fit::kFails) {
    memory_.SawRefusal(c);
    return refusal;
  }
  if (condition.kind == Condition::Kind::kMatches && !memory_.Bare(c)) {
    Condition bare = condition;
    bare.bare_etag = true;
    auto written = send(bare);
    if (written) {
      memory_.SetBare(c);
      memory_.SawSuccess(c);
      return written;
    }
    if (!IsRefusal(written.error(), condition)) return written;
    COFFER_ASSIGN(fit, Look(key, condition));
    if (fit == Fit::kFails) return written;
  }
  memory_.SetUnusable(c);
  return send(Condition::None());
}

Result<Written> ConditionalStore::Put(std::string_view key, ByteView body,
                                      const NewObject& object) {
  return Guarded(ConditionalWrite::kPut, key, object.condition, [&](const Condition& condition) {
    NewObject sent = object;
    sent.condition = condition;
    return inner_.Put(key, body, sent);
  });
}

Result<Written> ConditionalStore::CompleteUpload(const Upload& upload, std::span<const Part> parts,
                                                 const Condition& condition) {
  return Guarded(ConditionalWrite::kComplete, upload.key, condition,
                 [&](const Condition& sent) { return inner_.CompleteUpload(upload, parts, sent); });
}

Status ConditionalStore::CheckCopySource(const CopyRequest& request) {
  if (trusted_ || request.source_etag.empty() || !request.source_version_id.empty()) return Ok();
  const Condition source = Condition::Matches(request.source_etag);
  if (memory_.Counts(CaseOf(ConditionalWrite::kCopySource, source))) return Ok();
  TellWindow();
  COFFER_ASSIGN(const Fit fit, Look(request.from, source));
  if (fit == Fit::kFails) return Lost(source);
  return Ok();
}

Result<Written> ConditionalStore::Copy(const CopyRequest& request) {
  COFFER_TRY(CheckCopySource(request));
  // Where it fails although it holds, having looked is all there is.
  const bool source_unusable = memory_.Unusable(
      CaseOf(ConditionalWrite::kCopySource, Condition::Matches(request.source_etag)));
  return Guarded(ConditionalWrite::kCopy, request.to, request.target.condition,
                 [&](const Condition& condition) {
                   CopyRequest sent = request;
                   sent.target.condition = condition;
                   if (source_unusable && !trusted_) sent.source_etag.clear();
                   return inner_.Copy(sent);
                 });
}

// Directory buckets are AWS's; what answers in their name elsewhere is looked at first.
Status ConditionalStore::Rename(const RenameRequest& request) {
  if (!trusted_) {
    TellWindow();
    for (const auto& [key, condition] :
         {std::pair(&request.from, Condition::Matches(request.source_etag)),
          std::pair(&request.to, request.condition)}) {
      if (condition.kind == Condition::Kind::kNone) continue;
      COFFER_ASSIGN(const Fit fit, Look(*key, condition));
      if (fit == Fit::kFails) return Lost(condition);
    }
  }
  return inner_.Rename(request);
}

Status ConditionalStore::Delete(std::string_view key, const Condition& condition) {
  const auto written = Guarded(ConditionalWrite::kDelete, key, condition,
                               [&](const Condition& sent) -> Result<Written> {
                                 COFFER_TRY(inner_.Delete(key, sent));
                                 return Written{};
                               });
  if (written) return Ok();
  // Gone is what a delete is for, whoever did it.
  if (written.error().code != Code::kChanged || trusted_) return written.error();
  ReadCondition current;
  const auto info = inner_.Head(key, current);
  if (!info && info.error().code == Code::kNotFound) return Ok();
  return written.error();
}

// The ETags of these keys, as far as a listing tells them without going on for too long.
Result<std::map<std::string, std::string>> ConditionalStore::ListedEtags(
    std::span<const KeyToDelete> keys) {
  std::map<std::string, std::string> etags;
  if (keys.size() <= kFewKeys) return etags;
  ListRequest request;
  request.prefix = CommonPrefix(keys);
  request.delimited = false;
  // Where the keys are few among many, looking at each is cheaper than to list on.
  for (std::size_t pages = 0; pages <= keys.size() / 100 + 1; ++pages) {
    COFFER_ASSIGN(ListPage page, inner_.List(request));
    for (auto& object : page.objects) etags[std::move(object.key)] = std::move(object.etag);
    if (page.next_token.empty()) break;
    request.token = std::move(page.next_token);
  }
  return etags;
}

// Of keys with an ETag, those that are still that version; of the others those that are not gone
// have failed.
Result<std::vector<KeyToDelete>> ConditionalStore::StillAsExpected(
    std::span<const KeyToDelete> keys, std::vector<FailedDelete>& failed) {
  COFFER_ASSIGN(const auto listed, ListedEtags(keys));
  std::vector<KeyToDelete> expected;
  for (const KeyToDelete& one : keys) {
    const auto it = listed.find(one.key);
    if (one.etag.empty() || (it != listed.end() && it->second == one.etag)) {
      expected.push_back({one.key, ""});
      continue;
    }
    // Not listed, or as another version: what counts is how it is now.
    const auto condition = Condition::Matches(one.etag);
    COFFER_ASSIGN(const Fit fit, Look(one.key, condition));
    if (fit == Fit::kHolds) {
      expected.push_back({one.key, ""});
      continue;
    }
    COFFER_ASSIGN(const Fit gone, Look(one.key, Condition::Absent()));
    if (gone == Fit::kFails) failed.push_back({one.key, Lost(condition)});
  }
  return expected;
}

Result<std::vector<FailedDelete>> ConditionalStore::DeleteMany(std::span<const KeyToDelete> keys) {
  const bool conditional = std::any_of(keys.begin(), keys.end(),
                                       [](const KeyToDelete& one) { return !one.etag.empty(); });
  if (trusted_ || !conditional) return inner_.DeleteMany(keys);
  TellWindow();
  std::vector<FailedDelete> failed;
  COFFER_ASSIGN(const auto expected, StillAsExpected(keys, failed));
  COFFER_ASSIGN(auto more, inner_.DeleteMany(expected));
  failed.insert(failed.end(), std::make_move_iterator(more.begin()),
                std::make_move_iterator(more.end()));
  return failed;
}

Result<ObjectInfo> ConditionalStore::Head(std::string_view key, const ReadCondition& condition) {
  auto info = inner_.Head(key, condition);
  if (info) Learn(info->version_id);
  return info;
}

Result<Fetched> ConditionalStore::Get(std::string_view key, Range range,
                                      const ReadCondition& condition) {
  auto fetched = inner_.Get(key, range, condition);
  if (fetched) Learn(fetched->info.version_id);
  return fetched;
}

Result<ListPage> ConditionalStore::List(const ListRequest& request) { return inner_.List(request); }

Result<VersionPage> ConditionalStore::ListVersions(std::string_view prefix,
                                                   std::string_view key_marker,
                                                   std::string_view version_marker) {
  return inner_.ListVersions(prefix, key_marker, version_marker);
}

Result<Upload> ConditionalStore::CreateUpload(std::string_view key, const NewObject& object) {
  return inner_.CreateUpload(key, object);
}

Result<Part> ConditionalStore::UploadPart(const Upload& upload, PartPlace place, ByteView body) {
  return inner_.UploadPart(upload, place, body);
}

Result<Part> ConditionalStore::CopyPart(const Upload& upload, int number, std::string_view from,
                                        Range range, std::string_view source_etag) {
  return inner_.CopyPart(upload, number, from, range, source_etag);
}

Status ConditionalStore::AbortUpload(const Upload& upload) { return inner_.AbortUpload(upload); }

}  // namespace coffer::s3
