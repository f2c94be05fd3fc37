// Directories that are listed whole for lookups, which then cost no request a name.

#include <algorithm>
#include <utility>

#include "fs/filesystem_impl.h"
#include "fs/on_exit.h"

namespace coffer::fs {
namespace {

// Lookups that nothing was known for before a directory is listed whole.
constexpr unsigned kMissesBeforeListing = 3;
// A listing of several pages costs about as much as this many lookups for each of them; one of more
// pages would be old before it is here.
constexpr unsigned kMissesForPage = 2;
constexpr unsigned kMostPages = 16;
// From a server that is too slow for them they are asked for again after so many times more
// lookups.
constexpr unsigned kPatience = 16;
constexpr unsigned kMostPatience = 3;  // times that factor

}  // namespace

// In one page, for which lookups wait.
bool Filesystem::Impl::MayListWhole(const Directory& directory) const {
  if (directory.pages > 1 || options_.metadata_ttl.count() == 0) return false;
  return directory.listing != nullptr || directory.misses >= kMissesBeforeListing;
}

// Who looks up names of a larger directory one after the other, in any order, finds them listed
// after a while; until then, and where that fails, each is asked for by itself.
bool Filesystem::Impl::PagesPay(Directory& state) const {
  const bool under_way = state.whole_listing && !state.whole_listing->ended;
  if (state.pages < 2 || state.pages > kMostPages || under_way) return false;
  unsigned enough = kMissesForPage * state.pages;
  for (unsigned i = 0; i < state.slow_listings; ++i) enough *= kPatience;
  if (options_.metadata_ttl.count() == 0 || state.misses < enough) return false;
  state.misses = 0;
  return true;
}

// The directory is held meanwhile: a node that the kernel has forgotten keeps no listing.
void Filesystem::Impl::ListPages(const NodePtr& directory) {
  {
    const Lock lock(tree_.mu);
    ++directory->lookups;
  }
  const auto held = std::make_shared<Borrowed>(*this, directory);
  background_.Now(parts_.pool,
                  [this, directory, held] { static_cast<void>(ListWhole(directory)); });
}

// One attempt at a time. Whoever waits for one shares its end; but one that was under way already
// as we ask may fail for what is over by now, so the failure that counts is that of the next.
// With `ahead` nothing when its reader has come already.
Status Filesystem::Impl::ListWhole(const NodePtr& directory, const ListedAheadPtr& ahead) {
  std::shared_ptr<WholeListing> attempt;
  {
    const Lock lock(tree_.mu);
    Directory& state = *directory->directory;
    if (ahead && state.listed_for != ahead) return Ok();
    if (ahead) ahead->asked = true;
    const std::shared_ptr<WholeListing> before = state.whole_listing;
    if (before && !before->ended) {
      while (!before->ended) tree_.changed.Wait(tree_.mu);
      if (!before->failure) return Ok();
    }
    if (state.whole_listing != before) {
      attempt = state.whole_listing;
      while (!attempt->ended) tree_.changed.Wait(tree_.mu);
      if (attempt->failure) return Error(*attempt->failure);
      return Ok();
    }
    attempt = state.whole_listing = std::make_shared<WholeListing>();
  }
  Status listed = Error{Code::kNoMemory, "list: cut short"};
  {
    const OnExit ended([&] {
      const Lock lock(tree_.mu);
      attempt->ended = true;
      if (!listed) attempt->failure = listed.error();
      tree_.changed.NotifyAll();
    });
    listed = ListWholeNow(directory);
  }
  return listed;
}

// Twice as many pages as are known of at most: one that has more is tried again, when as many more
// lookups have missed. All are good for the time to live of the first one, since a name that
// another machine makes behind it is on none.
Status Filesystem::Impl::ListWholeNow(const NodePtr& directory) {
  const Question question(tree_, directory);
  s3::ListRequest request;
  unsigned most = 1;
  {
    const Lock lock(tree_.mu);
    request.prefix = tree_.Key(*directory);
    const unsigned known = directory->directory->pages;
    if (known > 1) most = std::min(2 * known, kMostPages);
  }
  ListingBuilder builder(request.prefix, question.asked_at());
  unsigned pages = 0;
  s3::SteadyTime until;
  do {
    COFFER_ASSIGN(const s3::ListPage page, parts_.store.List(request));
    if (pages++ == 0) until = Until(options_.metadata_ttl);
    builder.Add(page);
    request.token = page.next_token;
  } while (!request.token.empty() && pages < most && Now() < until);
  CountHidden(builder.hidden());
  const Lock lock(tree_.mu);
  if (pages > 1 && Now() >= until) {
    unsigned& slow = directory->directory->slow_listings;
    slow = std::min(slow + 1, kMostPatience);
    return Ok();
  }
  if (!request.token.empty()) {
    directory->directory->pages = std::max(directory->directory->pages, pages + 1);
    return Ok();
  }
  if (!options_.sorted_listings) builder.Sort();
  tree_.InstallListing(*directory, std::move(builder).Finish(), pages, until, until);
  return Ok();
}

}  // namespace coffer::fs
