// Sets or frees the lock of one version, and reads it back: what chattr, setfattr and the commands
// on locks share.
//
// Each call blocks on the network and is safe from any thread. An error means that the version may
// not have the lock that was wanted; its text says what it may have.

#pragma once

#include <string>

#include "crypto/result.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// Gives the version that `now` describes the lock `wanted`: up to 2 PUT and 1 HEAD. What HEAD said
// then. Never goes past governance; where the service made less of a lock that was running, that
// one is set again.
Result<s3::ObjectInfo> WriteLock(s3::ObjectStore& store, const std::string& key,
                                 const s3::ObjectInfo& now, const s3::Lock& wanted);

// kLocked for compliance that runs and under a legal hold, which nothing bypasses.
Status IsFreeable(const s3::ObjectInfo& now);

// Takes governance retention off that version, by x-amz-bypass-governance-retention: the only
// place that ever sends it. RGW takes no retention off, but shortens it: then it ends some seconds
// after the call, as the lock in the result says. Only for what IsFreeable() says may be.
Result<s3::ObjectInfo> FreeFromGovernance(s3::ObjectStore& store, const std::string& key,
                                          const s3::ObjectInfo& now);

}  // namespace coffer::fs
