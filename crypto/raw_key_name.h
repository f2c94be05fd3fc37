// What a local key is called in the messages that it wraps: a namespace and a name within it.

#pragma once

#include <string>

#include "crypto/result.h"

namespace coffer {

struct RawKeyName {
  std::string provider;  // the namespace: "coffer"
  std::string name;      // "0123456789abcdef"
  std::string ToString() const { return provider + "/" + name; }
};

// kInvalid, with what to do, for a name that no message can carry, or that belongs to other keys.
Status CheckRawKeyName(const RawKeyName& name);

}  // namespace coffer
