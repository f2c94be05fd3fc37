#include "fs/version_rows.h"

#include <utility>

#include "crypto/header.h"
#include "fs/console.h"
#include "fs/message_facts.h"
#include "fs/volume_signs.h"
#include "s3client/time_text.h"

namespace coffer::fs {
namespace {

// Headers that coffer makes are smaller; of others the size stays unknown.
constexpr std::uint64_t kHeaderBytes = 16u << 10;

bool EndsAll(Code code) {
  return code == Code::kInterrupted || code == Code::kUnavailable || code == Code::kTimeout;
}

std::string Date(const s3::ListedVersion& version) {
  return version.last_modified_s == 0 ? "" : s3::IsoTime(version.last_modified_s);
}

std::string SizeText(const VersionRow& row) {
  if (row.listed.delete_marker) return "-";
  return std::to_string(row.size) + (row.size_known ? " B" : " B sealed");
}

std::string State(const VersionRow& row) {
  switch (row.hiding) {
    case Hiding::kCurrent:
      return row.listed.delete_marker ? "current: deleted" : "current";
    case Hiding::kByMarker:
      return row.listed.delete_marker ? "deleted" : "hidden by a delete marker";
    default:
      return row.listed.delete_marker ? "deleted" : "hidden by a newer version";
  }
}

std::string_view HidingWord(Hiding hiding) {
  if (hiding == Hiding::kCurrent) return "";
  return hiding == Hiding::kByMarker ? "delete marker" : "newer version";
}

}  // namespace

VersionRow VersionOrder::Next(s3::ListedVersion version) {
  VersionRow row;
  const bool newest = version.key != key_;
  if (newest) {
    key_ = version.key;
    removed_ = version.delete_marker;
  }
  row.size = version.size;
  row.hiding = newest ? Hiding::kCurrent : removed_ ? Hiding::kByMarker : Hiding::kByNewer;
  row.listed = std::move(version);
  return row;
}

// HEAD leaves out what the caller may not see, as if there was none: asked for by name, the service
// says which it is. Rights may end at any name, so one name's answer is no other's.
VersionLook::Sight VersionLook::LearnSight(const s3::ListedVersion& version) const {
  Sight sight{version.key};
  const auto take = [&sight](const auto& answer, const char* right) {
    if (answer || answer.error().code == Code::kUnsupported) return answer.has_value();
    const Error& error = answer.error();
    if (EndsAll(error.code)) sight.asked = error;
    sight.blind = error.code == Code::kDenied ? right : error.what;
    return false;
  };
  s3::ObjectLocks& locks = store_.locks();
  if (take(locks.GetRetention(version.key, version.version_id),
           "allow s3:GetObjectRetention to see its retention")) {
    take(locks.GetLegalHold(version.key, version.version_id),
         "allow s3:GetObjectLegalHold to see whether it is held");
  }
  return sight;
}

Status VersionLook::LearnSights(std::vector<VersionRow>& rows) {
  if (!locks_) return Ok();
  const auto unclear = [](const VersionRow& row) {
    return !row.listed.delete_marker && !row.unknown() && !row.locked();
  };
  std::vector<Sight> sights{last_};
  std::vector<const s3::ListedVersion*> asked{nullptr};  // of whom
  for (const VersionRow& row : rows) {
    if (!unclear(row) || row.listed.key == sights.back().key) continue;
    sights.push_back({row.listed.key, "", Error{Code::kNoMemory, "out of memory"}});
    asked.push_back(&row.listed);
  }
  TaskGroup group(pool_, pool_.threads());
  for (std::size_t i = 1; i < sights.size(); ++i) {
    group.Add([this, &sights, &asked, i] { sights[i] = LearnSight(*asked[i]); });
  }
  group.Wait();
  for (const Sight& sight : sights) COFFER_TRY(sight.asked);
  auto sight = sights.begin();
  for (VersionRow& row : rows) {
    if (!unclear(row)) continue;
    if (row.listed.key != sight->key) ++sight;
    row.lock.error = sight->blind;
  }
  last_ = std::move(sights.back());
  return Ok();
}

Status VersionLook::TakeSize(VersionRow& row, const s3::ObjectInfo& info) const {
  row.size = info.size;
  row.sealed = IsBound(info.metadata);
  if (info.archived) row.archived = info.storage_class;
  if (!row.sealed) return Ok();
  row.size_known = false;
  const auto head = store_.Get(row.listed.key, {0, kHeaderBytes},
                               {.etag = info.etag, .version_id = row.listed.version_id});
  if (!head) return EndsAll(head.error().code) ? Status(head.error()) : Ok();
  const auto header = ParseHeader(head->body, {});
  if (!header) return Ok();
  const Json facts = MessageFacts(*header, info.size);
  if (!facts.contains("plaintext_size")) return Ok();
  row.size = facts["plaintext_size"].get<std::uint64_t>();
  row.size_known = true;
  return Ok();
}

Status VersionLook::FillOne(VersionRow& row) const {
  s3::ReadCondition version;
  version.version_id = row.listed.version_id;
  version.confirm_absence = false;  // it was listed just now
  const auto info = store_.Head(row.listed.key, version);
  if (!info) {
    if (EndsAll(info.error().code)) return info.error();
    row.lock.error = info.error().code == Code::kDenied ? "allow s3:GetObjectVersion to look at it"
                                                        : info.error().what;
    return Ok();
  }
  row.lock = MakeLockRow("", *info, {});
  return TakeSize(row, *info);
}

Status VersionLook::LookAtAll(std::vector<VersionRow>& rows) {
  std::vector<Status> looked(rows.size(), Error{Code::kNoMemory, "out of memory"});
  TaskGroup group(pool_, pool_.threads());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].listed.delete_marker) {
      looked[i] = Ok();
      continue;
    }
    group.Add([this, &rows, &looked, i] { looked[i] = FillOne(rows[i]); });
  }
  group.Wait();
  for (const Status& one : looked) COFFER_TRY(one);
  return Ok();
}

Status VersionLook::Fill(std::vector<VersionRow>& rows) {
  COFFER_TRY(LookAtAll(rows));
  return LearnSights(rows);
}

std::string VersionLine(const VersionRow& row, const std::string& shown) {
  constexpr std::size_t kSizeColumn = 14;
  const std::string date = Date(row.listed);
  std::string size = SizeText(row);
  if (size.size() < kSizeColumn) size.insert(0, kSizeColumn - size.size(), ' ');
  std::string line = (date.empty() ? "no date" : date) + size + "  " + row.listed.version_id;
  if (!row.listed.delete_marker) line += "  " + row.listed.etag;
  line += "  " + State(row);
  if (!row.listed.delete_marker) {
    const std::string lock = RowText(row.lock, LockFormat::kText);
    line += "; " + (row.unknown() ? "lock " : std::string()) + lock;
  }
  if (!row.archived.empty()) line += "; archived in " + row.archived;
  return Printable(shown.empty() ? line : shown + ": " + line);
}

Json VersionJson(const VersionRow& row, const std::string& shown) {
  Json json;
  if (!shown.empty()) json["file"] = shown;
  json["version_id"] = row.listed.version_id;
  json["last_modified"] = Date(row.listed);
  json["current"] = row.hiding == Hiding::kCurrent;
  json["delete_marker"] = row.listed.delete_marker;
  if (row.hiding != Hiding::kCurrent) json["hidden_by"] = HidingWord(row.hiding);
  if (row.listed.delete_marker) return json;
  if (row.size_known) json["size"] = row.size;
  json["stored_size"] = row.listed.size;
  json["sealed"] = row.sealed;
  json["etag"] = row.listed.etag;
  if (!row.archived.empty()) json["archived"] = row.archived;
  if (row.unknown()) {
    json["lock_unknown"] = row.lock.error;
    return json;
  }
  json["locked"] = row.locked();
  json["mode"] = row.lock.lock.mode;
  json["retain_until"] =
      row.lock.lock.mode.empty() ? "" : s3::IsoTime(row.lock.lock.retain_until_s);
  json["retention_runs"] = row.lock.retained;
  json["legal_hold"] = row.lock.lock.legal_hold;
  return json;
}

}  // namespace coffer::fs
