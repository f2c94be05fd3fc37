// JSON as credential sources print it: the only door to the JSON library in s3client/.

#pragma once

#include <map>
#include <string>
#include <string_view>

#include "crypto/result.h"

namespace coffer::s3 {

// The members of one JSON object as text: strings unquoted, numbers and booleans as written; null,
// arrays and objects are left out. kInvalid unless `text` is exactly one object, and never quotes
// it, for it holds secrets. Pure, safe from any thread.
Result<std::map<std::string, std::string>> ParseJsonObject(std::string_view text);

}  // namespace coffer::s3
