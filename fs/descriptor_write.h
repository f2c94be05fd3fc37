// The volume descriptor as an object: how init, a change of keys and a rebuilt descriptor write it.
//
// Blocks on the network, and on KMS as its keys do.

#pragma once

#include <string>

#include "crypto/key_source.h"
#include "crypto/result.h"
#include "crypto/secret.h"
#include "fs/volume_descriptor.h"
#include "fs/worker_pool.h"
#include "s3client/clock.h"
#include "s3client/object_store.h"

namespace coffer::fs {

struct DescriptorPlace {
  s3::ObjectStore& store;
  SecretArena& arena;
  WorkerPool& pool;
  std::string prefix;  // of the volume's keys
  const s3::ServerTime& server_time;
};

// `descriptor` as a new message under `keys`, and read back as a mount will, by a store that has
// not seen it yet: when this returns, it opens. In a volume with lock rules it is locked for as
// long as the longest of them says, which is read back, too. kExists or kChanged for a lost
// condition.
Status WriteDescriptor(const DescriptorPlace& place, const VolumeDescriptor& descriptor,
                       KeySource& keys, const s3::Condition& condition);

}  // namespace coffer::fs
