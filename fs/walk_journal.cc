#include "fs/walk_journal.h"

#include <fstream>
#include <utility>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "fs/json.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kBuffer = 64u << 10;
constexpr std::size_t kNameBytes = 16;

std::string LineOf(const Json& json) { return ToText(json, -1) + "\n"; }

// Keys are any bytes, and must come back as they were: hence UriEscape.
std::string FirstLine(const WalkJournal::Name& name) {
  Json json;
  json["walk"] = 1;
  json["operation"] = name.operation;
  json["address"] = UriEscape(name.address, Slash::kKeep);
  json["settings"] = name.settings;
  return LineOf(json);
}

std::optional<std::string> MemberText(const Json& json, const char* member) {
  const auto found = json.find(member);
  if (found == json.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::optional<std::string> MemberKey(const Json& json, const char* member) {
  const auto text = MemberText(json, member);
  if (!text) return std::nullopt;
  auto plain = UriUnescape(*text);
  if (!plain) return std::nullopt;
  return std::move(*plain);
}

std::optional<WalkFinding> FindingOf(const Json& json) {
  auto key = MemberKey(json, "key");
  auto outcome = MemberText(json, "outcome");
  auto reason = MemberText(json, "reason");
  if (!key || !outcome || !reason) return std::nullopt;
  return WalkFinding{std::move(*key), std::move(*outcome), std::move(*reason)};
}

std::optional<WalkPlace> WalkPlaceOf(const Json& json) {
  auto done = MemberKey(json, "done");
  const auto counts = json.find("counts");
  const auto findings = json.find("findings");
  if (!done || counts == json.end() || !counts->is_object() || findings == json.end() ||
      !findings->is_number_unsigned()) {
    return std::nullopt;
  }
  WalkPlace place{std::move(*done), {}, findings->get<std::uint64_t>()};
  for (const auto& [outcome, count] : counts->items()) {
    const bool pair = count.is_array() && count.size() == 2 && count[0].is_number_unsigned() &&
                      count[1].is_number_unsigned();
    if (!pair) return std::nullopt;
    place.counts[outcome] = {count[0].get<std::uint64_t>(), count[1].get<std::uint64_t>()};
  }
  return place;
}

}  // namespace

Result<std::unique_ptr<WalkJournal>> WalkJournal::Open(const Name& name, bool resume) {
  const std::string directory = name.state_directory + "/walks";
  COFFER_TRY(MakePrivateDirectory(directory));
  const Sha256Digest digest = Sha256(AsBytes(name.address));
  const std::string path =
      directory + "/" + name.operation + "-" + HexEncode(ByteView(digest).first(kNameBytes));
  COFFER_ASSIGN(const bool there, HasPrivateFile(path));
  auto file = there ? PrivateFile::Open(path) : PrivateFile::Create(path);
  if (!file) return std::move(file).error();
  COFFER_ASSIGN(const bool ours, file->TryLock());
  if (!ours || file->IsRemoved()) {
    return Error{Code::kBusy, "coffer " + name.operation + " is at work on this already"};
  }
  std::unique_ptr<WalkJournal> journal(new WalkJournal(std::move(*file), path));
  if (resume) COFFER_TRY(journal->Load(name));
  if (journal->place_) return journal;
  COFFER_TRY(journal->file_.Clear());
  COFFER_TRY(journal->file_.Append(AsBytes(FirstLine(name))));
  return journal;
}

// The last place that was saved whole; what came after it is cut off.
Status WalkJournal::Load(const Name& name) {
  std::ifstream lines(path_);
  std::string line;
  std::uint64_t at = 0;
  std::uint64_t end = 0;
  while (std::getline(lines, line) && !lines.eof()) {
    line += '\n';
    if (at == 0 && line != FirstLine(name)) {
      const Json first = Json::parse(line, nullptr, false);
      if (!first.is_object() || MemberText(first, "settings") == name.settings) return Ok();
      return Error{Code::kInvalid,
                   "the unfinished run was made with other options or of another volume: give the "
                   "same, or leave out --resume to begin anew"};
    }
    at += line.size();
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) continue;
    if (json.contains("void")) {
      place_.reset();
      return Ok();
    }
    if (auto place = WalkPlaceOf(json)) {
      place_ = std::move(place);
      end = at;
    }
  }
  return place_ ? file_.Cut(end) : Ok();
}

Status WalkJournal::Flush() {
  COFFER_TRY(file_.Append(AsBytes(buffer_)));
  buffer_.clear();
  return Ok();
}

Status WalkJournal::Add(const WalkFinding& finding) {
  Json json;
  json["key"] = UriEscape(finding.key, Slash::kKeep);
  json["outcome"] = finding.outcome;
  json["reason"] = finding.reason;
  buffer_ += LineOf(json);
  return buffer_.size() < kBuffer ? Ok() : Flush();
}

Status WalkJournal::Save(const WalkPlace& place) {
  Json json;
  json["done"] = UriEscape(place.done, Slash::kKeep);
  json["counts"] = Json::object();
  for (const auto& [outcome, count] : place.counts) {
    json["counts"][outcome] = {count.objects, count.bytes};
  }
  json["findings"] = place.findings;
  buffer_ += LineOf(json);
  COFFER_TRY(Flush());
  return file_.Sync();
}

Status WalkJournal::Void() {
  buffer_ += LineOf(Json{{"void", true}});
  COFFER_TRY(Flush());
  return file_.Sync();
}

Status WalkJournal::ForEach(const std::function<Status(const WalkFinding&)>& visit) {
  COFFER_TRY(Flush());
  std::ifstream lines(path_);
  std::string line;
  while (std::getline(lines, line)) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) continue;
    if (const auto finding = FindingOf(json)) COFFER_TRY(visit(*finding));
  }
  if (lines.bad()) return Error{Code::kUnavailable, "read " + path_ + ": it cannot be read"};
  return Ok();
}

Status WalkJournal::Remove() { return RemoveFile(path_); }

}  // namespace coffer::fs
