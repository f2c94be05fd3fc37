// Sealed volumes below a plain mount, and sealed files outside of any: sealing must not fail open,
// so that nothing is stored in the clear where a volume is, and no ciphertext is taken for content.
//
// What listings and lookups see of a directory is kept with it; only a change asks for what is not
// known, and then once. Files say it of themselves in metadata that came along.

#include <optional>
#include <string>
#include <utility>

#include "fs/filesystem_impl.h"
#include "fs/on_exit.h"
#include "fs/volume_signs.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kClosedRemembered = 10'000;

}  // namespace

Status Filesystem::Impl::Enter(const NodePtr& directory, Entering entering) {
  if (options_.sealed_below == SealedBelow::kNotLookedFor) return Ok();
  const bool shown = options_.sealed_below == SealedBelow::kReadOnly;
  if (shown && entering == Entering::kToSee) return Ok();
  for (;;) {
    NodePtr unclear;
    std::optional<std::string> sealed;  // its key: "" for the root of a bucket
    {
      const Lock lock(tree_.mu);
      unclear = ToAskAbout(directory, entering);
      const NodePtr found = unclear ? nullptr : SealedAbove(directory);
      if (found) sealed = tree_.Key(*found);
    }
    if (sealed) return Closed(*sealed, entering);
    if (!unclear) return Ok();
    COFFER_TRY(AskAbout(unclear));
  }
}

Status Filesystem::Impl::EnterToChange(const NodePtr& node) {
  NodePtr directory = node;
  if (!node->directory) {
    const Lock lock(tree_.mu);
    directory = node->parent;
  }
  return Enter(directory, Entering::kToChange);
}

// The uppermost directory on the way that has to be asked about; null when all is known.
NodePtr Filesystem::Impl::ToAskAbout(const NodePtr& directory, Entering entering) const {
  NodePtr unclear;
  for (NodePtr at = directory; at; at = at->parent) {
    const Directory& state = *at->directory;
    const bool changing = entering == Entering::kToChange;
    // A volume may have been made since, and nothing must be stored in it in the clear.
    const bool relied_on =
        state.sealed == HoldsSealed::kYes || (changing && state.sealed == HoldsSealed::kNo);
    const bool outdated = relied_on && Now() >= state.sealed_until;
    const bool unknown = changing && state.sealed == HoldsSealed::kUnknown;
    if (outdated || unknown || state.sealed == HoldsSealed::kMaybe) unclear = at;
  }
  return unclear;
}

NodePtr Filesystem::Impl::SealedAbove(const NodePtr& directory) const {
  NodePtr at = directory;
  while (at && at->directory->sealed != HoldsSealed::kYes) at = at->parent;
  return at;
}

// One at a time asks; the others wait for the answer.
Status Filesystem::Impl::AskAbout(const NodePtr& directory) {
  Directory& state = *directory->directory;
  std::string key;
  {
    const Lock lock(tree_.mu);
    if (state.sealed_question) {
      while (state.sealed_question) tree_.changed.Wait(tree_.mu);
      return Ok();
    }
    while (tree_.Moving(*directory)) tree_.changed.Wait(tree_.mu);
    state.sealed_question = true;
    key = tree_.Key(*directory);
  }
  Result<bool> holds = Error{Code::kNoMemory, "look for a sealed volume: cut short"};
  {
    const OnExit ended([&] {
      const Lock lock(tree_.mu);
      state.sealed_question = false;
      if (holds) state.sealed = *holds ? HoldsSealed::kYes : HoldsSealed::kNo;
      if (holds) state.sealed_until = Now() + kSealedSeenFor;
      tree_.changed.NotifyAll();
    });
    holds = HoldsVolume(parts_.store, key);
  }
  if (holds) return Ok();
  return std::move(holds).error().While("whether \"" + key +
                                        "\" is a sealed volume cannot be told");
}

Error Filesystem::Impl::Closed(const std::string& key, Entering entering) {
  const bool shown = options_.sealed_below == SealedBelow::kReadOnly;
  if (FirstClosed(key, &FilesystemStats::sealed_directories)) {
    parts_.observer.Warn("\"" + key + "\" is a sealed volume, and " +
                         (shown ? "nothing is changed below it here: mount it by itself"
                                : "closed here: mount it by itself (--sealed=no shows its objects "
                                  "as they are)"));
  }
  const bool changing = entering == Entering::kToChange;
  return {shown && changing ? Code::kReadOnly : Code::kDenied,
          "a sealed volume begins at \"" + key + "\""};
}

Status Filesystem::Impl::RefuseSealed(const NodePtr& node) {
  if (options_.sealed_below != SealedBelow::kRefused) return Ok();
  std::string key;
  {
    const Lock lock(tree_.mu);
    const bool bound = node->bound || (node->extra && IsBound(*node->extra));
    if (node->writing || !bound) return Ok();
    key = tree_.Key(*node);
  }
  if (FirstClosed(key, &FilesystemStats::sealed_files)) {
    parts_.observer.Warn("\"" + key +
                         "\" is a sealed file outside of a sealed volume, and not opened here: "
                         "coffer open reads it, or put it back where it was and mount that volume "
                         "(--sealed=no shows its bytes as they are)");
  }
  return Error{Code::kDenied, "a sealed file outside of a sealed volume"};
}

Status Filesystem::Impl::LearnSealed(const NodePtr& node, const s3::ObjectInfo& info) {
  if (options_.sealed_below != SealedBelow::kRefused || !IsBound(info.metadata)) return Ok();
  {
    const Lock lock(tree_.mu);
    node->bound = true;
  }
  return RefuseSealed(node);
}

Error Filesystem::Impl::NotShown(const std::string& key, Error error) {
  const bool ours = error.code == Code::kCorrupt || error.code == Code::kTooLarge;
  if (parts_.sealer == nullptr || !ours) return error;
  if (FirstClosed(key, &FilesystemStats::refused_files)) {
    parts_.observer.Warn("\"" + key + "\" is not shown: " + error.what);
  }
  return error;
}

// Whether `key` is met for the first time: then it is counted, and worth a line.
bool Filesystem::Impl::FirstClosed(const std::string& key,
                                   std::uint64_t FilesystemStats::*counter) {
  const Lock lock(stats_mu_);
  if (closed_seen_.size() >= kClosedRemembered || !closed_seen_.insert(key).second) return false;
  ++(stats_.*counter);
  return true;
}

}  // namespace coffer::fs
