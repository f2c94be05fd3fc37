#include "fs/crash_records.h"

#include <unistd.h>

#include <utility>

#include "crypto/digest.h"
#include "crypto/encoding.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kLargestFile = 64u << 20;

Status VisitFile(const std::string& path, const std::function<bool(std::string_view)>& visit) {
  COFFER_ASSIGN(PrivateFile file, PrivateFile::Open(path));
  COFFER_ASSIGN(const bool dead, file.TryLock());
  if (!dead || file.IsRemoved()) return Ok();
  COFFER_ASSIGN(const std::string text, ReadPrivateFile(path, kLargestFile));
  return visit(text) ? RemoveFile(path) : Ok();
}

}  // namespace

Result<std::unique_ptr<CrashRecords>> CrashRecords::Open(CrashRecordsPlace place) {
  constexpr std::size_t kNameBytes = 16;
  const Sha256Digest digest = Sha256(AsBytes(place.volume));
  std::string directory = place.state_directory + "/" + place.kind + "/" +
                          HexEncode(ByteView(digest).first(kNameBytes));
  COFFER_TRY(MakePrivateDirectory(directory));
  return std::unique_ptr<CrashRecords>(new CrashRecords(std::move(place), std::move(directory)));
}

Status CrashRecords::Begin(const std::string& lines) {
  constexpr int kTries = 10'000;
  Error error{Code::kUnavailable, "too many records in " + directory_};
  for (int n = 0; n < kTries; ++n) {
    const std::string path =
        directory_ + "/" + std::to_string(getpid()) + "-" + std::to_string(n) + "." + place_.kind;
    auto file = PrivateFile::Create(path);
    if (!file) {
      if (file.error().code == Code::kExists) continue;
      error = std::move(file).error();
      break;
    }
    COFFER_ASSIGN(const bool ours, file->TryLock());
    // Between the two calls another mount may have taken it for a dead one's and removed it.
    if (!ours || file->IsRemoved()) continue;
    Status written = file->Append(AsBytes(lines));
    if (written) written = file->Sync();
    if (written) written = SyncDirectory(directory_);
    if (!written) {
      (void)RemoveFile(path);
      return written;
    }
    Remove();
    file_ = std::make_unique<PrivateFile>(std::move(*file));
    file_bytes_ = lines.size();
    return Ok();
  }
  return error;
}

Status CrashRecords::Add(const std::string& line, bool durable) {
  Status written = file_->Append(AsBytes(line));
  if (written && durable) written = file_->Sync();
  file_bytes_ += line.size();
  // Half a line would spoil the next one: that goes into a new file.
  if (!written) file_bytes_ = place_.rewrite_above + 1;
  return written;
}

void CrashRecords::Clear() {
  if (file_ && file_->Clear()) file_bytes_ = 0;
}

void CrashRecords::Remove() {
  if (file_) (void)RemoveFile(file_->path());
  file_ = nullptr;
}

std::vector<std::string> CrashRecords::VisitDead(
    const std::function<bool(std::string_view)>& visit) const {
  const auto names = NamesIn(directory_);
  if (!names) return {names.error().what};
  std::vector<std::string> failures;
  for (const std::string& name : *names) {
    const Status done = VisitFile(directory_ + "/" + name, visit);
    if (!done) failures.push_back(done.error().what);
  }
  return failures;
}

}  // namespace coffer::fs
