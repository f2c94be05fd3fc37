// Content into S3: one visible version for each commit, under the condition that nobody else made
// one meanwhile; what cannot be committed is rescued.

#include <fcntl.h>

#include <optional>
#include <utility>

#include "fs/content_type.h"
#include "fs/filesystem_impl.h"
#include "fs/owed_locks.h"
#include "fs/path.h"

namespace coffer::fs {

Status Filesystem::Impl::Commit(OpenFile& file) {
  const Turn::Hold turn(file.turn);
  return CommitTurn(file);
}

// The caller holds the file's turn.
Status Filesystem::Impl::CommitTurn(OpenFile& file) {
  if (file.failed) return *file.failed;
  if (file.unlinked || !file.writer.dirty()) return Ok();
  const auto gate = HoldName(*file.node, ChangeGate::IfBusy::kWait);
  if (!gate) return Failed(file, {Code::kBusy, "its directories are renamed again and again"});
  FollowName(file);
  if (const Status unlocked = CheckCommit(file); !unlocked) return Failed(file, unlocked.error());
  OfferMetadata(file);
  auto written = file.writer.Commit();
  if (!written) return Failed(file, std::move(written).error());
  Committed(file, *written);
  return Ok();
}

// Nothing is locked under a name that is new; what is there is asked once more.
Status Filesystem::Impl::CheckCommit(const OpenFile& file) {
  if (!options_.locks.protects()) return Ok();
  std::optional<s3::Lock> given;
  {
    const Lock lock(tree_.mu);
    if (file.node->version.etag.empty()) return Ok();
    given = file.given_lock;
  }
  return CheckStillUnlocked(file.node, file.key, given);
}

// What the object shall say of itself, unless a stream has fixed that already.
void Filesystem::Impl::OfferMetadata(OpenFile& file) {
  if (file.writer.streaming()) return;
  s3::Metadata metadata;
  {
    const Lock lock(tree_.mu);
    metadata = ToMetadata(file.metadata, file.node->attributes);
  }
  file.writer.SetMetadata(std::move(metadata));
}

// A directory above may have been renamed. An upload that has begun cannot follow: it fails.
void Filesystem::Impl::FollowName(OpenFile& file) {
  std::string key;
  {
    const Lock lock(tree_.mu);
    key = tree_.Key(*file.node);
    if (file.copied) file.writer.MoveTo(*std::exchange(file.copied, std::nullopt));
  }
  if (key == file.key) return;
  file.key = key;
  file.writer.SetKey(std::move(key));
}

void Filesystem::Impl::Committed(OpenFile& file, const s3::Written& written) {
  const s3::Metadata& sent = file.writer.sent_metadata();
  auto object = std::make_shared<s3::ObjectInfo>();
  object->etag = written.etag;
  object->version_id = written.version_id;
  object->size = file.writer.size();
  object->last_modified_s = written.server_date_s;
  object->server_date_s = written.server_date_s;
  object->metadata = sent;
  object->headers = file.headers;
  const Lock lock(tree_.mu);
  Node& node = *file.node;
  const std::string key = tree_.Key(node);
  const bool late = std::exchange(file.attributes_late, false);
  if (late) {
    Wait(file.node);
  } else {
    // A stream's metadata was fixed when it began: that is what everybody sees from now on.
    node.attributes = FromMetadata(key, sent, written.server_date_s, options_.defaults);
    node.waiting = nullptr;  // rode along
    waiting_.erase(node.id);
  }
  node.version = {written.etag, written.version_id, object->size, written.server_date_s};
  node.archived = false;
  node.valid_until = Until(options_.metadata_ttl);
  ShowLockOfMade(node, written);
  file.given_lock = node.lock.lock;
  if (late) node.waiting->given_lock = file.given_lock;
  node.fetched_once = true;  // the kernel has the pages that were written
  tree_.Change(*node.parent, node.name, FactFrom(node));
  tree_.Remember(file.node, std::move(object));
}

Fact Filesystem::Impl::FactFrom(const Node& node) const {
  Fact fact;
  fact.present = true;
  fact.attributes = node.attributes;
  fact.version = node.version;
  fact.archived = node.archived;
  fact.marker = node.marker;
  if (node.directory) fact.sealed = node.directory->sealed;
  fact.extra = node.extra;
  fact.lock = node.lock;
  fact.valid_until = Until(options_.metadata_ttl);
  fact.marker_until = fact.valid_until;
  return fact;
}

// The commit failed for good: the error sticks to the file, the object stays as it was, bytes that
// are still here are put aside, and the name shows what the bucket has.
Error Filesystem::Impl::Failed(OpenFile& file, Error error) {
  std::string key;
  std::string etag;
  {
    const Lock lock(tree_.mu);
    key = tree_.Key(*file.node);
    etag = file.node->version.etag;
  }
  if (file.exclusive && error.code == Code::kChanged) error.code = Code::kExists;
  std::string line = "\"" + key + "\" was not written: " + error.what;
  bool rescued = false;
  if (const auto bytes = file.writer.Unsent(); bytes && !bytes->empty()) {
    const std::uint64_t from = file.writer.unsent_offset();
    const std::string part = from > 0 ? "the bytes from " + std::to_string(from) + " on: " : "";
    const auto saved = PutAside(file, {key, etag, part + error.what}, *bytes);
    rescued = saved.has_value();
    line += saved ? "; the bytes were saved in " + *saved
                  : "; the bytes could not be saved either: " + saved.error().what;
  } else if (file.writer.size() > 0) {
    line += "; what was already uploaded cannot be had back";
  }
  file.failed = error;
  file.writer.Abort();
  {
    const Lock lock(stats_mu_);
    ++stats_.failed_commits;
    if (rescued) ++stats_.rescued_files;
  }
  parts_.observer.Fail(line);
  ForgetFailed(*file.node);
  return error;
}

// In a sealed volume nothing lies on the disk in the clear either.
Result<std::string> Filesystem::Impl::PutAside(const OpenFile& file, const RescueReason& reason,
                                               const Bytes& bytes) {
  if (parts_.sealer == nullptr) return rescue_.Save(reason, bytes);
  COFFER_ASSIGN(const Bytes sealed, parts_.sealer->SealAlone(bytes, file.data_key));
  return rescue_.Save(reason, sealed);
}

s3::ContentHeaders Filesystem::Impl::HeadersFor(const std::string& key) const {
  s3::ContentHeaders headers;
  if (options_.infer_content_type) headers.content_type = ContentTypeOf(key);
  return headers;
}

// One handle less writes the file; the last one commits what is left and ends the writing.
void Filesystem::Impl::LeaveWriter(const std::shared_ptr<OpenFile>& file) {
  {
    const Lock lock(tree_.mu);
    if (--file->handles > 0) return;
  }
  const Turn::Hold turn(file->turn);
  (void)CommitTurn(*file);  // told, counted and rescued where it fails
  // A write that failed may have been stored all the same, and its old content may be unreadable.
  if (file->failed || file->unlinked) ForgetFailed(*file->node);
  {
    const Lock lock(tree_.mu);
    Node& node = *file->node;
    if (file->handles > 0 || node.writing != file) return;  // opened again meanwhile
    node.writing = nullptr;
    if (node.waiting) ArmTimer(options_.attribute_delay);  // came to nothing while it was open
    tree_.DropIfUnused(file->node);
  }
  file->writer.Abort();  // gives its memory back; nothing is uncommitted unless it failed
  if (parts_.owed != nullptr) parts_.owed->Closed(file->key);
}

// What the node shows never came to be: nothing remembered of its name holds, here or in the
// kernel.
void Filesystem::Impl::ForgetFailed(Node& node) {
  NodePtr parent;
  std::string name;
  {
    const Lock lock(tree_.mu);
    if (node.gone) return;
    parent = node.parent;
    name = node.name;
    if (node.waiting) {
      (void)WaitingFailed(node, tree_.Key(node), {Code::kChanged, "the file was not written"});
    }
    tree_.Detach(node);
    ForgetFacts(*parent, name);
  }
  if (KernelCache* kernel = kernel_.load()) kernel->ForgetName(parent->id, name);
}

Status Filesystem::Impl::TruncateClosed(const NodePtr& node) {
  bool started = false;
  constexpr int kFlags = O_WRONLY | O_TRUNC;
  COFFER_ASSIGN(DataKeyPtr data_key, DataKeyFor(node));
  COFFER_ASSIGN(const std::shared_ptr<OpenFile> file,
                JoinOrStart(node, kFlags, std::move(data_key), &started));
  Status done = PrepareContent(*file, kFlags, started);
  if (done) done = Commit(*file);
  LeaveWriter(file);
  return done;
}

}  // namespace coffer::fs
