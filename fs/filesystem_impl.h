// The state behind Filesystem, and the steps that its calls share. Implemented by topic:
// lookup.cc (names to nodes), whole_listing.cc (directories listed for lookups),
// directory_stream.cc (readdir), list_ahead.cc (before it comes), open.cc (handles, read, write),
// small_files.cc (small ones, which arrive whole), following.cc (who goes through a directory),
// commit.cc (content into S3), namespace.cc (mkdir, unlink), rename.cc,
// attribute_changes.cc (setattr and its delayed copies), xattrs.cc, locked_files.cc (Object Lock),
// filesystem.cc (the rest).

#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fs/background.h"
#include "fs/body_ahead.h"
#include "fs/change_gate.h"
#include "fs/filesystem.h"
#include "fs/open_file.h"
#include "fs/rescue.h"
#include "fs/tree.h"

namespace coffer::fs {

// In bytes; an object that says it is a link and is larger is shown as a file.
inline constexpr std::uint64_t kLargestSymlink = 4096;

// One open(2). `reader` follows the node: it is made anew when the node's key or version changes.
struct Handle {
  NodePtr node;
  int flags = 0;
  std::int32_t opener = 0;         // process id, 0 unknown
  std::shared_ptr<OpenFile> file;  // open for writing
  Mutex mu;
  std::shared_ptr<Reader> reader GUARDED_BY(mu);
  std::string reader_key GUARDED_BY(mu);
  FileVersion reader_version GUARDED_BY(mu);
};

// One opendir(3): a snapshot that is listed as it is read.
struct DirectoryStream {
  NodePtr node;
  Turn turn;  // below: whoever holds it
  bool started = false;
  std::shared_ptr<const Listing> listing;   // whole; null while pages are still being asked for
  std::unique_ptr<ListingBuilder> builder;  // pages so far
  std::string next_token;
  bool more = false;
  unsigned pages = 0;
  s3::SteadyTime complete_until;       // for the time to live from the first page on
  std::vector<DirectoryEntry> extras;  // names that only this mount knows of, after the listing
  std::uint64_t extras_from = 0;       // offset of the first of them
};

class Filesystem::Impl {
 public:
  Impl(const Parts& parts, FilesystemOptions options);
  ~Impl();

  // --- lookup.cc
  Result<EntryReply> Lookup(NodeId parent, std::string_view name);
  std::chrono::nanoseconds AbsentFor(NodeId parent, const std::string& name) const;
  // The node for a name, looked up once more (the caller owes a Forget).
  Result<NodePtr> LookupNode(const NodePtr& parent, std::string_view name);
  // Makes sure that `node` is what S3 has now; kChanged when its name means something else.
  Status Revalidate(const NodePtr& node, bool even_if_fresh);
  Status RevalidateUnlessOpen(const NodePtr& node, const std::optional<HandleId>& handle);
  Result<AttributesReply> GetAttributes(NodeId id, std::optional<HandleId> handle);

  // --- directory_stream.cc
  Result<HandleId> OpenDirectory(NodeId node);
  Status ReadDirectory(HandleId handle, std::uint64_t offset, bool with_entries,
                       const std::function<bool(const DirectoryEntry&)>& accept);
  void ReleaseDirectory(HandleId handle);

  // --- open.cc
  Result<OpenReply> Open(NodeId id, int flags, const Caller& caller);
  Result<CreateReply> Create(NodeId parent, std::string_view name, std::uint32_t mode, int flags,
                             const Caller& caller);
  Result<std::vector<Slice>> Read(HandleId id, std::uint64_t offset, std::size_t size);
  Result<std::size_t> Write(HandleId id, std::uint64_t offset, ByteView bytes);
  Status Flush(HandleId id, const Caller& caller);
  Status Fsync(HandleId id);
  void Release(HandleId id);

  // --- commit.cc
  // Makes what `file` holds a visible version. Errors stick to the file; what can be saved is.
  Status Commit(OpenFile& file);
  // One handle less writes `file`; the last one commits what is left and ends the writing.
  void LeaveWriter(const std::shared_ptr<OpenFile>& file);
  // Truncates a file that nobody has open.
  Status TruncateClosed(const NodePtr& node);

  // --- namespace.cc
  Result<EntryReply> MakeDirectory(NodeId parent, std::string_view name, std::uint32_t mode,
                                   const Caller& caller);
  Result<EntryReply> MakeSymlink(NodeId parent, std::string_view name, std::string_view target,
                                 const Caller& caller);
  Result<std::string> ReadLink(NodeId id);
  Status Unlink(NodeId parent, std::string_view name);
  Status RemoveDirectory(NodeId parent, std::string_view name);
  // --- rename.cc
  Status Rename(NodeId from_parent, std::string_view from, NodeId to_parent, std::string_view to,
                bool no_replace);

  // --- attribute_changes.cc
  Result<AttributesReply> SetAttributes(NodeId id, std::optional<HandleId> handle,
                                        const AttributeChange& change);
  // Sends the change that waits on `node`, if any; its failure is told and remembered there. A file
  // that is being written is left to its commit, unless the caller holds its turn and passes it.
  Status SendWaiting(const NodePtr& node, OpenFile* held);
  // The same for a task of the pool: nothing when somebody else is changing the name.
  std::optional<Status> TrySendWaiting(const NodePtr& node);
  // All that wait at or below `directory`.
  Status SendWaitingBelow(const NodePtr& directory);
  // The copy of `node`'s object onto itself that gives it the attributes it shows here.
  Result<s3::CopyRequest> CopyWithAttributes(const NodePtr& node, const std::string& key);

  // --- xattrs.cc
  Result<std::string> GetXattr(NodeId id, std::string_view name);
  Result<std::vector<std::string>> ListXattrs(NodeId id);
  Status SetXattr(NodeId id, std::string_view name, std::optional<std::string_view> value,
                  XattrMode mode);

  // --- sealed_guard.cc
  enum class Entering { kToSee, kToChange };
  // May what is below `directory` be shown, or changed? In a plain mount not where a sealed volume
  // begins there or above: kDenied, or kReadOnly with --sealed=no. Before the first change it is
  // asked, once, for each directory on the way that nothing is known of.
  Status Enter(const NodePtr& directory, Entering entering);
  // kDenied for a file that says of itself that it is sealed, as far as that is known.
  Status RefuseSealed(const NodePtr& node);
  // The same where only a reply to a read showed it.
  Status LearnSealed(const NodePtr& node, const s3::ObjectInfo& info);
  // `error`, after a line in the log for what a sealed volume does not show of `key`, and why.
  Error NotShown(const std::string& key, Error error);
  // --- locked_files.cc
  Result<bool> IsImmutable(NodeId id);
  Status SetImmutable(NodeId id, bool immutable);
  NodePtr NodeOf(std::string_view key) const REQUIRES(tree_.mu);
  std::shared_ptr<ChangeGate::Hold> HoldUnused(const std::string& key);
  void LockedMeanwhile(const std::string& key);

  // --- filesystem.cc
  bool Drain();
  FilesystemStats stats() const;
  Result<NodePtr> FindNode(NodeId id) const;       // kChanged when the kernel's number is not known
  Result<NodePtr> FindDirectory(NodeId id) const;  // kNotDirectory for anything else
  Result<std::shared_ptr<Handle>> FindHandle(HandleId id) const;
  Result<std::shared_ptr<DirectoryStream>> FindStream(HandleId id) const;
  Status CheckWritable() const;  // kReadOnly on a read-only mount

  Parts parts_;
  FilesystemOptions options_;
  std::atomic<std::uint64_t> mount_id_{0};
  std::atomic<KernelCache*> kernel_{nullptr};
  mutable Tree tree_;
  const std::shared_ptr<ReadCounters> read_counters_ = std::make_shared<ReadCounters>();
  std::unique_ptr<BodyAhead> bodies_;  // null where no small file is fetched before it is opened
  ChangeGate gate_;
  Rescue rescue_;
  Reader::Shared reading_;
  Writer::Shared writing_;

 private:
  friend class Filesystem;
  // lookup.cc
  struct Answer {
    Fact fact;
    std::uint64_t asked_at = 0;
  };
  s3::SteadyTime Now() const { return parts_.clock.Steady(); }
  s3::SteadyTime Until(std::chrono::milliseconds ttl) const { return Now() + ttl; }
  EntryReply ReplyFor(const Node& node) const REQUIRES(tree_.mu);
  NodeStat StatOf(const Node& node) const REQUIRES(tree_.mu);
  std::chrono::nanoseconds TtlOf(const Node& node) const REQUIRES(tree_.mu);
  Result<NodePtr> AheadOfS3(const NodePtr& parent, const std::string& name);
  // What is known of a name, asking S3 where needed. Not found is a fact, not an error.
  Result<Answer> Resolve(const NodePtr& parent, const std::string& name);
  void KeepListingOfStream(Directory& directory, const std::string& name) const REQUIRES(tree_.mu);
  Result<Answer> AskForName(const NodePtr& parent, const std::string& name);
  Result<Fact> AskBoth(const std::string& key, bool known);
  Result<Fact> AskedDirectory(const std::string& key, bool marker);
  Result<Answer> AttributesOfListed(const NodePtr& parent, const Tree::View& view);
  void KeepInIndex(const std::string& key, const s3::ObjectInfo& info);
  Result<Fact> HeadListed(const std::string& key, const ListedName& listed);
  std::optional<Fact> FactFromIndex(const std::string& key, const ListedName& listed,
                                    s3::SteadyTime until);
  void ForgetFacts(Node& directory, const std::string& name) REQUIRES(tree_.mu);
  void StartAhead(const NodePtr& parent, const std::string& name);
  void SortByInode(const NodePtr& parent, const std::shared_ptr<const Listing>& listing);
  void HeadEnded(const NodePtr& parent, const std::string& name);
  void HeadInBackground(const NodePtr& parent, const Tree::View& view);
  Fact FactOf(const std::string& key, const s3::ObjectInfo& info) const;
  Fact ImplicitFact() const;

  // whole_listing.cc
  bool MayListWhole(const Directory& directory) const REQUIRES(tree_.mu);
  bool PagesPay(Directory& directory) const REQUIRES(tree_.mu);
  void ListPages(const NodePtr& directory);
  Status ListWhole(const NodePtr& directory, const ListedAheadPtr& ahead = nullptr);
  Status ListWholeNow(const NodePtr& directory);

  // sealed_guard.cc
  NodePtr ToAskAbout(const NodePtr& directory, Entering entering) const REQUIRES(tree_.mu);
  NodePtr SealedAbove(const NodePtr& directory) const REQUIRES(tree_.mu);
  Status AskAbout(const NodePtr& directory);
  // Of the directory that `node` is or stands in.
  Status EnterToChange(const NodePtr& node);
  Error Closed(const std::string& key, Entering entering);
  bool FirstClosed(const std::string& key, std::uint64_t FilesystemStats::*counter);

  // directory_stream.cc
  Status StartStream(DirectoryStream& stream);
  Status BeginStream(DirectoryStream& stream);
  Status NextPage(DirectoryStream& stream);
  Status ExpectSealed(const NodePtr& node, const std::string& key, const s3::ListPage& page);
  Result<std::optional<DirectoryEntry>> NextEntry(DirectoryStream& stream, std::uint64_t offset,
                                                  bool with_entry);
  DirectoryEntry DotEntry(const DirectoryStream& stream, std::uint64_t offset);
  Result<const ListedName*> ListedAt(DirectoryStream& stream, std::uint64_t at);
  void FinishStream(DirectoryStream& stream);
  DirectoryEntry EntryFor(DirectoryStream& stream, const ListedName& listed, bool with_entry);
  void CollectExtras(DirectoryStream& stream) REQUIRES(tree_.mu);
  static std::uint64_t AskedAt(const DirectoryStream& stream);
  bool IsStale(const DirectoryStream& stream, const std::string& name) const REQUIRES(tree_.mu);
  void CountHidden(const std::vector<std::string>& keys);

  // following.cc
  // What somebody who goes through a directory comes to next, as far as that is known.
  struct Upcoming {
    NodePtr parent;
    std::string directory_key;
    std::shared_ptr<const Listing> listing;
    OpenOrder::Plan plan;
    BodyAhead::RunPtr run;
  };
  using KindOf = OpenOrder::Kind (Impl::*)(const Node& parent, const ListedName& listed) const;
  Upcoming Follow(const NodePtr& node, std::unique_ptr<OpenOrder> Directory::*order, KindOf kind,
                  std::size_t widest);
  bool IsCurrent(const Upcoming& next) const REQUIRES(tree_.mu);

  // small_files.cc
  Status PrimeSmall(Handle& handle);
  Result<s3::Fetched> FetchSmall(const Handle& handle, const std::string& key,
                                 const FileVersion& version);
  s3::Range SmallRange(std::uint64_t size) const;
  OpenOrder::Kind KindToOpen(const Node& parent, const ListedName& listed) const REQUIRES(tree_.mu);
  void FetchNext(const NodePtr& node);
  bool FetchAhead(const Upcoming& next, const Tree::View& view, const ListedName& listed);
  void OpenFailed(const NodePtr& node);

  // list_ahead.cc
  class Borrowed;
  OpenOrder::Kind KindToEnter(const Node& parent, const ListedName& listed) const
      REQUIRES(tree_.mu);
  std::optional<NodePtr> ExpectReader(const Upcoming& next, std::size_t position)
      REQUIRES(tree_.mu);
  void ListSoon(const NodePtr& directory);
  void ListNext(const NodePtr& node);
  void ListInBackground(const NodePtr& directory, const std::shared_ptr<Borrowed>& held,
                        const ListedAheadPtr& ahead);
  void CameTo(Directory& directory, const ListedAheadPtr& ahead, bool in_time) REQUIRES(tree_.mu);
  void WentPast(const Upcoming& next);
  void AwaitListing(Directory& directory) REQUIRES(tree_.mu);

  // open.cc
  void NoteReplaced(const NodePtr& node, const std::string& key, const FileVersion& version);
  void WaitWhileMoving(const NodePtr& node);
  Status FlushWriter(const Handle& handle, const Caller& caller);
  Status SendAll(const NodePtr& node, std::shared_ptr<OpenFile> file);
  NodePtr NewFileNode(const NodePtr& parent, const std::string& name, const Attributes& attributes,
                      DataKeyPtr data_key) REQUIRES(tree_.mu);
  Attributes NewAttributes(FileType type, std::uint32_t mode, const Caller& caller) const;
  void Touch(OpenFile& file) REQUIRES(tree_.mu);
  Result<std::vector<Slice>> ReadWhileWriting(OpenFile& file, std::uint64_t offset,
                                              std::size_t size);
  Result<OpenReply> OpenForWriting(const NodePtr& node, int flags, const Caller& caller);
  Status ProveForWriting(const NodePtr& node, int flags);
  Status CheckRestored(const NodePtr& node);
  Result<DataKeyPtr> DataKeyFor(const NodePtr& node);
  Result<std::shared_ptr<OpenFile>> JoinOrStart(const NodePtr& node, int flags, DataKeyPtr data_key,
                                                bool* started);
  Status PrepareContent(OpenFile& file, int flags, bool started);
  HandleId AddHandle(std::shared_ptr<Handle> handle);
  std::shared_ptr<Reader> ReaderFor(Handle& handle);
  bool LooksLikeLastClose(const Handle& handle, const Caller& caller) const;
  bool SharesNumber(const Handle& handle) const;

  // commit.cc
  Status CommitTurn(OpenFile& file);
  Status CheckCommit(const OpenFile& file);
  void FollowName(OpenFile& file);
  void OfferMetadata(OpenFile& file);
  void Committed(OpenFile& file, const s3::Written& written);
  Result<std::string> PutAside(const OpenFile& file, const RescueReason& reason,
                               const Bytes& bytes);
  Error Failed(OpenFile& file, Error error);
  Fact FactFrom(const Node& node) const REQUIRES(tree_.mu);
  s3::ContentHeaders HeadersFor(const std::string& key) const;
  void ForgetFailed(Node& node);

  // namespace.cc
  // The key of a name to be made; refuses what cannot be one.
  Result<std::string> NewName(const NodePtr& parent, std::string_view name,
                              std::string_view suffix) const;
  NodePtr MadeHere(const NodePtr& parent, const std::string& name, Fact fact,
                   const s3::Written& written, const s3::NewObject& sent);
  Result<std::string> MarkerOfEmpty(const NodePtr& node, const std::string& key);
  bool HasFolderMarker(const Node& parent, const std::string& name) const;
  void Removed(const NodePtr& parent, const NodePtr& node) REQUIRES(tree_.mu);
  void KeepIfImplicit(const NodePtr& directory) REQUIRES(tree_.mu);

  // rename.cc
  struct Renaming;
  class MovingMark;
  Status CheckReplace(Renaming& renaming);
  Status RenameFile(Renaming& renaming);
  Result<s3::CopyRequest> CopyForRename(const Renaming& renaming);
  Result<s3::Written> RenameAtOnce(const Renaming& renaming, s3::CopyRequest& copy);
  Result<s3::Written> CopyAndDelete(const s3::CopyRequest& copy);
  void FileRenamed(const Renaming& renaming, const s3::CopyRequest& copy,
                   const s3::Written& written);
  void Renamed(const Renaming& renaming) REQUIRES(tree_.mu);
  Status RenameDirectory(Renaming& renaming);
  std::vector<std::shared_ptr<OpenFile>> WritersBelow(const NodePtr& directory);
  std::set<std::string> NamesBelow(const Renaming& renaming,
                                   const std::vector<std::shared_ptr<OpenFile>>& files);
  void FollowCopy(OpenFile& file, const CopiedVersion& copy);
  void ForgetTrees(const Renaming& renaming);
  void ForgetNumbers(const NodePtr& node);

  // attribute_changes.cc
  AttributesReply AttributesAsShown(const Node& node) const;
  Status ChangeOpenOrClosed(const NodePtr& node, const AttributeChange& change);
  Status ChangeClosed(const NodePtr& node, const AttributeChange& change);
  void ChangeOpenFile(OpenFile& file, const AttributeChange& change);
  Status ChangeSize(const NodePtr& node, std::uint64_t size);
  Status LearnAttributes(const NodePtr& node);
  Status LearnBeforeChange(const NodePtr& node);
  void Wait(const NodePtr& node) REQUIRES(tree_.mu);
  void ArmTimer(std::chrono::milliseconds delay) REQUIRES(tree_.mu);
  void SendDue();
  std::vector<NodePtr> TakeDue();
  void SendTimed(const NodePtr& node);
  std::unique_ptr<ChangeGate::Hold> HoldName(const Node& node, ChangeGate::IfBusy if_busy);
  bool IsWaiting(const Node& node) const;
  Status SendHeld(const NodePtr& node, OpenFile* held);
  std::vector<NodePtr> WaitingBelow(const NodePtr& directory);
  Status WaitingFailed(Node& node, const std::string& key, Error error) REQUIRES(tree_.mu);
  Status TakeDeferredError(const NodePtr& node);
  s3::Metadata MetadataOf(const Node& node, s3::Metadata metadata) const REQUIRES(tree_.mu);
  Result<std::shared_ptr<const s3::ObjectInfo>> ObjectOf(const NodePtr& node,
                                                         const std::string& key);
  // What a change of attributes made of the object.
  struct SentCopy {
    FileVersion version;
    s3::Written written;
  };
  Result<SentCopy> SendCopy(const NodePtr& node, const std::string& key);
  Result<SentCopy> SendMarker(const NodePtr& node, const std::string& key);
  static s3::NewObject MarkerObject();

  // xattrs.cc
  Result<std::string> SealedField(const NodePtr& node, const std::string& key,
                                  std::string_view field);
  Result<Xattrs> XattrsOf(const NodePtr& node, const std::string& key);
  Status KeepXattrs(const NodePtr& node, OpenFile* file, const Xattrs& xattrs);

  // worm.cc
  Result<bool> ChangeAsWorm(const NodePtr& node, const AttributeChange& change);
  Result<bool> CommitWorm(const NodePtr& node, const AttributeChange& change);
  TimeNs ShownAccessTime(const Node& node) const REQUIRES(tree_.mu);

  // locked_files.cc
  // One setting of a lock, by whichever way.
  struct LockChange {
    std::optional<bool> hold = {};
    std::optional<std::string> mode = {};
    std::optional<std::int64_t> until_s = {};
    bool frees = false;            // the file shall not be locked afterwards
    std::string mode_if_new = {};  // of retention that begins; "" for governance
  };
  std::int64_t ServerSeconds() const;
  std::optional<LockState> LockRead(const s3::Lock& lock, std::int64_t taken_s) const;
  LockState LockOfMade(const s3::Written& written) const;
  void KeepLock(Fact& fact, const LockState& lock) const;
  void ShowLockOfMade(Node& node, const s3::Written& written) const REQUIRES(tree_.mu);
  bool IsLocked(const Node& node) const REQUIRES(tree_.mu);
  bool IsLockedFor(const Node& node, const OpenFile& file) const REQUIRES(tree_.mu);
  std::optional<s3::Lock> GivenToJustMade(const Node& node) const REQUIRES(tree_.mu);
  std::uint32_t ModeOf(const Node& node) const REQUIRES(tree_.mu);
  void LearnLock(const NodePtr& node, const std::string& key, const s3::ObjectInfo& info);
  Status CheckUnlocked(const NodePtr& node);
  Status CheckStillUnlocked(const NodePtr& node, const std::string& key,
                            const std::optional<s3::Lock>& given);
  Result<bool> IsNoChange(const NodePtr& node, const AttributeChange& change);
  Result<LockReading> LookAtLock(const NodePtr& node);
  Result<std::string> GetLockXattr(const NodePtr& node, std::string_view field);
  Status SetLockXattr(NodeId id, std::string_view field, std::optional<std::string_view> value);
  Status ChangeLock(NodeId id, const LockChange& change);
  Result<s3::Lock> WantedLock(const LockChange& change, const s3::ObjectInfo& now);
  Result<s3::ObjectInfo> PutLock(const std::string& key, const s3::ObjectInfo& now,
                                 const s3::Lock& wanted);

  // A node that LookupNode handed out for the time of one call.
  class Borrowed {
   public:
    Borrowed(Impl& impl, NodePtr node) : impl_(impl), node_(std::move(node)) {}
    ~Borrowed() {
      const Lock lock(impl_.tree_.mu);
      impl_.tree_.Forget(node_->id, 1);
    }
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;

   private:
    Impl& impl_;
    const NodePtr node_;
  };

  // filesystem.cc
  std::uint64_t Failures() const;

  mutable Mutex handles_mu_;
  HandleId next_handle_ GUARDED_BY(handles_mu_) = 1;
  std::unordered_map<HandleId, std::shared_ptr<Handle>> handles_ GUARDED_BY(handles_mu_);
  std::unordered_map<HandleId, std::shared_ptr<DirectoryStream>> streams_ GUARDED_BY(handles_mu_);

  mutable Mutex stats_mu_;
  FilesystemStats stats_ GUARDED_BY(stats_mu_);
  std::unordered_map<std::string, bool> hidden_seen_ GUARDED_BY(stats_mu_);
  std::set<std::string> closed_seen_ GUARDED_BY(stats_mu_);  // keys, of sealed files and volumes

  std::unordered_map<NodeId, NodePtr> waiting_ GUARDED_BY(tree_.mu);  // changes not sent yet
  bool timer_set_ GUARDED_BY(tree_.mu) = false;
  std::atomic<std::size_t> lists_under_way_{0};  // of directories that somebody will read
  Background background_;                        // last: its tasks use everything above
};

}  // namespace coffer::fs
