#include "s3client/environment.h"

#include <unistd.h>

#include <map>
#include <memory>

namespace coffer::s3 {

Environment ProcessEnvironment() {
  const auto variables = std::make_shared<std::map<std::string, std::string, std::less<>>>();
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) {
      variables->try_emplace(std::string(text.substr(0, equals)), text.substr(equals + 1));
    }
  }
  return [variables](std::string_view name) {
    const auto found = variables->find(name);
    return found == variables->end() ? std::string() : found->second;
  };
}

}  // namespace coffer::s3
