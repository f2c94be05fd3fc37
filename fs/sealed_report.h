// What `coffer status` says of a sealed volume: its keys, and what KMS was asked. Pure.

#pragma once

#include "fs/json.h"
#include "fs/sealed_mount.h"
#include "s3client/kms_rate.h"

namespace coffer::fs {

// {"volume", "keys": [{"name", "generated", "wrapped", "unwrapped", "failures", "left_alone"}],
// "sealing": {"calls", "hits", "coalesced", ...}, "opening": {...}, "kms": {"waited", "wait_ms",
// "throttled"}, "unbound"}
Json SealedReport(const SealedMount& volume, const s3::KmsRateCounts& rate);

}  // namespace coffer::fs
