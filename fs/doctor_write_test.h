// The checks of `coffer doctor --write-test`: writes a probe object, finds out by real differences
// which conditional writes the server honours, and removes what it wrote.

#pragma once

#include <string>
#include <vector>

#include "fs/doctor.h"
#include "fs/doctor_checks.h"

namespace coffer::fs {

struct WriteFindings {
  std::vector<Check> checks;
  // Nothing unless the probe could be written at all.
  std::optional<ConditionalFindings> conditional;
};

// Writes nothing where a default retention is set or cannot be ruled out: the probe would stay for
// years. `probe_id` must be fresh and random: it names the two keys that are written below the
// prefix. Blocks on the network.
WriteFindings CheckWrites(const DoctorContext& context, const ReadOnlyFindings& known,
                          const std::string& probe_id);

// The same checks as "not tested", for a doctor that only reads.
std::vector<Check> UntestedWrites(const DoctorContext& context);

}  // namespace coffer::fs
