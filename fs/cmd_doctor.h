// `coffer doctor SOURCE`: what works with this address, what does not, and what to change.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fs/console.h"
#include "fs/doctor.h"

namespace coffer::fs {

struct DoctorSettings {
  std::string source;  // as the user typed it
  bool json = false;
  bool write_test = false;
  std::string probe_id;  // fresh and random, for the names of what --write-test writes
  // What there is to say of a sealed volume, once the bucket was reached; may be null.
  std::function<std::vector<Check>()> sealed;
  // What is remembered of this endpoint and bucket from an earlier write test.
  std::optional<ConditionalFindings> remembered;
  // Keeps what a write test found; called at most once.
  std::function<void(const ConditionalFindings&)> remember;
  // The bucket's own settings, once it was reached; may be null.
  std::function<std::vector<Check>()> bucket = nullptr;
};

// Blocks on the network; writes only with `write_test`. The exit code: 0, or 3 when there are
// warnings and nothing failed ("not tested" is neither); 5 when credentials or a permission are
// missing, 6 when a key is, else 1. "healthy" is true for 0 and 3. With `json`, out gets
// {"source", "healthy", "target", "checks": [{"name", "state", "detail", "change", "policy"}]}.
int RunDoctor(const DoctorContext& context, const DoctorSettings& settings, Console& console);

}  // namespace coffer::fs
