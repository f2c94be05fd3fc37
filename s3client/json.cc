#include "s3client/json.h"

#include <nlohmann/json.hpp>

namespace coffer::s3 {

Result<std::map<std::string, std::string>> ParseJsonObject(std::string_view text) {
  // Nothing that is read here nests; a limit, since the library recurses on what it parsed.
  constexpr int kMaxDepth = 16;
  bool too_deep = false;
  const auto watch = [&too_deep](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  const auto document = nlohmann::json::parse(text, watch, /*allow_exceptions=*/false);
  if (too_deep || !document.is_object()) return Error{Code::kInvalid, "not a JSON object"};
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : document.items()) {
    if (value.is_string()) {
      out[name] = value.get_ref<const std::string&>();
    } else if (value.is_number() || value.is_boolean()) {
      out[name] = value.dump();
    }
  }
  return out;
}

}  // namespace coffer::s3
