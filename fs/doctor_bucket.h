// What `coffer doctor` says of the bucket's own settings: policy, encryption and its key, access
// log, CORS, versions.

#pragma once

#include <string>
#include <vector>

#include "fs/connection.h"
#include "fs/doctor.h"

namespace coffer::fs {

// Each with the command that changes it; what may not be asked, or is not answered, is not tested.
// `connection` is to the bucket itself; `through` when one of its access points is looked at; the
// endpoint is --kms-endpoint-url. Blocks on the network: one request a line, two for a key.
std::vector<Check> CheckSettings(Connection& connection, bool through,
                                 const std::string& kms_endpoint_url);

}  // namespace coffer::fs
