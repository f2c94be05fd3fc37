// The door to the JSON library for fs/: what commands print with --json and read back.

#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace coffer::fs {

// Members stay in the order in which they were put in.
using Json = nlohmann::ordered_json;

// Keys and names are any bytes; what is not UTF-8 shows as U+FFFD instead of throwing.
inline std::string ToText(const Json& json, int indent = 2) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace coffer::fs
