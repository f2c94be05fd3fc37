#include "fs/rename_journal.h"

#include <unistd.h>

#include <filesystem>
#include <string_view>
#include <utility>

#include "crypto/encoding.h"
#include "fs/json.h"

namespace coffer::fs {
namespace {

constexpr int kVersion = 1;
constexpr char kHeader = 'H';
constexpr char kPage = 'P';
constexpr char kOutcome = 'D';
constexpr char kCopied = 'C';

std::string Line(char tag, const Json& json) { return tag + json.dump() + "\n"; }

// Any bytes as text that JSON can carry, exactly.
std::string Escaped(const std::string& text) { return UriEscape(text, Slash::kKeep); }

std::optional<std::string> UnescapedText(const Json& json) {
  const auto* text = json.get_ptr<const std::string*>();
  if (text == nullptr) return std::nullopt;
  auto plain = UriUnescape(*text);
  if (!plain) return std::nullopt;
  return std::move(*plain);
}

std::optional<RenameHeader> ParseRenameHeader(const std::string& line) {
  const Json json = Json::parse(std::string_view(line).substr(1), nullptr, false);
  if (!json.is_array() || json.size() != 4 || json[0] != kVersion) return std::nullopt;
  auto from = UnescapedText(json[1]);
  auto to = UnescapedText(json[2]);
  auto marker = UnescapedText(json[3]);
  if (!from || !to || !marker) return std::nullopt;
  return RenameHeader{std::move(*from), std::move(*to), std::move(*marker)};
}

std::optional<RenameEntry> ParseEntry(const Json& json) {
  if (!json.is_array() || json.size() != 5 || !json[2].is_number_integer() ||
      !json[3].is_number_integer()) {
    return std::nullopt;
  }
  auto name = UnescapedText(json[0]);
  auto etag = UnescapedText(json[1]);
  auto storage_class = UnescapedText(json[4]);
  if (!name || !etag || !storage_class) return std::nullopt;
  RenameEntry entry;
  entry.name = std::move(*name);
  entry.etag = std::move(*etag);
  entry.last_modified_s = json[2].get<std::int64_t>();
  entry.size = json[3].get<std::uint64_t>();
  entry.storage_class = std::move(*storage_class);
  return entry;
}

bool ParseOutcome(const Json& json, RenameEntry& entry) {
  if (json.is_null()) {
    entry.copy = RenameEntry::Copy::kNone;
    return true;
  }
  if (json.is_number_integer()) return true;  // unknown
  if (!json.is_array() || json.size() != 3 || !json[2].is_number_integer()) return false;
  auto etag = UnescapedText(json[0]);
  auto copy_etag = UnescapedText(json[1]);
  if (!etag || !copy_etag) return false;
  entry.copy = RenameEntry::Copy::kMade;
  entry.etag = std::move(*etag);
  entry.copy_etag = std::move(*copy_etag);
  entry.last_modified_s = json[2].get<std::int64_t>();
  return true;
}

Error CorruptJournal() { return {Code::kCorrupt, "the journal of a rename cannot be read"}; }

}  // namespace

Result<RenameJournal> RenameJournal::Begin(const std::string& directory,
                                           const RenameHeader& header) {
  COFFER_TRY(MakePrivateDirectory(directory));
  const Json json = {kVersion, Escaped(header.from), Escaped(header.to),
                     Escaped(header.to_marker_etag)};
  constexpr int kTries = 10'000;
  for (int n = 0; n < kTries; ++n) {
    auto file = PrivateFile::Create(directory + "/" + std::to_string(getpid()) + "-" +
                                    std::to_string(n) + ".rename");
    if (!file && file.error().code == Code::kExists) continue;
    if (!file) return std::move(file).error();
    COFFER_ASSIGN(const bool ours, file->TryLock());
    // Between the two calls another mount may have taken it for a dead one's and removed it.
    if (!ours || file->IsRemoved()) continue;
    COFFER_TRY(file->Append(AsBytes(Line(kHeader, json))));
    return RenameJournal(std::move(*file));
  }
  return Error{Code::kUnavailable, "too many journals in " + directory};
}

Status RenameJournal::Sync() {
  COFFER_TRY(file_.Sync());
  if (named_) return Ok();
  COFFER_TRY(SyncDirectory(std::filesystem::path(path()).parent_path().string()));
  named_ = true;
  return Ok();
}

Status RenameJournal::AddPage(std::span<const RenameEntry> entries) {
  Json json = Json::array();
  for (const RenameEntry& entry : entries) {
    json.push_back({Escaped(entry.name), Escaped(entry.etag), entry.last_modified_s, entry.size,
                    Escaped(entry.storage_class)});
  }
  COFFER_TRY(file_.Append(AsBytes(Line(kPage, json))));
  return Sync();
}

Status RenameJournal::AddOutcome(std::span<const RenameEntry> entries) {
  Json json = Json::array();
  for (const RenameEntry& entry : entries) {
    switch (entry.copy) {
      case RenameEntry::Copy::kUnknown:
        json.push_back(0);
        break;
      case RenameEntry::Copy::kNone:
        json.push_back(nullptr);
        break;
      case RenameEntry::Copy::kMade:
        json.push_back({Escaped(entry.etag), Escaped(entry.copy_etag), entry.last_modified_s});
        break;
    }
  }
  return file_.Append(AsBytes(Line(kOutcome, json)));
}

Status RenameJournal::MarkCopied() {
  COFFER_TRY(file_.Append(AsBytes(Line(kCopied, nullptr))));
  return Sync();
}

Status RenameJournal::Remove() { return RemoveFile(path()); }

Result<RenameJournalReader> RenameJournalReader::Open(const std::string& path) {
  COFFER_ASSIGN(const bool there, HasPrivateFile(path));
  RenameJournalReader reader{std::ifstream(path, std::ios::binary)};
  if (!there || !reader.stream_) return Error{Code::kUnavailable, path + " cannot be opened"};
  while (const auto line = reader.NextLine()) {
    if (line->starts_with(kCopied)) reader.all_copied_ = true;
  }
  reader.stream_.clear();
  reader.stream_.seekg(0);
  if (const auto line = reader.NextLine()) {
    reader.header_ = line->starts_with(kHeader) ? ParseRenameHeader(*line) : std::nullopt;
    if (!reader.header_) return CorruptJournal();
  }
  return reader;
}

// A whole line without its end.
std::optional<std::string> RenameJournalReader::NextLine() {
  std::string line;
  if (!std::getline(stream_, line) || stream_.eof()) return std::nullopt;
  return line;
}

Result<std::optional<std::vector<RenameEntry>>> RenameJournalReader::NextPage() {
  using Page = std::optional<std::vector<RenameEntry>>;
  auto line = NextLine();
  if (!line || line->starts_with(kCopied)) return Page();
  if (!line->starts_with(kPage)) return CorruptJournal();
  const Json page = Json::parse(std::string_view(*line).substr(1), nullptr, false);
  if (!page.is_array()) return CorruptJournal();
  std::vector<RenameEntry> entries;
  entries.reserve(page.size());
  for (const Json& json : page) {
    auto entry = ParseEntry(json);
    if (!entry) return CorruptJournal();
    entries.push_back(std::move(*entry));
  }
  const auto here = stream_.tellg();
  line = NextLine();
  if (!line || !line->starts_with(kOutcome)) {
    stream_.clear();
    stream_.seekg(here);
    return Page(std::move(entries));
  }
  const Json outcome = Json::parse(std::string_view(*line).substr(1), nullptr, false);
  if (!outcome.is_array() || outcome.size() != entries.size()) return CorruptJournal();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!ParseOutcome(outcome[i], entries[i])) return CorruptJournal();
  }
  return Page(std::move(entries));
}

}  // namespace coffer::fs
