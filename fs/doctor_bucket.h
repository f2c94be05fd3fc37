// What `coffer doctor` says of the bucket's own settings: encryption, access log, CORS, versions.

#pragma once

#include <vector>

#include "fs/connection.h"
#include "fs/doctor.h"

namespace coffer::fs {

// Each with the command that changes it; what may not be asked, or is not answered, is not tested.
// Blocks on the network: one request a line.
std::vector<Check> CheckSettings(Connection& connection);

}  // namespace coffer::fs
