// The checks of `coffer doctor` that only read.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fs/doctor.h"

namespace coffer::fs {

struct ReadOnlyFindings {
  std::vector<Check> checks;
  bool reachable = false;  // a listing or HeadBucket was answered
  // Nothing: neither the bucket nor an object would tell.
  std::optional<ObjectLockSetup> object_lock;
  bool default_retention_known = false;  // object_lock says so, not only that locks exist
};

// Blocks on the network; writes nothing.
ReadOnlyFindings CheckReadOnly(const DoctorContext& context);

inline Check NotTested(std::string name, std::string why) {
  return {std::move(name), CheckState::kNotTested, std::move(why)};
}
// A check that failed with `error`: with the statement to add when it was a refusal.
Check FailedCheck(const DoctorContext& context, const std::string& name, const std::string& action,
                  bool on_objects, const Error& error);

}  // namespace coffer::fs
