#include "fs/upload_records.h"

#include <utility>

#include "crypto/encoding.h"
#include "fs/json.h"

namespace coffer::fs {
namespace {

std::string BeganLine(const std::string& id, const std::string& key) {
  Json json;
  json["began"] = UriEscape(id, Slash::kEscape);
  json["key"] = UriEscape(key, Slash::kEscape);
  return json.dump() + "\n";
}

std::string AllOpen(const std::map<std::string, std::string>& open) {
  std::string text;
  for (const auto& [id, key] : open) text += BeganLine(id, key);
  return text;
}

std::string EndedLine(const std::string& id) {
  Json json;
  json["ended"] = UriEscape(id, Slash::kEscape);
  return json.dump() + "\n";
}

std::optional<std::string> Member(const Json& json, const char* name) {
  const auto it = json.find(name);
  const auto* text = it == json.end() ? nullptr : it->get_ptr<const std::string*>();
  if (text == nullptr) return std::nullopt;
  auto plain = UriUnescape(*text);
  if (!plain) return std::nullopt;
  return std::move(*plain);
}

// Uploads that began and did not end. A line that a crash cut short had not been acknowledged, so
// its upload has no part yet; it cannot be read and is passed over.
std::vector<s3::Upload> Unfinished(std::string_view text) {
  std::map<std::string, std::string> open;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const Json json = Json::parse(text.substr(0, end), nullptr, false);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (!json.is_object()) continue;
    const auto began = Member(json, "began");
    const auto key = Member(json, "key");
    if (began && key) open[*began] = *key;
    if (const auto ended = Member(json, "ended")) open.erase(*ended);
  }
  std::vector<s3::Upload> uploads;
  uploads.reserve(open.size());
  for (auto& [id, key] : open) uploads.push_back({std::move(key), id});
  return uploads;
}

// What one file names; true when nothing of it is left.
bool AbortRecorded(s3::ObjectStore& store, std::string_view text, Leftovers& leftovers) {
  bool all = true;
  for (const s3::Upload& upload : Unfinished(text)) {
    if (const Status aborted = store.AbortUpload(upload); aborted) {
      ++leftovers.aborted;
    } else {
      all = false;
      leftovers.failures.push_back("an unfinished upload of \"" + upload.key +
                                   "\" stays in the bucket: " + aborted.error().what);
    }
  }
  return all;
}

}  // namespace

UploadRecords::UploadRecords(Options options, std::unique_ptr<CrashRecords> records)
    : options_(std::move(options)), records_(std::move(records)) {}

Result<std::unique_ptr<UploadRecords>> UploadRecords::Open(Options options) {
  COFFER_ASSIGN(auto records, CrashRecords::Open({options.state_directory, "uploads",
                                                  options.volume, options.rewrite_above}));
  return std::unique_ptr<UploadRecords>(new UploadRecords(std::move(options), std::move(records)));
}

UploadRecords::~UploadRecords() {
  const Lock lock(mu_);
  if (open_.empty()) records_->Remove();
}

// open_ has what the line says.
Status UploadRecords::Add(const std::string& line, bool durable) {
  return records_->must_begin() ? records_->Begin(AllOpen(open_)) : records_->Add(line, durable);
}

void UploadRecords::Began(const s3::Upload& upload) {
  Status recorded = Ok();
  {
    const Lock lock(mu_);
    open_[upload.id] = upload.key;
    recorded = Add(BeganLine(upload.id, upload.key), true);
  }
  if (!recorded && options_.warn) {
    options_.warn("the upload of \"" + upload.key +
                  "\" is not recorded, a crash would leave it unfinished in the bucket: " +
                  recorded.error().what);
  }
}

void UploadRecords::Ended(const s3::Upload& upload) {
  const Lock lock(mu_);
  if (open_.erase(upload.id) == 0 || !records_->begun()) return;
  // Not forced to the disk: to abort once more what has ended does nothing.
  if (open_.empty()) {
    records_->Clear();
  } else {
    (void)Add(EndedLine(upload.id), false);
  }
}

Leftovers UploadRecords::AbortLeftovers(s3::ObjectStore& store) const {
  Leftovers leftovers;
  const std::vector<std::string> failures = records_->VisitDead(
      [&](std::string_view text) { return AbortRecorded(store, text, leftovers); });
  leftovers.failures.insert(leftovers.failures.end(), failures.begin(), failures.end());
  return leftovers;
}

}  // namespace coffer::fs
