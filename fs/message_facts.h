// What the header of a message and the metadata around it say, for people and for programs. Pure
// functions; nothing here proves anything.

#pragma once

#include <optional>
#include <string>

#include "crypto/header.h"
#include "crypto/result.h"
#include "fs/json.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// {"format", "suite", "message_id", "encryption_context", "encrypted_data_keys", ...}; frames and
// plaintext size follow from `size`, and are left out when no message has that size.
Json MessageFacts(const Header& header, std::uint64_t size);
// {"key", "size", "etag", ...}
Json ObjectFacts(const std::string& key, const s3::ObjectInfo& info);

// Both as aligned lines; what is not ASCII text is escaped.
std::string FactsForPeople(const Json& facts);

}  // namespace coffer::fs
