#include "fs/upload_records.h"

#include <unistd.h>

#include <utility>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "fs/json.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kLargestFile = 64u << 20;

std::string BeganLine(const std::string& id, const std::string& key) {
  Json json;
  json["began"] = UriEscape(id, Slash::kEscape);
  json["key"] = UriEscape(key, Slash::kEscape);
  return json.dump() + "\n";
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

// Aborts what one file names; the file goes when nothing of it is left.
Status AbortRecorded(s3::ObjectStore& store, const std::string& path, Leftovers& leftovers) {
  COFFER_ASSIGN(PrivateFile file, PrivateFile::Open(path));
  COFFER_ASSIGN(const bool dead, file.TryLock());
  if (!dead || file.IsRemoved()) return Ok();
  COFFER_ASSIGN(const std::string text, ReadPrivateFile(path, kLargestFile));
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
  return all ? RemoveFile(path) : Ok();
}

}  // namespace

UploadRecords::UploadRecords(Options options, std::string directory)
    : options_(std::move(options)), directory_(std::move(directory)) {}

Result<std::unique_ptr<UploadRecords>> UploadRecords::Open(Options options) {
  constexpr std::size_t kNameBytes = 16;
  const Sha256Digest digest = Sha256(AsBytes(options.volume));
  std::string directory =
      options.state_directory + "/uploads/" + HexEncode(ByteView(digest).first(kNameBytes));
  COFFER_TRY(MakePrivateDirectory(directory));
  return std::unique_ptr<UploadRecords>(
      new UploadRecords(std::move(options), std::move(directory)));
}

UploadRecords::~UploadRecords() {
  const Lock lock(mu_);
  if (file_ && open_.empty()) (void)RemoveFile(file_->path());
}

// A new file with what is unfinished now; it replaces the one before.
Status UploadRecords::StartFile() {
  constexpr int kTries = 10'000;
  std::string text;
  for (const auto& [id, key] : open_) text += BeganLine(id, key);
  Error error{Code::kUnavailable, "too many upload records in " + directory_};
  for (int n = 0; n < kTries; ++n) {
    const std::string path =
        directory_ + "/" + std::to_string(getpid()) + "-" + std::to_string(n) + ".uploads";
    auto file = PrivateFile::Create(path);
    if (!file) {
      if (file.error().code == Code::kExists) continue;
      error = std::move(file).error();
      break;
    }
    COFFER_ASSIGN(const bool ours, file->TryLock());
    // Between the two calls another mount may have taken it for a dead one's and removed it.
    if (!ours || file->IsRemoved()) continue;
    Status written = file->Append(AsBytes(text));
    if (written) written = file->Sync();
    if (written) written = SyncDirectory(directory_);
    if (!written) {
      (void)RemoveFile(path);
      return written;
    }
    if (file_) (void)RemoveFile(file_->path());
    file_ = std::make_unique<PrivateFile>(std::move(*file));
    file_bytes_ = text.size();
    return Ok();
  }
  return error;
}

Status UploadRecords::Append(const std::string& line, bool durable) {
  Status written = file_->Append(AsBytes(line));
  if (written && durable) written = file_->Sync();
  file_bytes_ += line.size();
  // Half a line would spoil the next one: that goes into a new file.
  if (!written) file_bytes_ = options_.rewrite_above + 1;
  return written;
}

void UploadRecords::Began(const s3::Upload& upload) {
  Status recorded = Ok();
  {
    const Lock lock(mu_);
    open_[upload.id] = upload.key;
    recorded = !file_ || file_bytes_ > options_.rewrite_above
                   ? StartFile()
                   : Append(BeganLine(upload.id, upload.key), true);
  }
  if (!recorded && options_.warn) {
    options_.warn("the upload of \"" + upload.key +
                  "\" is not recorded, a crash would leave it unfinished in the bucket: " +
                  recorded.error().what);
  }
}

void UploadRecords::Ended(const s3::Upload& upload) {
  const Lock lock(mu_);
  if (open_.erase(upload.id) == 0 || !file_) return;
  // Not forced to the disk: to abort once more what has ended does nothing.
  if (open_.empty()) {
    if (file_->Clear()) file_bytes_ = 0;
  } else {
    (void)Append(EndedLine(upload.id), false);
  }
}

Leftovers UploadRecords::AbortLeftovers(s3::ObjectStore& store) const {
  Leftovers leftovers;
  const auto names = NamesIn(directory_);
  if (!names) {
    leftovers.failures.push_back(names.error().what);
    return leftovers;
  }
  for (const std::string& name : *names) {
    const Status done = AbortRecorded(store, directory_ + "/" + name, leftovers);
    if (!done) leftovers.failures.push_back(done.error().what);
  }
  return leftovers;
}

}  // namespace coffer::fs
