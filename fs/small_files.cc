// Small files: they arrive whole in the GET that opens them, or, when somebody opens one after the
// other, were fetched before (fs/open_order.h, fs/body_ahead.h).

#include <fcntl.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "fs/filesystem_impl.h"

namespace coffer::fs {

// A small file arrives whole in the GET that opens it, which also proves that it is still there and
// still the version that the kernel knows. Later opens of the same version find its pages cached.
// Of a sealed file the beginning arrives, however large it is: only that tells how long it is, and
// the kernel reads no further than the node says. So it does where nothing else tells whether a
// file is a sealed one outside of its volume.
Status Filesystem::Impl::PrimeSmall(Handle& handle) {
  std::string key;
  FileVersion version;
  {
    const Lock lock(tree_.mu);
    const Node& node = *handle.node;
    const bool proves = parts_.sealer != nullptr || options_.prove_at_open;
    // Where there is something to prove, an empty file has an end.
    const bool nothing = node.version.size == 0 && !proves;
    const bool tells =
        proves || (options_.sealed_below == SealedBelow::kRefused && !options_.exact_attributes);
    const bool large = node.version.size > options_.read.first_window && !tells;
    if (node.writing || node.fetched_once || nothing || large) return Ok();
    key = tree_.Key(node);
    version = node.version;
  }
  auto fetched = FetchSmall(handle, key, version);
  if (!fetched) OpenFailed(handle.node);
  if (!fetched &&
      (fetched.error().code == Code::kNotFound || fetched.error().code == Code::kChanged)) {
    NoteReplaced(handle.node, key, version);
    return Error{Code::kChanged, "replaced, removed or renamed a moment ago"};
  }
  if (!fetched) return NotShown(key, std::move(fetched).error());
  COFFER_TRY(LearnSealed(handle.node, fetched->info));
  if (fetched->info.size != version.size && parts_.sealer != nullptr) {
    // Another tool sealed it in a shape that a listing cannot tell from others: look again.
    NoteReplaced(handle.node, key, version);
    return Error{Code::kChanged, "the listing shows another size than the file has"};
  }
  if (fetched->info.size != version.size) {
    return Error{Code::kUnavailable, "the listing shows another size than the object has"};
  }
  const std::shared_ptr<Reader> reader = ReaderFor(handle);
  {
    // Somebody here may have written another version since.
    const Lock lock(handle.mu);
    if (handle.reader_key != key || !SameContent(handle.reader_version, version)) return Ok();
  }
  reader->Prime(std::move(fetched->body));
  const Fact fact = FactOf(key, fetched->info);
  const Lock lock(tree_.mu);
  if (!SameContent(handle.node->version, version)) return Ok();
  handle.node->fetched_once = true;
  // Only what it says now was proved, not what an earlier listing showed.
  if (parts_.sealer != nullptr && fact.attributes == handle.node->attributes) {
    handle.node->proved = true;
  }
  return Ok();
}

s3::Range Filesystem::Impl::SmallRange(std::uint64_t size) const {
  return {0, std::clamp<std::uint64_t>(size, 1, options_.read.first_window)};
}

// O_DIRECT bypasses every cache, and what was fetched ahead is one.
Result<s3::Fetched> Filesystem::Impl::FetchSmall(const Handle& handle, const std::string& key,
                                                 const FileVersion& version) {
  if (bodies_ && (handle.flags & O_DIRECT) == 0) {
    if (auto ahead = bodies_->Take(key, version.etag)) return std::move(*ahead);
  }
  auto fetched = parts_.store.Get(key, SmallRange(version.size),
                                  {.etag = version.etag, .version_id = {}, .size = version.size});
  if (fetched) read_counters_->bytes_fetched += fetched->body.size();
  return fetched;
}

// Who may not read goes through the names all the same: that is no order to follow.
void Filesystem::Impl::OpenFailed(const NodePtr& node) {
  const Lock lock(tree_.mu);
  const NodePtr& parent = node->parent;
  if (parent && parent->directory->opens) parent->directory->opens->Broken();
}

// What is known of a name without asking; an old listing still tells what was there.
OpenOrder::Kind Filesystem::Impl::KindToOpen(const Node& parent, const ListedName& listed) const {
  using Kind = OpenOrder::Kind;
  if (listed.directory) return Kind::kDirectory;
  if (listed.hidden()) return Kind::kNothing;
  const Directory& directory = *parent.directory;
  const Tree::View view = tree_.Consult(parent, listed.name, Now());
  const bool told = view.kind == Tree::View::Kind::kFact;
  if (told && !view.fact.present) return Kind::kNothing;
  if (told && view.fact.attributes.type == FileType::kDirectory) return Kind::kDirectory;
  if (told && view.fact.attributes.type != FileType::kFile) return Kind::kNothing;
  const NodePtr child = tree_.Child(parent, listed.name);
  if (child && (child->writing || child->waiting || child->fetched_once || child->readers > 0)) {
    return Kind::kOther;
  }
  // Changed here after it was listed: what it is now is asked by whoever comes to it.
  if (!told && tree_.Overridden(parent, listed.name, directory.listing->asked_at)) {
    return Kind::kOther;
  }
  const FileVersion& version = told ? view.fact.version : listed.version;
  if (version.size == 0) return Kind::kNothing;
  if (told ? view.fact.archived : listed.archived) return Kind::kOther;
  return version.size > options_.read.first_window ? Kind::kLarge : Kind::kSmall;
}

// A file is being opened: whoever opens one after the other finds the next ones here.
void Filesystem::Impl::FetchNext(const NodePtr& node) {
  if (!bodies_) return;
  const Upcoming next = Follow(node, &Directory::opens, &Impl::KindToOpen, BodyAhead::kFiles);
  for (const std::string& name : next.plan.skipped) bodies_->Skip(next.directory_key + name);
  for (const std::size_t position : next.plan.positions) {
    const ListedName& listed = next.listing->names[position];
    Tree::View view;
    {
      const Lock lock(tree_.mu);
      if (!IsCurrent(next)) return;
      // Somebody may have opened it since.
      if (KindToOpen(*next.parent, listed) != OpenOrder::Kind::kSmall) continue;
      view = tree_.Consult(*next.parent, listed.name, Now());
    }
    if (FetchAhead(next, view, listed)) continue;
    const Lock lock(tree_.mu);
    next.parent->directory->opens->Retreat(next.listing, position);
    return;
  }
}

// False when there is no room. What may be a symbolic link as well is nobody's to fetch: who goes
// on will look it up first, and then it is known.
bool Filesystem::Impl::FetchAhead(const Upcoming& next, const Tree::View& view,
                                  const ListedName& listed) {
  const std::string key = next.directory_key + listed.name;
  std::optional<Fact> fact = view.fact;
  if (view.kind != Tree::View::Kind::kFact) fact = FactFromIndex(key, listed, view.listed_until);
  if (!fact || !fact->present || fact->attributes.type != FileType::kFile) return true;
  const FileVersion version = fact->version;
  // The very request that the open would send.
  return bodies_->Fetch(key, version, next.run, [this, key, version] {
    return parts_.store.Get(key, SmallRange(version.size),
                            {.etag = version.etag, .version_id = {}, .size = version.size});
  });
}

}  // namespace coffer::fs
