// What `coffer doctor` finds of a sealed volume: its descriptor, what this machine knows of it,
// each of its keys, and the memory for keys. Of a plain volume: that it is one.
//
// One thread. Blocks on the network and on KMS, for as long as while a person waits; writes
// nothing, neither in the bucket nor on this machine.

#pragma once

#include <vector>

#include "fs/connection.h"
#include "fs/doctor.h"
#include "fs/key_options.h"

namespace coffer::fs {

struct SealedDoctorRequest {
  const DoctorContext& context;
  Connection& connection;
  const KeyOptions& keys;
  std::string state_directory;
};

std::vector<Check> CheckSealed(const SealedDoctorRequest& request);

}  // namespace coffer::fs
