// JSON as credential sources and KMS write it: the only door to the JSON library in s3client/.

#pragma once

#include <map>
#include <string>
#include <string_view>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "crypto/secret.h"

namespace coffer::s3 {

// The members of one JSON object as text: strings unquoted, numbers and booleans as written; null,
// arrays and objects are left out. kInvalid unless `text` is exactly one object, and never quotes
// it, for it holds secrets. Pure, safe from any thread.
Result<std::map<std::string, std::string>> ParseJsonObject(std::string_view text);
// Likewise of the object that is its member `name`; kInvalid where there is none.
Result<std::map<std::string, std::string>> ParseJsonObject(std::string_view text,
                                                           std::string_view name);

// `text` as a JSON string, quotes included. Bytes that are not ASCII stay as they are.
std::string JsonString(std::string_view text);

// Takes a key out of a reply before anything else parses it: the string member `name` of the one
// object that `text` is. Its base64 goes straight to where keys are kept, and blanks replace it in
// `text`, also when it is no base64 of a key. kInvalid when there is not exactly one such member;
// then `text` may still hold the key, and is to be wiped. kNoMemory when there is no room.
Result<Secret> TakeSecretMember(MutableByteView text, std::string_view name, SecretArena& arena);

}  // namespace coffer::s3
