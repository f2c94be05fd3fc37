// The Filesystem's outside: each call goes to its topic's file; what is left is bookkeeping.

#include "fs/filesystem.h"

#include <utility>

#include "fs/filesystem_impl.h"
#include "fs/option_values.h"

namespace coffer::fs {

Filesystem::Impl::Impl(const Parts& parts, FilesystemOptions options)
    : parts_(parts),
      options_(std::move(options)),
      tree_(
          options_.prefix,
          ImplicitDirectory(options_.defaults, parts.server_time.Now().time_since_epoch().count()),
          parts.clock),
      gate_([this](const std::string& key) {
        if (bodies_) bodies_->Drop(key);
      }),
      rescue_(options_.rescue_directory),
      reading_{parts.store, parts.pool, parts.budget, options_.read, read_counters_},
      writing_{parts.store, parts.pool, parts.budget, options_.write, parts.uploads} {
  // Who wants next to nothing believed has nothing fetched ahead; nor has who pays with a whole
  // object for the first byte.
  if (options_.metadata_ttl > kMinimal && !options_.prove_at_open) {
    bodies_ = std::make_unique<BodyAhead>(
        BodyAhead::Shared{parts.pool, parts.budget, parts.clock, read_counters_},
        options_.metadata_ttl);
  }
  const Lock lock(tree_.mu);
  Directory& root = *tree_.root()->directory;
  root.sealed = HoldsSealed::kNo;  // the mount has looked
  root.sealed_until = Now() + kSealedSeenFor;
}

// Files that are still open now stay so for ever, and a node and its writer hold each other.
Filesystem::Impl::~Impl() {
  background_.End();
  bodies_ = nullptr;
  std::unordered_map<HandleId, std::shared_ptr<Handle>> open;
  {
    const Lock lock(handles_mu_);
    open.swap(handles_);
  }
  const Lock lock(tree_.mu);
  for (const auto& [id, handle] : open) handle->node->writing = nullptr;
}

Result<NodePtr> Filesystem::Impl::FindNode(NodeId id) const {
  const Lock lock(tree_.mu);
  NodePtr node = tree_.Find(id);
  if (!node) return Error{Code::kChanged, "the kernel asked for a node that is gone"};
  return node;
}

Result<NodePtr> Filesystem::Impl::FindDirectory(NodeId id) const {
  COFFER_ASSIGN(NodePtr node, FindNode(id));
  if (!node->directory) return Error{Code::kNotDirectory, "a name below a file"};
  return node;
}

Result<std::shared_ptr<Handle>> Filesystem::Impl::FindHandle(HandleId id) const {
  const Lock lock(handles_mu_);
  const auto found = handles_.find(id);
  if (found == handles_.end()) return Error{Code::kInvalid, "no such handle"};
  return found->second;
}

Result<std::shared_ptr<DirectoryStream>> Filesystem::Impl::FindStream(HandleId id) const {
  const Lock lock(handles_mu_);
  const auto found = streams_.find(id);
  if (found == streams_.end()) return Error{Code::kInvalid, "no such handle"};
  return found->second;
}

Status Filesystem::Impl::CheckWritable() const {
  if (options_.read_only) return Error{Code::kReadOnly, "mounted read-only"};
  return Ok();
}

bool Filesystem::Impl::Drain() {
  bool all = true;
  const std::uint64_t failures = Failures();  // one that is under way now counts too
  std::vector<std::shared_ptr<OpenFile>> files;
  {
    const Lock lock(tree_.mu);
    for (const NodePtr& node : tree_.All()) {
      if (node->writing) files.push_back(node->writing);
    }
  }
  for (const auto& file : files) {
    if (!SendAll(file->node, file)) all = false;
  }
  if (!SendWaitingBelow(tree_.root())) all = false;
  parts_.index.Flush();
  return all && Failures() == failures;
}

std::uint64_t Filesystem::Impl::Failures() const {
  const Lock lock(stats_mu_);
  return stats_.deferred_attribute_failures + stats_.failed_commits;
}

FilesystemStats Filesystem::Impl::stats() const {
  FilesystemStats stats;
  {
    const Lock lock(stats_mu_);
    stats = stats_;
  }
  {
    const Lock lock(handles_mu_);
    stats.open_handles = handles_.size() + streams_.size();
  }
  const Lock lock(tree_.mu);
  stats.deferred_attribute_changes = waiting_.size();
  stats.nodes = tree_.node_count();
  stats.cached_directories = tree_.cached_directories();
  stats.cached_names = tree_.cached_names();
  for (const NodePtr& node : tree_.All()) {
    if (!node->writing) continue;
    ++stats.files_being_written;
    if (node->valid_until < Now() || node->version.etag.empty()) {
      stats.unsent_bytes += node->version.size;
    }
  }
  return stats;
}

Filesystem::Filesystem(const Parts& parts, FilesystemOptions options)
    : impl_(std::make_unique<Impl>(parts, std::move(options))) {}
Filesystem::~Filesystem() = default;

void Filesystem::SetMountId(std::uint64_t mount_id) { impl_->mount_id_ = mount_id; }
void Filesystem::SetKernelCache(KernelCache* cache) { impl_->kernel_ = cache; }
void Filesystem::Told(const Error& error) {
  if (error.code == Code::kCorrupt) impl_->parts_.observer.Fail(error.what);
}

Result<EntryReply> Filesystem::Lookup(NodeId parent, std::string_view name) {
  return impl_->Lookup(parent, name);
}
std::chrono::nanoseconds Filesystem::AbsentFor(NodeId parent, const std::string& name) const {
  return impl_->AbsentFor(parent, name);
}
void Filesystem::Forget(NodeId node, std::uint64_t count) {
  const Lock lock(impl_->tree_.mu);
  impl_->tree_.Forget(node, count);
}
Result<AttributesReply> Filesystem::GetAttributes(NodeId node, std::optional<HandleId> handle) {
  return impl_->GetAttributes(node, handle);
}
Result<AttributesReply> Filesystem::SetAttributes(NodeId node, std::optional<HandleId> handle,
                                                  const AttributeChange& change) {
  return impl_->SetAttributes(node, handle, change);
}
Result<std::string> Filesystem::ReadLink(NodeId node) { return impl_->ReadLink(node); }
Result<EntryReply> Filesystem::MakeDirectory(NodeId parent, std::string_view name,
                                             std::uint32_t mode, const Caller& caller) {
  return impl_->MakeDirectory(parent, name, mode, caller);
}
Result<EntryReply> Filesystem::MakeSymlink(NodeId parent, std::string_view name,
                                           std::string_view target, const Caller& caller) {
  return impl_->MakeSymlink(parent, name, target, caller);
}
Status Filesystem::Unlink(NodeId parent, std::string_view name) {
  return impl_->Unlink(parent, name);
}
Status Filesystem::RemoveDirectory(NodeId parent, std::string_view name) {
  return impl_->RemoveDirectory(parent, name);
}
Status Filesystem::Rename(NodeId from_parent, std::string_view from, NodeId to_parent,
                          std::string_view to, bool no_replace) {
  return impl_->Rename(from_parent, from, to_parent, to, no_replace);
}
Result<OpenReply> Filesystem::Open(NodeId node, int flags, const Caller& caller) {
  return impl_->Open(node, flags, caller);
}
Result<CreateReply> Filesystem::Create(NodeId parent, std::string_view name, std::uint32_t mode,
                                       int flags, const Caller& caller) {
  return impl_->Create(parent, name, mode, flags, caller);
}
Result<std::vector<Slice>> Filesystem::Read(HandleId handle, std::uint64_t offset,
                                            std::size_t size) {
  return impl_->Read(handle, offset, size);
}
Result<std::size_t> Filesystem::Write(HandleId handle, std::uint64_t offset, ByteView bytes) {
  return impl_->Write(handle, offset, bytes);
}
Status Filesystem::Flush(HandleId handle, const Caller& caller) {
  return impl_->Flush(handle, caller);
}
Status Filesystem::Fsync(HandleId handle) { return impl_->Fsync(handle); }
void Filesystem::Release(HandleId handle) { impl_->Release(handle); }
Result<HandleId> Filesystem::OpenDirectory(NodeId node) { return impl_->OpenDirectory(node); }
Status Filesystem::ReadDirectory(HandleId handle, std::uint64_t offset, bool with_entries,
                                 const std::function<bool(const DirectoryEntry&)>& accept) {
  return impl_->ReadDirectory(handle, offset, with_entries, accept);
}
void Filesystem::ReleaseDirectory(HandleId handle) { impl_->ReleaseDirectory(handle); }
Status Filesystem::FsyncDirectory(NodeId node) {
  COFFER_ASSIGN(const NodePtr directory, impl_->FindNode(node));
  return impl_->SendWaitingBelow(directory);
}

FilesystemFacts Filesystem::Facts() const {
  FilesystemFacts facts;
  facts.bytes_total = facts.bytes_free = impl_->options_.bucket_size;
  return facts;
}

Result<std::string> Filesystem::GetXattr(NodeId node, std::string_view name) {
  return impl_->GetXattr(node, name);
}
Result<std::vector<std::string>> Filesystem::ListXattrs(NodeId node) {
  return impl_->ListXattrs(node);
}
Status Filesystem::SetXattr(NodeId node, std::string_view name, std::string_view value,
                            XattrMode mode) {
  return impl_->SetXattr(node, name, value, mode);
}
Status Filesystem::RemoveXattr(NodeId node, std::string_view name) {
  return impl_->SetXattr(node, name, std::nullopt, XattrMode::kReplace);
}
Result<bool> Filesystem::IsImmutable(NodeId node) { return impl_->IsImmutable(node); }
Status Filesystem::SetImmutable(NodeId node, bool immutable) {
  return impl_->SetImmutable(node, immutable);
}

std::shared_ptr<void> Filesystem::HoldUnused(const std::string& key) {
  return impl_->HoldUnused(key);
}
void Filesystem::LockedMeanwhile(const std::string& key) { impl_->LockedMeanwhile(key); }
bool Filesystem::Drain() { return impl_->Drain(); }
FilesystemStats Filesystem::stats() const { return impl_->stats(); }
const ReadCounters& Filesystem::read_counters() const { return *impl_->read_counters_; }

}  // namespace coffer::fs
