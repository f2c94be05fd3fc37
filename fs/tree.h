// What this mount knows of the namespace: nodes as the kernel holds them, and facts about names.
//
// A *fact* is what is known of one name of one directory until it expires. Facts come from our own
// changes (numbered by the directory's `changes`) and from answers of the service; an answer to a
// question that was asked before a change never overrides what that change made of the name.
// One mutex guards all of it and is never held across a network call.

#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "fs/attributes.h"
#include "fs/content.h"
#include "fs/filesystem.h"
#include "fs/head_ahead.h"
#include "fs/listing.h"
#include "fs/mutex.h"
#include "fs/open_order.h"
#include "s3client/clock.h"
#include "s3client/object_store.h"

namespace coffer::fs {

struct OpenFile;

// What was found out of it is asked again then: a volume may have been made or removed elsewhere.
inline constexpr std::chrono::seconds kSealedSeenFor{60};

// Does a sealed volume begin in a directory? Plain mounts look (sealed_guard.cc).
enum class HoldsSealed {
  kUnknown,
  kNo,
  kMaybe,  // it has a directory of the name that volumes have in theirs: ask before all else
  kYes,
};

// What is known of the lock of a version, in a bucket with Object Lock.
struct LockState {
  s3::Lock lock = {};
  bool known = false;
  s3::SteadyTime until = {};  // good to be shown
};

struct Fact {
  bool present = false;
  Attributes attributes;  // of what is present; its type is the name's type
  FileVersion version;    // files and symbolic links; a directory's marker
  bool archived = false;
  bool marker = false;                         // a directory that has a marker object
  HoldsSealed sealed = HoldsSealed::kUnknown;  // directories
  // User metadata beyond the attributes (xattr, foreign names); null when there is none.
  std::shared_ptr<const s3::Metadata> extra;
  LockState lock;  // of a file
  s3::SteadyTime valid_until;
  s3::SteadyTime marker_until;  // directories: how long the marker's attributes are good for
  std::uint64_t change = 0;     // number of the local change that made it; 0: the service said so
};

struct Node;
using NodePtr = std::shared_ptr<Node>;

// One LIST of a whole directory, for all who wait for it; guarded by Tree::mu.
struct WholeListing {
  bool ended = false;
  std::optional<Error> failure;
};

// A LIST of a directory for a reader who is expected there; guarded by Tree::mu.
struct ListedAhead {
  BodyAhead::RunPtr run;
  bool asked = false;  // by a thread of the pool, which got to it before the reader
};
using ListedAheadPtr = std::shared_ptr<ListedAhead>;

// The part of a node that only directories have.
struct Directory {
  std::unordered_map<std::string, Node*> children;  // nodes that are not gone
  std::shared_ptr<const Listing> listing;           // null: none held
  std::size_t counted = 0;                          // of its names, among all that are held
  s3::SteadyTime listed_until;                      // the names that it has are there
  s3::SteadyTime complete_until;                    // and those that it lacks are not
  std::uint64_t changes = 0;                        // local changes so far
  int questions = 0;  // LISTs and HEADs under way: facts of changes are kept meanwhile
  std::unordered_map<std::string, Fact> facts;
  std::unordered_set<std::string> kept;      // implicit directories that lost their last entry here
  std::unordered_set<std::string> doubtful;  // there a moment ago, then not as expected
  std::shared_ptr<WholeListing> whole_listing;  // the latest, under way or ended; null: none yet
  unsigned pages = 0;          // of its listing, at least, as far as lookups care; 0: not known
  unsigned slow_listings = 0;  // that were old before their last page came, one after the other
  unsigned misses = 0;  // lookups that nothing was known for since it was listed, or tried to be
  HeadAhead ahead;
  std::unique_ptr<OpenOrder> opens;       // null until a file is opened
  std::unique_ptr<OpenOrder> visits;      // null until a subdirectory is read
  ListedAheadPtr listed_for;              // null when nobody is expected
  std::unordered_set<std::string> heads;  // names a HEAD is under way for
  std::size_t prune_at = 4096;            // facts
  int streams = 0;                        // directory handles that are open
  s3::SteadyTime listed_at;               // when the listing was complete
  // The key of the directory changed at this number: answers to older questions were about others.
  std::uint64_t expired_at = 0;
  HoldsSealed sealed = HoldsSealed::kUnknown;
  s3::SteadyTime sealed_until;   // kYes, kNo: then it is asked again
  bool sealed_question = false;  // under way
};

// Attributes or xattrs of the node were changed and answered, but not sent yet; what they shall be
// stands in the node itself (coffer-semantics(7), "Attributes").
struct WaitingChange {
  s3::SteadyTime since;
  std::uint64_t edits = 0;  // so that one made while an earlier one is sent is not forgotten
  // Asked for while the file was written, and too late for what was sent: the lock that this very
  // version was given does not stop it.
  std::optional<s3::Lock> given_lock = {};
};

// A symbolic link that this mount has made, and that was locked as it was: it has no handle that
// would let its maker go on, and cp -a, tar and rsync give it its times and owner at once.
struct JustMade {
  s3::Lock given_lock;
  s3::SteadyTime until;
};

struct Node {
  NodeId id = 0;
  NodePtr parent;  // null for the root
  std::string name;
  // The name is gone, or means another version by now: operations by path answer ESTALE.
  bool gone = false;
  bool moving = false;  // a rename has begun: what S3 says of it and below is half the truth
  std::uint64_t lookups = 0;
  Attributes attributes;
  FileVersion version;
  bool archived = false;
  bool marker = false;
  std::shared_ptr<const s3::Metadata> extra;
  bool proved = false;  // the attributes are those of such an object, in a sealed volume
  LockState lock;
  std::shared_ptr<const s3::ObjectInfo> object;  // see Tree::Remember; null when not at hand
  s3::SteadyTime valid_until;
  std::shared_ptr<OpenFile> writing;
  int readers = 0;            // open handles
  bool bound = false;         // its content was asked for, and says that it is a sealed file
  bool fetched_once = false;  // this version was opened: the kernel may have its pages
  std::unique_ptr<WaitingChange> waiting;
  std::optional<JustMade> just_made;
  std::unique_ptr<Error> deferred_error;  // of a change sent later; given to the next call, once
  std::unique_ptr<Directory> directory;   // null for anything else

  bool is_directory() const { return attributes.type == FileType::kDirectory; }
};

class Tree {
 public:
  Tree(std::string prefix, const Attributes& root, const s3::Clock& clock);

  Mutex mu;
  Condition changed;  // a HEAD or LIST under way has ended

  // What a lookup can go by without asking: a fact, a listed name that lacks attributes, or that
  // nothing is known.
  struct View {
    enum class Kind { kUnknown, kFact, kListed } kind = Kind::kUnknown;
    Fact fact;
    ListedName listed;
    s3::SteadyTime listed_until;  // kListed: how long the listing vouches for it
    std::uint64_t asked_at = 0;   // the directory's changes now
  };

  const NodePtr& root() const { return root_; }
  // Null when the kernel does not hold it.
  NodePtr Find(NodeId id) const REQUIRES(mu);
  NodePtr Child(const Node& parent, const std::string& name) const REQUIRES(mu);
  // The object key; a directory's ends in '/', the root's is the prefix.
  std::string Key(const Node& node) const REQUIRES(mu);
  std::string ChildKey(const Node& directory, std::string_view name) const REQUIRES(mu);

  View Consult(const Node& directory, const std::string& name, s3::SteadyTime now) const
      REQUIRES(mu);
  // Has a local change made more of `name` than a question could see that was asked then?
  bool Overridden(const Node& directory, const std::string& name, std::uint64_t asked_at) const
      REQUIRES(mu);
  // Takes over an answer to a question asked when the directory had `asked_at` changes; false when
  // a local change came in between and the answer was dropped.
  bool Learn(Node& directory, const std::string& name, Fact fact, std::uint64_t asked_at)
      REQUIRES(mu);
  // A local change of a name, true from now on.
  void Change(Node& directory, const std::string& name, Fact fact) REQUIRES(mu);

  // The node for a present name, looked up once more. One that shows another content version than
  // `fact` is gone, and a new node takes its place.
  NodePtr Adopt(const NodePtr& parent, const std::string& name, const Fact& fact) REQUIRES(mu);
  void Forget(NodeId id, std::uint64_t count) REQUIRES(mu);
  void Detach(Node& node) REQUIRES(mu);  // its name is gone
  void Move(const NodePtr& node, const NodePtr& parent, std::string name) REQUIRES(mu);
  // Drops nodes that nobody needs any more, `node` first.
  void DropIfUnused(NodePtr node) REQUIRES(mu);
  // Is the node, or a directory above it, being renamed? Who asks S3 then waits on `changed`.
  bool Moving(const Node& node) const REQUIRES(mu);
  // The tree below was changed as a whole: nothing remembered of it holds.
  void Expire(Node& directory) REQUIRES(mu);

  // Whose names are there until `listed_until`, and all that are there until `complete_until`.
  void InstallListing(Node& directory, std::shared_ptr<const Listing> listing, unsigned pages,
                      s3::SteadyTime listed_until, s3::SteadyTime complete_until) REQUIRES(mu);
  // The names of a listing whose pages still come are there until `listed_until`, unless a listing
  // is held that is good. `pages` is how many it takes at least. Again for each page.
  void ShowPages(Node& directory, const std::shared_ptr<const Listing>& growing, unsigned pages,
                 s3::SteadyTime listed_until) REQUIRES(mu);
  // The object that this mount has just written, as it is in S3: a change of attributes or a rename
  // that follows soon needs no HEAD. Only the latest few are kept.
  void Remember(const NodePtr& node, std::shared_ptr<const s3::ObjectInfo> object) REQUIRES(mu);

  std::size_t node_count() const REQUIRES(mu) { return nodes_.size(); }
  std::uint64_t cached_names() const REQUIRES(mu) { return cached_names_; }
  std::uint64_t cached_directories() const REQUIRES(mu) { return listed_.size(); }
  // Every node that the kernel, a handle or unsent work holds, whatever became of its name.
  std::vector<NodePtr> All() const REQUIRES(mu);
  // Every node below and including `directory` that is held.
  std::vector<NodePtr> Below(const NodePtr& directory) const REQUIRES(mu);

 private:
  // Another listing, or the same with more names.
  void Hold(Node& directory, std::shared_ptr<const Listing> listing) REQUIRES(mu);
  void DropListing(Node& directory) REQUIRES(mu);
  void DropOldest() REQUIRES(mu);  // listings, where there are too many names in all of them
  // Drops facts that can not matter any more, when there are many.
  void Prune(Directory& directory) REQUIRES(mu);
  void Show(Node& node, const Fact& fact) REQUIRES(mu);

  const std::string prefix_;
  const s3::Clock& clock_;
  const NodePtr root_;
  NodeId next_id_ GUARDED_BY(mu) = kRootNode + 1;
  std::unordered_map<NodeId, NodePtr> nodes_ GUARDED_BY(mu);
  std::vector<Node*> listed_ GUARDED_BY(mu);  // directories that hold a listing, oldest first
  std::uint64_t cached_names_ GUARDED_BY(mu) = 0;
  std::deque<std::weak_ptr<Node>> remembered_ GUARDED_BY(mu);
};

// Same bytes, whatever else a listing leaves out.
inline bool SameContent(const FileVersion& a, const FileVersion& b) {
  return a.etag == b.etag && a.size == b.size;
}

// A LIST or HEAD on its way, from here to the end of the scope: what local changes make of the
// directory's names meanwhile is kept, and counts more than the answer.
class Question {
 public:
  Question(Tree& tree, NodePtr directory) : tree_(tree), directory_(std::move(directory)) {
    const Lock lock(tree_.mu);
    ++directory_->directory->questions;
    asked_at_ = directory_->directory->changes;
  }
  ~Question() {
    const Lock lock(tree_.mu);
    --directory_->directory->questions;
  }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  std::uint64_t asked_at() const { return asked_at_; }

 private:
  Tree& tree_;
  const NodePtr directory_;
  std::uint64_t asked_at_ = 0;
};

}  // namespace coffer::fs
