// readdir: a directory is listed page by page as it is read, and every name goes out once.
//
// Offsets: 1 and 2 are past "." and "..", then one for each listed name, then one for each name
// that only this mount knows of.

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "fs/filesystem_impl.h"
#include "fs/path.h"
#include "fs/volume_signs.h"

namespace coffer::fs {
namespace {

constexpr std::uint64_t kDotEntries = 2;
constexpr std::size_t kHiddenExamples = 20;
constexpr std::size_t kHiddenRemembered = 10'000;

}  // namespace

Result<HandleId> Filesystem::Impl::OpenDirectory(NodeId id) {
  COFFER_ASSIGN(const NodePtr node, FindDirectory(id));
  COFFER_TRY(Enter(node, Entering::kToSee));
  auto stream = std::make_shared<DirectoryStream>();
  stream->node = node;
  {
    const Lock lock(tree_.mu);
    ++node->readers;
    ++node->directory->streams;
  }
  const Lock lock(handles_mu_);
  const HandleId handle = next_handle_++;
  streams_.emplace(handle, std::move(stream));
  return handle;
}

void Filesystem::Impl::ReleaseDirectory(HandleId id) {
  auto found = FindStream(id);
  if (!found) return;
  DirectoryStream& stream = **found;
  {
    const Lock lock(handles_mu_);
    streams_.erase(id);
  }
  const Lock lock(tree_.mu);
  Directory& directory = *stream.node->directory;
  if (stream.builder) --directory.questions;  // never read to its end
  // What it was shown is good for the time to live from the end of the stream on. Names that the
  // listing lacks may have been made since: for them it runs from its first page.
  --directory.streams;
  if (stream.listing && directory.listing == stream.listing && Now() < directory.listed_until) {
    directory.listed_until = Until(options_.metadata_ttl);
  }
  --stream.node->readers;
  tree_.DropIfUnused(stream.node);
}

Status Filesystem::Impl::StartStream(DirectoryStream& stream) {
  ListNext(stream.node);
  {
    const Lock lock(tree_.mu);
    AwaitListing(*stream.node->directory);
  }
  Status begun = BeginStream(stream);
  if (begun && !stream.listing) begun = NextPage(stream);
  // What comes in no order is shown when all of it is there.
  while (begun && stream.more && !options_.sorted_listings) begun = NextPage(stream);
  if (!begun) stream.started = false;
  return begun;
}

// With the listing that is held, where it is good; else the first page has to be asked for.
Status Filesystem::Impl::BeginStream(DirectoryStream& stream) {
  {
    const Lock lock(tree_.mu);
    while (tree_.Moving(*stream.node)) tree_.changed.Wait(tree_.mu);
    Directory& directory = *stream.node->directory;
    if (stream.builder) --directory.questions;  // rewound half-way
    stream.listing = nullptr;
    stream.builder = nullptr;
    stream.extras.clear();
    stream.extras_from = 0;
    stream.pages = 0;
    stream.started = true;
    stream.more = !(directory.listing && Now() < directory.complete_until);
    if (stream.more) {
      stream.builder = std::make_unique<ListingBuilder>(tree_.Key(*stream.node), directory.changes);
      ++directory.questions;
      stream.next_token.clear();
      return Ok();
    }
    stream.listing = directory.listing;
    CollectExtras(stream);
  }
  // It may have been listed since the directory was opened, and have told of a sealed volume.
  return Enter(stream.node, Entering::kToSee);
}

Status Filesystem::Impl::NextPage(DirectoryStream& stream) {
  s3::ListRequest request;
  {
    const Lock lock(tree_.mu);
    while (tree_.Moving(*stream.node)) tree_.changed.Wait(tree_.mu);
    request.prefix = tree_.Key(*stream.node);
  }
  request.token = stream.next_token;
  auto page = parts_.store.List(request);
  if (!page) return std::move(page).error();
  {
    // A page of a directory that was renamed meanwhile may lack half of its names.
    const Lock lock(tree_.mu);
    const std::uint64_t asked_at = stream.builder->listing().asked_at;
    if (tree_.Moving(*stream.node) || asked_at < stream.node->directory->expired_at) {
      return Error{Code::kChanged, "the directory was renamed while it was read"};
    }
  }
  COFFER_TRY(ExpectSealed(stream.node, request.prefix, *page));
  if (++stream.pages == 1) stream.complete_until = Until(options_.metadata_ttl);
  stream.next_token = page->next_token;
  stream.more = !stream.next_token.empty();
  {
    const Lock lock(tree_.mu);
    stream.builder->Add(*page);
    // What comes in no order is sorted when all of it is there; of a single page all is there.
    if (options_.sorted_listings && stream.more) {
      tree_.ShowPages(*stream.node, stream.builder->shared(), stream.pages + 1,
                      Until(options_.metadata_ttl));
    }
  }
  if (!stream.more) FinishStream(stream);
  return Ok();
}

// A page with the directory that volumes have in theirs: no name is shown before it is clear.
Status Filesystem::Impl::ExpectSealed(const NodePtr& node, const std::string& key,
                                      const s3::ListPage& page) {
  const std::string own = key + std::string(kVolumeOwn) + "/";
  if (std::find(page.prefixes.begin(), page.prefixes.end(), own) == page.prefixes.end()) {
    return Ok();
  }
  {
    const Lock lock(tree_.mu);
    HoldsSealed& sealed = node->directory->sealed;
    if (sealed != HoldsSealed::kYes) sealed = HoldsSealed::kMaybe;
  }
  return Enter(node, Entering::kToSee);
}

void Filesystem::Impl::FinishStream(DirectoryStream& stream) {
  if (!options_.sorted_listings) stream.builder->Sort();
  CountHidden(stream.builder->hidden());
  const Lock lock(tree_.mu);
  // The stream goes on at the same positions: the finished listing has the same order.
  stream.listing = std::move(*stream.builder).Finish();
  stream.builder = nullptr;
  --stream.node->directory->questions;
  CollectExtras(stream);
  tree_.InstallListing(*stream.node, stream.listing, stream.pages, Until(options_.metadata_ttl),
                       stream.complete_until);
}

// Names that the listing lacks because they were made here after it was asked for, or because they
// are implicit directories that lost their last entry.
void Filesystem::Impl::CollectExtras(DirectoryStream& stream) {
  const Node& node = *stream.node;
  const std::string key = tree_.Key(node);
  std::unordered_set<std::string_view> added;  // their keys outlive this
  const auto add = [&](const std::string& name, FileType type) {
    if (stream.listing->Find(name) != nullptr || !added.insert(name).second) return;
    DirectoryEntry entry;
    entry.name = name;
    entry.type = type;
    entry.ino = InodeNumber(key + name + (type == FileType::kDirectory ? "/" : ""));
    stream.extras.push_back(std::move(entry));
  };
  for (const auto& [name, fact] : node.directory->facts) {
    if (fact.present && fact.change > stream.listing->asked_at) add(name, fact.attributes.type);
  }
  for (const auto& [name, child] : node.directory->children) {
    if (child->writing && !child->gone) add(name, child->attributes.type);
  }
  for (const auto& name : node.directory->kept) add(name, FileType::kDirectory);
  for (const auto& name : stream.listing->folders) add(name, FileType::kDirectory);
  stream.extras_from = kDotEntries + stream.listing->names.size();
}

// When the names that the stream shows were asked for.
std::uint64_t Filesystem::Impl::AskedAt(const DirectoryStream& stream) {
  return stream.listing ? stream.listing->asked_at : stream.builder->listing().asked_at;
}

// Was `name` removed, or made something else, after the listing was asked for?
bool Filesystem::Impl::IsStale(const DirectoryStream& stream, const std::string& name) const {
  const auto& facts = stream.node->directory->facts;
  const auto known = facts.find(name);
  return known != facts.end() && known->second.change > AskedAt(stream) && !known->second.present;
}

DirectoryEntry Filesystem::Impl::EntryFor(DirectoryStream& stream, const ListedName& listed,
                                          bool with_entry) {
  DirectoryEntry entry;
  entry.name = listed.name;
  std::string key;
  Tree::View view;
  {
    const Lock lock(tree_.mu);
    key = tree_.ChildKey(*stream.node, listed.name);
    if (listed.directory) key += '/';
    view = tree_.Consult(*stream.node, listed.name, Now());
  }
  entry.ino = InodeNumber(key);
  if (listed.directory) {
    entry.type = FileType::kDirectory;
  } else if (listed.version.size > kLargestSymlink || !options_.exact_attributes) {
    entry.type = FileType::kFile;
  }
  std::optional<Fact> fact;
  if (view.kind == Tree::View::Kind::kFact && view.fact.present) {
    fact = std::move(view.fact);
  } else if (view.kind == Tree::View::Kind::kListed) {
    if (view.listed.directory == listed.directory)
      fact = FactFromIndex(key, view.listed, view.listed_until);
  } else if (view.kind == Tree::View::Kind::kUnknown) {
    // While pages still come the listing is not installed, but the row is just as good.
    fact = FactFromIndex(key, listed, Until(options_.metadata_ttl));
    view.asked_at = AskedAt(stream);
  }
  if (!fact) return entry;
  if (fact->attributes.type == FileType::kDirectory || !listed.directory) {
    entry.type = fact->attributes.type;
  }
  if (!with_entry) return entry;
  const Lock lock(tree_.mu);
  if (const NodePtr child = tree_.Child(*stream.node, listed.name);
      child && (child->writing || child->waiting)) {
    ++child->lookups;
    entry.entry = ReplyFor(*child);
    return entry;
  }
  if (!tree_.Overridden(*stream.node, listed.name, view.asked_at)) {
    entry.entry = ReplyFor(*tree_.Adopt(stream.node, listed.name, *fact));
  }
  return entry;
}

Status Filesystem::Impl::ReadDirectory(HandleId handle, std::uint64_t offset, bool with_entries,
                                       const std::function<bool(const DirectoryEntry&)>& accept) {
  COFFER_ASSIGN(const std::shared_ptr<DirectoryStream> stream, FindStream(handle));
  const Turn::Hold turn(stream->turn);
  if (offset == 0 || !stream->started) COFFER_TRY(StartStream(*stream));
  for (;;) {
    COFFER_ASSIGN(const auto entry, NextEntry(*stream, offset, with_entries));
    if (!entry || !accept(*entry)) return Ok();
    offset = entry->next_offset;
  }
}

// The first entry at `offset` or after it; none at the end.
Result<std::optional<DirectoryEntry>> Filesystem::Impl::NextEntry(DirectoryStream& stream,
                                                                  std::uint64_t offset,
                                                                  bool with_entry) {
  std::optional<DirectoryEntry> entry;
  if (offset < kDotEntries) {
    entry = DotEntry(stream, offset);
    return entry;
  }
  for (;; ++offset) {
    COFFER_ASSIGN(const ListedName* const listed, ListedAt(stream, offset - kDotEntries));
    if (listed == nullptr) break;
    {
      const Lock lock(tree_.mu);
      if (listed->hidden() || IsStale(stream, listed->name)) continue;
    }
    entry = EntryFor(stream, *listed, with_entry);
    entry->next_offset = offset + 1;
    return entry;
  }
  const Lock lock(tree_.mu);
  for (; offset - stream.extras_from < stream.extras.size(); ++offset) {
    const DirectoryEntry& extra = stream.extras[offset - stream.extras_from];
    if (IsStale(stream, extra.name)) continue;
    entry = extra;
    entry->next_offset = offset + 1;
    return entry;
  }
  return entry;
}

DirectoryEntry Filesystem::Impl::DotEntry(const DirectoryStream& stream, std::uint64_t offset) {
  const Lock lock(tree_.mu);
  const Node& node = *stream.node;
  const Node& shown = offset == 1 && node.parent ? *node.parent : node;
  DirectoryEntry dot;
  dot.name = offset == 0 ? "." : "..";
  dot.ino = StatOf(shown).ino;
  dot.type = FileType::kDirectory;
  dot.next_offset = offset + 1;
  return dot;
}

// The listing's name number `at`, for which more pages may be asked; null when it has fewer.
Result<const ListedName*> Filesystem::Impl::ListedAt(DirectoryStream& stream, std::uint64_t at) {
  while (stream.more) {
    const Listing& so_far = stream.builder->listing();
    if (at < so_far.names.size() && so_far.IsSettled(so_far.names[at])) break;
    COFFER_TRY(NextPage(stream));
  }
  const Listing& listing = stream.listing ? *stream.listing : stream.builder->listing();
  return at < listing.names.size() ? &listing.names[at] : nullptr;
}

void Filesystem::Impl::CountHidden(const std::vector<std::string>& keys) {
  for (const auto& key : keys) {
    bool first = false;
    {
      const Lock lock(stats_mu_);
      if (hidden_seen_.size() >= kHiddenRemembered) return;
      first = hidden_seen_.emplace(key, true).second;
      if (!first) continue;
      ++stats_.hidden_keys;
      if (stats_.hidden_examples.size() < kHiddenExamples) stats_.hidden_examples.push_back(key);
    }
    parts_.observer.Warn("a key cannot be shown as a file and is hidden: \"" + key +
                         "\" (coffer status lists such keys; they are never deleted)");
  }
}

}  // namespace coffer::fs
