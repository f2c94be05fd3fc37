// What `coffer status` says of a sealed volume: its keys, and what KMS was asked. Pure.

#pragma once

#include <cstdint>

#include "fs/json.h"
#include "fs/sealed_mount.h"
#include "s3client/kms_rate.h"

namespace coffer::fs {

// Requests to KMS that the volume's keys made, retries left out.
std::uint64_t KmsCalls(const SealedMount& volume);

// {"volume", "keys": [{"name", "generated", "wrapped", "unwrapped", "failures", "left_alone"}],
// "sealing": {"calls", "hits", "coalesced", ...}, "opening": {...}, "kms": {"waited", "wait_ms",
// "throttled"}, "unbound"}
Json SealedReport(const SealedMount& volume, const s3::KmsRateCounts& rate);

}  // namespace coffer::fs
