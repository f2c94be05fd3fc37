// A JSON object of strings: how the S3 Encryption Client keeps contexts and instruction files. The
// only door to the JSON library in crypto/.

#pragma once

#include <map>
#include <string>
#include <string_view>

#include "crypto/result.h"

namespace coffer {

// kInvalid unless `json` is exactly one object whose members are all strings and all of different
// names: of two with one name another reader might believe the other. Pure, safe from any thread;
// whoever calls bounds the size.
Result<std::map<std::string, std::string>> ParseStringMap(std::string_view json);

}  // namespace coffer
