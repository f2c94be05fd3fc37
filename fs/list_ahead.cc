// Directories that are listed before somebody opens them, for whoever goes through those of one
// directory one after the other: find, du, rm -r. One page each, since it is the many small ones
// that take their time; a larger one counts as listed in vain.

#include <optional>
#include <utility>

#include "fs/filesystem_impl.h"
#include "fs/on_exit.h"
#include "fs/option_values.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kListsAhead = 16;  // of one reader

}  // namespace

// What is known of a name without asking; an old listing still tells what was there. What is listed
// ahead already counts among what is ahead.
OpenOrder::Kind Filesystem::Impl::KindToEnter(const Node& parent, const ListedName& listed) const {
  using Kind = OpenOrder::Kind;
  if (!listed.directory || listed.hidden()) return Kind::kNothing;
  const Tree::View view = tree_.Consult(parent, listed.name, Now());
  const bool told = view.kind == Tree::View::Kind::kFact;
  if (told && !(view.fact.present && view.fact.attributes.type == FileType::kDirectory)) {
    return Kind::kNothing;
  }
  const NodePtr child = tree_.Child(parent, listed.name);
  if (!child) return Kind::kSmall;
  if (!child->directory) return Kind::kNothing;
  const Directory& directory = *child->directory;
  if (directory.listed_for) return Kind::kSmall;
  const bool under_way = directory.whole_listing && !directory.whole_listing->ended;
  const bool listed_well = directory.listing && Now() < directory.complete_until;
  const bool large = directory.pages > 1;
  return under_way || listed_well || large || directory.streams > 0 ? Kind::kOther : Kind::kSmall;
}

// The node of a directory to list ahead, held as the kernel would hold it if it had looked the name
// up: what this mount changes below counts more than a listing that was asked for before. Null
// where there is nothing to ask, nothing at all where the plan is over.
std::optional<NodePtr> Filesystem::Impl::ExpectReader(const Upcoming& next, std::size_t position) {
  if (!IsCurrent(next)) return std::nullopt;
  if (lists_under_way_ >= parts_.pool.threads() / 2) {  // others need some, too
    next.parent->directory->visits->Retreat(next.listing, position);
    return std::nullopt;
  }
  const ListedName& listed = next.listing->names[position];
  if (KindToEnter(*next.parent, listed) != OpenOrder::Kind::kSmall) return NodePtr();
  NodePtr child = tree_.Child(*next.parent, listed.name);
  if (child && child->directory->listed_for) return NodePtr();
  if (child) {
    ++child->lookups;
  } else {
    child = tree_.Adopt(next.parent, listed.name, ImplicitFact());  // a lookup will tell more
  }
  child->directory->listed_for = std::make_shared<ListedAhead>(ListedAhead{next.run});
  return child;
}

// A directory is being read: the next ones are listed meanwhile.
void Filesystem::Impl::ListNext(const NodePtr& node) {
  if (options_.metadata_ttl <= kMinimal) return;
  const Upcoming next = Follow(node, &Directory::visits, &Impl::KindToEnter, kListsAhead);
  if (next.parent) WentPast(next);
  for (const std::size_t position : next.plan.positions) {
    std::optional<NodePtr> child;
    {
      const Lock lock(tree_.mu);
      child = ExpectReader(next, position);
    }
    if (!child) return;
    if (*child) ListSoon(*child);
  }
}

void Filesystem::Impl::ListSoon(const NodePtr& directory) {
  const auto held = std::make_shared<Borrowed>(*this, directory);
  ListedAheadPtr ahead;
  {
    const Lock lock(tree_.mu);
    ahead = directory->directory->listed_for;
  }
  if (!ahead) return;  // the reader is here
  ++lists_under_way_;
  background_.Now(parts_.pool,
                  [this, directory, held, ahead] { ListInBackground(directory, held, ahead); });
}

// Directories that were planned, and that the reader did not enter.
void Filesystem::Impl::WentPast(const Upcoming& next) {
  const Lock lock(tree_.mu);
  for (const std::string& name : next.plan.skipped) {
    const NodePtr child = tree_.Child(*next.parent, name);
    if (child && child->directory) CameTo(*child->directory, child->directory->listed_for, false);
  }
}

void Filesystem::Impl::ListInBackground(const NodePtr& directory,
                                        const std::shared_ptr<Borrowed>& held,
                                        const ListedAheadPtr& ahead) {
  const OnExit ended([this] { --lists_under_way_; });
  const Status listed = ListWhole(directory, ahead);
  if (!listed && listed.error().code == Code::kDenied) ahead->run->refused = true;
  const auto unread = [this, directory, held, ahead] {
    const Lock lock(tree_.mu);
    CameTo(*directory->directory, ahead, false);
  };
  bool there = false;
  {
    const Lock lock(tree_.mu);
    if (!ahead->asked) return;  // the reader was here first
    ++read_counters_->lists_ahead;
    there = listed && directory->directory->listing;
  }
  if (!there) return unread();
  background_.Later(parts_.pool, std::min(options_.metadata_ttl, BodyAhead::kLongestKept), unread);
}

// The reader for whom it was listed has come, or comes no more.
void Filesystem::Impl::CameTo(Directory& directory, const ListedAheadPtr& ahead, bool in_time) {
  if (!ahead || directory.listed_for != ahead) return;
  // `ahead` may be the directory's own.
  const ListedAheadPtr over = std::exchange(directory.listed_for, nullptr);
  if (in_time || !over->asked) return;
  ++over->run->unread;
  ++read_counters_->lists_in_vain;
}

// What is under way for whoever comes now is waited for; what still waits for a thread is left to
// him.
void Filesystem::Impl::AwaitListing(Directory& directory) {
  const ListedAheadPtr ahead = directory.listed_for;
  if (!ahead) return;
  const std::shared_ptr<WholeListing> attempt = directory.whole_listing;
  while (ahead->asked && attempt && !attempt->ended) tree_.changed.Wait(tree_.mu);
  CameTo(directory, ahead, directory.listing && Now() < directory.complete_until);
}

}  // namespace coffer::fs
