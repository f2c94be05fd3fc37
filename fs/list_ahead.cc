// Directories that are listed before somebody opens them, for whoever goes through those of one
// directory one after the other: find, du, rm -r. One page each, since it is the many small ones
// that take their time; a larger one counts as listed in vain.

#include <utility>

#include "fs/filesystem_impl.h"
#include "fs/option_values.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kListsAhead = 16;  // of one reader

}  // namespace

// What is known of a name without asking; an old listing still tells what was there.
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
  const bool under_way = directory.whole_listing && !directory.whole_listing->ended;
  const bool listed_well = directory.listing && Now() < directory.complete_until;
  const bool large = directory.pages > 1;
  const bool busy = under_way || directory.listed_for || directory.streams > 0;
  return listed_well || large || busy ? Kind::kOther : Kind::kSmall;
}

// A directory is being read: the next ones are listed meanwhile. The nodes are held as the kernel
// would hold them if it had looked the names up: what this mount changes below counts more than a
// listing that was asked for before.
void Filesystem::Impl::ListNext(const NodePtr& node) {
  if (options_.metadata_ttl <= kMinimal) return;
  const Upcoming next = Follow(node, &Directory::visits, &Impl::KindToEnter, kListsAhead);
  for (const std::size_t position : next.plan.positions) {
    const ListedName& listed = next.listing->names[position];
    NodePtr child;
    {
      const Lock lock(tree_.mu);
      if (!IsCurrent(next)) return;
      if (KindToEnter(*next.parent, listed) != OpenOrder::Kind::kSmall) continue;
      child = tree_.Child(*next.parent, listed.name);
      if (child) {
        ++child->lookups;
      } else {
        child = tree_.Adopt(next.parent, listed.name, ImplicitFact());  // a lookup will tell more
      }
      child->directory->listed_for = next.run;
    }
    const auto held = std::make_shared<Borrowed>(*this, child);
    background_.Now(parts_.pool,
                    [this, child, held, run = next.run] { ListInBackground(child, held, run); });
  }
}

// Nothing when the reader was here first.
void Filesystem::Impl::ListInBackground(const NodePtr& directory,
                                        const std::shared_ptr<Borrowed>& held,
                                        const BodyAhead::RunPtr& run) {
  {
    const Lock lock(tree_.mu);
    if (directory->directory->listed_for != run) return;
  }
  ++read_counters_->lists_ahead;
  const Status listed = ListWhole(directory);
  if (!listed && listed.error().code == Code::kDenied) run->refused = true;
  const auto unread = [this, directory, held, run] {
    const Lock lock(tree_.mu);
    CameTo(*directory->directory, run, false);
  };
  bool there = false;
  {
    const Lock lock(tree_.mu);
    there = listed && directory->directory->listing;
  }
  if (!there) return unread();
  background_.Later(parts_.pool, std::min(options_.metadata_ttl, BodyAhead::kLongestKept), unread);
}

// The reader for whom it was listed has come, or comes no more.
void Filesystem::Impl::CameTo(Directory& directory, const BodyAhead::RunPtr& run, bool in_time) {
  if (!run || directory.listed_for != run) return;
  directory.listed_for = nullptr;
  if (in_time) return;
  ++run->unread;
  ++read_counters_->lists_in_vain;
}

// What is under way for whoever comes now is waited for; what still waits for a thread is left to
// him.
void Filesystem::Impl::AwaitListing(Directory& directory) {
  if (!directory.listed_for) return;
  const std::shared_ptr<WholeListing> attempt = directory.whole_listing;
  while (attempt && !attempt->ended) tree_.changed.Wait(tree_.mu);
  CameTo(directory, directory.listed_for, true);
}

}  // namespace coffer::fs
