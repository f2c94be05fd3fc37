// Names to nodes: what is known, what must be asked, and how few requests that takes.

#include <algorithm>
#include <utility>

#include "fs/filesystem_impl.h"
#include "fs/on_exit.h"
#include "fs/path.h"
#include "fs/volume_signs.h"

namespace coffer::fs {
namespace {

// A listing vouches for a subdirectory but not for its marker's attributes.
constexpr std::chrono::seconds kMarkerTtl{60};
// A listing is good for as long as its stream is being read, but not for ever.
constexpr std::chrono::minutes kLongestStream{5};
constexpr std::uint64_t kHeadsBeforeWarning = 10'000;
// What user metadata says beyond the attributes, or null: most objects have nothing more.
std::shared_ptr<const s3::Metadata> ExtraOf(const s3::Metadata& metadata) {
  s3::Metadata extra = WithoutAttributes(metadata);
  if (extra.empty()) return nullptr;
  return std::make_shared<const s3::Metadata>(std::move(extra));
}

// Names that a listing shows beside the one that is looked up: "key-1" and "key.txt" stand before
// what is below "key/".
constexpr int kNeighbours = 32;

// What a listing of everything that begins with a key says of it.
struct Neighbours {
  bool key = false;                            // the key itself is there
  bool directory = false;                      // something is below "key/"
  bool marker = false;                         // "key/" itself
  bool unclear = false;                        // more names stand before "key/" than the page holds
  HoldsSealed sealed = HoldsSealed::kUnknown;  // of "key/"
};

// The page holds all that begins with `key` up to its last name, if `sorted`.
HoldsSealed JudgeSealed(const s3::ListPage& page, const std::string& below, bool sorted) {
  const std::string descriptor = DescriptorKey(below);
  for (const auto& object : page.objects) {
    if (object.key == descriptor) return HoldsSealed::kYes;
  }
  const bool past = page.next_token.empty() ||
                    (sorted && !page.objects.empty() && page.objects.back().key > descriptor);
  return past ? HoldsSealed::kNo : HoldsSealed::kUnknown;
}

Neighbours Judge(const s3::ListPage& page, const std::string& key, bool sorted) {
  const std::string below = key + "/";
  Neighbours found;
  found.sealed = JudgeSealed(page, below, sorted);
  for (const auto& object : page.objects) {
    found.key = found.key || object.key == key;
    found.directory = found.directory || object.key.starts_with(below);
    found.marker = found.marker || object.key == below;
  }
  found.unclear = !found.directory && !page.next_token.empty() && !page.objects.empty() &&
                  page.objects.back().key < below;
  return found;
}

}  // namespace

Result<EntryReply> Filesystem::Impl::Lookup(NodeId parent_id, std::string_view name) {
  COFFER_ASSIGN(const NodePtr parent, FindDirectory(parent_id));
  COFFER_ASSIGN(const NodePtr node, LookupNode(parent, name));
  const Lock lock(tree_.mu);
  return ReplyFor(*node);
}

std::chrono::nanoseconds Filesystem::Impl::AbsentFor(NodeId parent_id,
                                                     const std::string& name) const {
  const Lock lock(tree_.mu);
  const NodePtr parent = tree_.Find(parent_id);
  if (!parent || !parent->directory) return {};
  const Tree::View view = tree_.Consult(*parent, name, Now());
  if (view.kind != Tree::View::Kind::kFact || view.fact.present) return {};
  const auto left = std::chrono::nanoseconds(view.fact.valid_until - Now());
  return std::clamp(left, {}, std::chrono::nanoseconds(options_.negative_ttl));
}

Result<NodePtr> Filesystem::Impl::LookupNode(const NodePtr& parent, std::string_view view) {
  if (view.size() > kMaxName) return Error{Code::kNameTooLong, "name over 255 bytes"};
  if (!IsName(view)) return Error{Code::kNotFound, "not a name"};
  const std::string name(view);
  COFFER_TRY(Enter(parent, Entering::kToSee));
  for (;;) {
    COFFER_ASSIGN(NodePtr ahead, AheadOfS3(parent, name));
    if (ahead) return ahead;
    COFFER_ASSIGN(const Answer answer, Resolve(parent, name));
    COFFER_TRY(Enter(parent, Entering::kToSee));  // a listing for the answer may have told
    const Lock lock(tree_.mu);
    const NodePtr child = tree_.Child(*parent, name);
    // A rename or another local change while we asked: what that made of the name counts.
    if (tree_.Moving(child ? *child : *parent)) continue;
    if (tree_.Overridden(*parent, name, answer.asked_at)) continue;
    if (answer.fact.present) return tree_.Adopt(parent, name, answer.fact);
    if (child && !child->writing) tree_.Detach(*child);
    return Error{Code::kNotFound, "no such name"};
  }
}

// The node, looked up once more, of what is open here for writing, or changed and not sent: that is
// known better here than in S3. Null for any other name.
Result<NodePtr> Filesystem::Impl::AheadOfS3(const NodePtr& parent, const std::string& name) {
  const Lock lock(tree_.mu);
  NodePtr child = tree_.Child(*parent, name);
  while (tree_.Moving(child ? *child : *parent)) {
    tree_.changed.Wait(tree_.mu);
    child = tree_.Child(*parent, name);
  }
  if (parent->gone) return Error{Code::kChanged, "the directory is gone"};
  if (tree_.ChildKey(*parent, name).size() > kMaxKey) {
    return Error{Code::kNameTooLong, "object keys have at most 1024 bytes"};
  }
  if (!child || !(child->writing || child->waiting)) return NodePtr();
  ++child->lookups;
  return child;
}

// Whoever goes on reading the directory is still shown what its stream was, also while all that is
// asked for was asked ahead. Not who waits for a name to come.
void Filesystem::Impl::KeepListingOfStream(Directory& directory, const std::string& name) const {
  if (directory.streams == 0 || !directory.listing || Now() >= directory.listed_until) return;
  if (directory.listing->Find(name) == nullptr) return;
  const s3::SteadyTime latest = directory.listed_at + kLongestStream;
  directory.listed_until =
      std::max(directory.listed_until, std::min(Until(options_.metadata_ttl), latest));
}

Result<Filesystem::Impl::Answer> Filesystem::Impl::Resolve(const NodePtr& parent,
                                                           const std::string& name) {
  Tree::View view;
  {
    const Lock lock(tree_.mu);
    while (parent->directory->heads.contains(name)) tree_.changed.Wait(tree_.mu);
    KeepListingOfStream(*parent->directory, name);
    view = tree_.Consult(*parent, name, Now());
  }
  if (view.kind == Tree::View::Kind::kFact) return Answer{view.fact, view.asked_at};
  if (view.kind == Tree::View::Kind::kListed) return AttributesOfListed(parent, view);
  return AskForName(parent, name);
}

// --- names that a listing shows ---

Result<Filesystem::Impl::Answer> Filesystem::Impl::AttributesOfListed(const NodePtr& parent,
                                                                      const Tree::View& view) {
  const std::string& name = view.listed.name;
  std::string key;
  {
    const Lock lock(tree_.mu);
    key = tree_.ChildKey(*parent, name);
    if (view.listed.directory) key += '/';
  }
  if (auto known = FactFromIndex(key, view.listed, view.listed_until)) {
    return Answer{std::move(*known), view.asked_at};
  }
  StartAhead(parent, name);
  COFFER_ASSIGN(Fact fact, HeadListed(key, view.listed));
  const Lock lock(tree_.mu);
  tree_.Learn(*parent, name, fact, view.asked_at);
  return Answer{std::move(fact), view.asked_at};
}

// What the index adds to a listing is good for as long as the listing is: `until`.
std::optional<Fact> Filesystem::Impl::FactFromIndex(const std::string& key,
                                                    const ListedName& listed,
                                                    s3::SteadyTime until) {
  Fact fact;
  fact.present = true;
  if (listed.directory) {
    // Only a HEAD tells whether an implicit directory got a marker meanwhile.
    if (options_.exact_attributes) return std::nullopt;
    fact = ImplicitFact();
    fact.valid_until = until;
    fact.marker_until = Until(kMarkerTtl);
    return fact;
  }
  if (listed.unsound) return std::nullopt;
  fact.valid_until = until;
  fact.version = listed.version;
  fact.archived = listed.archived;
  s3::Metadata metadata;
  std::optional<LockState> lock;
  if (options_.exact_attributes) {
    const auto row = parts_.index.Find(
        {key, listed.version.etag, listed.version.last_modified_s, listed.version.size});
    if (!row) return std::nullopt;
    metadata = row->metadata;
    if (options_.locks.enabled) {
      lock = LockRead(row->lock, row->taken_s);
      if (!lock) return std::nullopt;  // only a HEAD tells what became of the lock
    }
  }
  fact.attributes = FromMetadata(key, metadata, listed.version.last_modified_s, options_.defaults);
  fact.extra = ExtraOf(metadata);
  KeepLock(fact, lock.value_or(LockState{}));
  return fact;
}

// What is sealed in the bucket does not go to the local disk in the clear.
void Filesystem::Impl::KeepInIndex(const std::string& key, const s3::ObjectInfo& info) {
  const bool opened = parts_.sealer != nullptr && info.metadata.contains(kXattrField);
  if (!opened) parts_.index.Store(key, info);
}

Result<Fact> Filesystem::Impl::HeadListed(const std::string& key, const ListedName& listed) {
  std::uint64_t heads = 0;
  {
    const Lock lock(stats_mu_);
    heads = ++stats_.heads_for_attributes;
  }
  if (heads == kHeadsBeforeWarning) {
    parts_.observer.Warn(
        "10,000 HEAD requests were sent for modes and owners, which AWS charges "
        "for as for GETs; they are remembered in the index, and "
        "--attributes=list does without them");
  }
  auto info = parts_.store.Head(key, {});
  if (info) {
    KeepInIndex(key, *info);
    return FactOf(key, *info);
  }
  if (info.error().code != Code::kNotFound) return std::move(info).error();
  if (listed.directory) {
    Fact fact = ImplicitFact();
    fact.marker_until = Until(kMarkerTtl);
    return fact;
  }
  Fact gone;
  gone.valid_until = Until(options_.negative_ttl);
  return gone;
}

void Filesystem::Impl::StartAhead(const NodePtr& parent, const std::string& name) {
  if (!options_.exact_attributes || options_.metadata_ttl.count() == 0) return;
  std::vector<Tree::View> ahead;
  std::size_t started = 0;
  std::shared_ptr<const Listing> to_sort;
  const OnExit rest([&] {
    while (started < ahead.size()) HeadEnded(parent, ahead[started++].listed.name);
  });
  {
    const Lock lock(tree_.mu);
    Directory& directory = *parent->directory;
    if (!directory.listing) return;
    const HeadAhead::Plan plan = directory.ahead.Next(directory.listing, name);
    if (plan.wants_inode_order && !directory.listing->growing) to_sort = directory.listing;
    for (const std::size_t at : plan.positions) {
      const ListedName& listed = directory.listing->names[at];
      if (listed.hidden() || directory.heads.contains(listed.name)) continue;
      Tree::View view = tree_.Consult(*parent, listed.name, Now());
      if (view.kind != Tree::View::Kind::kListed) continue;
      ahead.push_back(std::move(view));
      directory.heads.insert(listed.name);
      ++directory.questions;
    }
  }
  for (; started < ahead.size(); ++started) {
    background_.Now(parts_.pool,
                    [this, parent, view = ahead[started]] { HeadInBackground(parent, view); });
  }
  if (to_sort) SortByInode(parent, to_sort);
}

// Of 200,000 names that takes a while, in which others may look names up.
void Filesystem::Impl::SortByInode(const NodePtr& parent,
                                   const std::shared_ptr<const Listing>& listing) {
  std::string key;
  {
    const Lock lock(tree_.mu);
    key = tree_.Key(*parent);
  }
  HeadAhead::InodeOrder order = HeadAhead::OrderByInode(*listing, key);
  const Lock lock(tree_.mu);
  parent->directory->ahead.TakeInodeOrder(listing, std::move(order));
}

void Filesystem::Impl::HeadEnded(const NodePtr& parent, const std::string& name) {
  const Lock lock(tree_.mu);
  if (parent->directory->heads.erase(name) > 0) --parent->directory->questions;
  tree_.changed.NotifyAll();
}

// The view was good when it was taken; the index answers for that, not for what was made of the
// name since.
void Filesystem::Impl::HeadInBackground(const NodePtr& parent, const Tree::View& view) {
  const ListedName& listed = view.listed;
  const OnExit ended([&] { HeadEnded(parent, listed.name); });
  std::string key;
  {
    const Lock lock(tree_.mu);
    key = tree_.ChildKey(*parent, listed.name);
    if (listed.directory) key += '/';
  }
  std::optional<Fact> fact = FactFromIndex(key, listed, view.listed_until);
  if (!fact) {
    // A failure is not remembered: whoever looks the name up asks again and is told.
    if (auto asked = HeadListed(key, listed)) fact = std::move(asked).value();
  }
  const Lock lock(tree_.mu);
  if (fact) tree_.Learn(*parent, listed.name, std::move(*fact), view.asked_at);
}

// --- names that nothing is known of ---

Result<Filesystem::Impl::Answer> Filesystem::Impl::AskForName(const NodePtr& parent,
                                                              const std::string& name) {
  bool whole = false;
  bool known = false;
  bool pages = false;
  {
    const Lock lock(tree_.mu);
    Directory& directory = *parent->directory;
    whole = MayListWhole(directory);
    known = tree_.Child(*parent, name) != nullptr || directory.doubtful.erase(name) > 0;
    if (!whole) ++directory.misses;
    pages = PagesPay(directory);
  }
  if (pages) ListPages(parent);
  if (whole) {
    COFFER_TRY(ListWhole(parent));
    // Large after all, or nothing else to go by: then the name alone is asked for.
    const Lock lock(tree_.mu);
    if (parent->directory->pages > 1 || !parent->directory->listing) parent->directory->misses = 0;
    const Tree::View view = tree_.Consult(*parent, name, Now());
    if (view.kind == Tree::View::Kind::kFact) return Answer{view.fact, view.asked_at};
  }
  if (whole) return Resolve(parent, name);
  const Question question(tree_, parent);
  std::string key;
  {
    const Lock lock(tree_.mu);
    key = tree_.ChildKey(*parent, name);
  }
  COFFER_ASSIGN(Fact fact, AskBoth(key, known));
  const Lock lock(tree_.mu);
  if (!fact.present && parent->directory->kept.contains(name)) fact = ImplicitFact();
  tree_.Learn(*parent, name, fact, question.asked_at());
  return Answer{std::move(fact), question.asked_at()};
}

// HEAD of the file and LIST of what begins with its name, side by side. The listing says whether it
// is a directory, and has to agree before the file is said to be gone.
Result<Fact> Filesystem::Impl::AskBoth(const std::string& key, bool known) {
  s3::ListRequest beside;
  beside.delimited = false;
  // A listing in no order takes no prefix but a directory's.
  beside.prefix = options_.sorted_listings ? key : key + "/";
  beside.max_keys = options_.sorted_listings ? kNeighbours : 1;
  // Whatever ends the task early must not look like an empty page.
  Result<s3::ListPage> page = Error{Code::kNoMemory, "list: cut short"};
  TaskGroup listing(parts_.pool, 1);
  listing.Add([&] { page = parts_.store.List(beside); });
  s3::ReadCondition whatever;
  whatever.confirm_absence = false;
  auto head = parts_.store.Head(key, whatever);
  listing.Wait();
  Neighbours found;
  if (page) found = Judge(*page, key, options_.sorted_listings);
  if (found.unclear) {
    beside.prefix = key + "/";
    page = parts_.store.List(beside);
    const Neighbours below = page ? Judge(*page, key, options_.sorted_listings) : Neighbours();
    found.directory = below.directory;
    found.marker = below.marker;
    found.sealed = below.sealed;
  }
  if (found.directory) {
    if (head) CountHidden({key});
    COFFER_ASSIGN(Fact directory, AskedDirectory(key + "/", found.marker));
    directory.sealed = found.sealed;
    return directory;
  }
  if (head) {
    // Without the right to list, a directory of that name would be invisible anyway.
    KeepInIndex(key, *head);
    return FactOf(key, *head);
  }
  // To who may list but not read a 403 says nothing of whether the key is there; the listing does.
  const bool denied = head.error().code == Code::kDenied;
  if (head.error().code != Code::kNotFound && !denied) return std::move(head).error();
  if (denied && (!page || found.key)) return std::move(head).error();
  if (!page) return std::move(page).error();
  if (known || found.key || !options_.sorted_listings) {
    auto again = parts_.store.Head(key, {});  // believed when a listing of its own agrees
    if (again) return FactOf(key, *again);
    if (again.error().code != Code::kNotFound) return std::move(again).error();
  }
  Fact gone;
  gone.valid_until = Until(options_.negative_ttl);
  return gone;
}

Result<Fact> Filesystem::Impl::AskedDirectory(const std::string& key, bool marker) {
  ListedName directory;
  directory.directory = true;
  if (marker && options_.exact_attributes) return HeadListed(key, directory);
  Fact fact = ImplicitFact();
  fact.marker = marker;
  fact.marker_until = Until(kMarkerTtl);
  return fact;
}

// --- facts and replies ---

Fact Filesystem::Impl::FactOf(const std::string& key, const s3::ObjectInfo& info) const {
  Fact fact;
  fact.present = true;
  fact.attributes = FromMetadata(key, info.metadata, info.last_modified_s, options_.defaults);
  if (fact.attributes.type == FileType::kSymlink && info.size > kLargestSymlink) {
    fact.attributes.type = FileType::kFile;
  }
  fact.version = {info.etag, info.version_id, info.size, info.last_modified_s, info.storage_class};
  fact.archived = info.archived;
  fact.marker = fact.attributes.type == FileType::kDirectory;
  fact.extra = ExtraOf(info.metadata);
  fact.valid_until = Until(options_.metadata_ttl);
  fact.marker_until = Until(kMarkerTtl);
  KeepLock(fact, LockRead(info.lock, info.server_date_s).value_or(LockState{}));
  return fact;
}

Fact Filesystem::Impl::ImplicitFact() const {
  Fact fact;
  fact.present = true;
  const auto now = parts_.server_time.Now().time_since_epoch();
  fact.attributes = ImplicitDirectory(options_.defaults, now.count());
  fact.valid_until = Until(options_.metadata_ttl);
  return fact;
}

std::chrono::nanoseconds Filesystem::Impl::TtlOf(const Node& node) const {
  if (node.writing || node.waiting || !node.parent) return options_.metadata_ttl;
  return std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(node.valid_until - Now()));
}

EntryReply Filesystem::Impl::ReplyFor(const Node& node) const {
  return {node.id, StatOf(node), TtlOf(node)};
}

NodeStat Filesystem::Impl::StatOf(const Node& node) const {
  NodeStat stat;
  stat.ino = node.parent ? InodeNumber(tree_.Key(node)) : kRootNode;
  stat.attributes = node.attributes;
  stat.attributes.mode = ModeOf(node);
  stat.attributes.atime = ShownAccessTime(node);
  stat.size = node.is_directory() ? 0 : node.version.size;
  return stat;
}

// --- nodes that the kernel holds already ---

Status Filesystem::Impl::Revalidate(const NodePtr& node, bool even_if_fresh) {
  for (;;) {
    NodePtr parent;
    std::string name;
    {
      const Lock lock(tree_.mu);
      while (tree_.Moving(*node)) tree_.changed.Wait(tree_.mu);
      if (node->gone) return Error{Code::kChanged, "replaced or removed"};
      if (node->writing || node->waiting || !node->parent) return Ok();
      if (!even_if_fresh && Now() < node->valid_until) return Ok();
      parent = node->parent;
      name = node->name;
      if (even_if_fresh) ForgetFacts(*parent, name);
    }
    auto found = LookupNode(parent, name);
    const Lock lock(tree_.mu);
    if (found) tree_.Forget((*found)->id, 1);
    if (node->parent != parent || node->name != name) continue;  // renamed here meanwhile
    if (!found) return std::move(found).error();
    if (*found != node) return Error{Code::kChanged, "another version has this name now"};
    return Ok();
  }
}

// Nothing that is remembered of the name shall answer.
void Filesystem::Impl::ForgetFacts(Node& directory, const std::string& name) {
  directory.directory->facts.erase(name);
  directory.directory->doubtful.insert(name);
  directory.directory->listed_until = directory.directory->complete_until = {};
}

// As Revalidate, but whoever has the file open may go on with what was opened, whatever became of
// its name.
Status Filesystem::Impl::RevalidateUnlessOpen(const NodePtr& node,
                                              const std::optional<HandleId>& handle) {
  Status fresh = Revalidate(node, false);
  if (fresh) return fresh;
  const Code code = fresh.error().code;
  if (code != Code::kChanged && code != Code::kNotFound) return fresh;
  const Lock lock(tree_.mu);
  if (handle || (!node->directory && node->readers > 0)) return Ok();
  return fresh;
}

Result<AttributesReply> Filesystem::Impl::GetAttributes(NodeId id, std::optional<HandleId> handle) {
  COFFER_ASSIGN(const NodePtr node, FindNode(id));
  COFFER_TRY(RevalidateUnlessOpen(node, handle));
  return AttributesAsShown(*node);
}

}  // namespace coffer::fs
