// One object of a sealed volume moved to the volume's present keys, or taken in from the clear:
// what `coffer reseal` does with each object that it meets.
//
// What is sealed again was authenticated frame by frame, and bound to its name, before: nothing
// else becomes true by it. The old object stays until the new one is complete, and is replaced only
// while it is still the one that was read. Attributes, headers, storage class, encryption and tags
// are kept. Afterwards the new object's header and end are read back by a store that has not seen
// them.
//
// Safe from any thread; blocks on the network and on KMS. Memory is bounded by the budget.

#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>

#include "fs/memory_budget.h"
#include "fs/mutex.h"
#include "fs/sealed_store.h"
#include "fs/volume_descriptor.h"
#include "fs/volume_walk.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// What became of an object, as Visited::outcome.
namespace resealing {
inline constexpr const char* kOwn = "own";          // the volume's descriptor: not a file
inline constexpr const char* kMarker = "marker";    // a bare marker of another tool
inline constexpr const char* kCurrent = "current";  // is under the present keys
inline constexpr const char* kResealed = "resealed";
inline constexpr const char* kAdopted = "adopted";
// Left as they are:
inline constexpr const char* kGone = "gone";
inline constexpr const char* kLocked = "locked";
inline constexpr const char* kArchived = "archived";
inline constexpr const char* kPlaintext = "plaintext";
inline constexpr const char* kForeign = "foreign";
inline constexpr const char* kNoKey = "no key";
inline constexpr const char* kChanged = "changed";
inline constexpr const char* kUnbound = "unbound";  // whole, and not bound to the name it has
inline constexpr const char* kFailed = "failed";
inline constexpr const char* kDamaged = "damaged";
}  // namespace resealing

// What would be asked for, from a survey.
struct ResealCost {
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  std::uint64_t data_keys = 0;  // that the old files are sealed under
};

class Resealer {
 public:
  // All borrowed, and outlive it.
  struct Parts {
    s3::ObjectStore& stored;  // objects as they are
    SealedStore& source;      // opens under old keys too; names strictly bound
    SealedStore& target;      // seals under the present keys
    SealedStore& check;       // opens what target wrote, and has written nothing itself
    SealedStore& loose;       // as source, and bound to no name: tells moved from damaged
    s3::UploadObserver& uploads;
  };
  struct Rules {
    VolumeDescriptor volume;
    std::string prefix;
    bool adopt_plaintext = false;
    bool survey = false;  // says what would be done, and does nothing
    std::uint64_t part_size =
        8u << 20;  // of plaintext, at least; larger where there would be too many
  };
  Resealer(const Parts& parts, Rules rules);

  // Never an Error but when nothing more can be done at all (interrupted).
  Result<Visited> Visit(const s3::ListedObject& object);
  ResealCost Cost() const;

 private:
  // An object as it was found.
  struct Found {
    std::string key;
    s3::ObjectInfo info;
    bool sealed = false;  // else in the clear
  };
  Result<Visited> Look(const std::string& key, const std::string& etag);
  Result<Visited> Judge(Found found, ByteView head);
  Result<Visited> Take(const Found& found);
  bool IsOnlyUnbound(const Found& found);
  Visited Count(const Found& found, std::uint64_t size);
  Result<s3::Fetched> Read(const Found& found, s3::Range range, std::uint64_t size);
  Result<s3::Written> Store(const Found& found, std::uint64_t size);
  Result<s3::Written> Stream(const Found& found, const s3::NewObject& object,
                             const s3::Fetched& first);
  Status CopyParts(const Found& found, const s3::Upload& upload, const s3::Fetched& first,
                   std::vector<s3::Part>& parts);
  Status ReadBack(const Found& found, const s3::Written& written, std::uint64_t size);
  std::uint64_t PieceFor(std::uint64_t size) const;
  std::uint64_t SizeOf(const Found& found) const;

  const Parts parts_;
  const Rules rules_;
  const std::string own_prefix_;
  MemoryBudget budget_;
  mutable Mutex mu_;
  ResealCost cost_ GUARDED_BY(mu_);
  std::unordered_set<std::string> data_keys_ GUARDED_BY(mu_);  // digests, up to a limit
};

}  // namespace coffer::fs
