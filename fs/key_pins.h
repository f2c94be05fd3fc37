// Which keys a sealed volume was last seen under, on this machine: as ssh keeps the keys of hosts.
// Whoever controls the bucket could put another descriptor there; what is pinned tells.
//
// Kept in the state directory, by the volume's address. Blocks on the local disk only.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/volume_descriptor.h"

namespace coffer::fs {

struct KeyPin {
  std::string address;  // URL of bucket or access point, and the prefix
  std::string volume;   // id
  std::vector<KeyName> keys;
};

// Nothing when this address was never seen to be a sealed volume. A pin that is there and cannot be
// read is an error: to go on without it would trust the bucket.
Result<std::optional<KeyPin>> LoadPin(const std::string& state_directory,
                                      const std::string& address);
// Durable when it returns.
Status SavePin(const std::string& state_directory, const KeyPin& pin);

}  // namespace coffer::fs
