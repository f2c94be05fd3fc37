#include "fs/user_context.h"

namespace coffer::fs {

Result<EncryptionContext> ParseUserContext(const std::vector<std::string>& words) {
  EncryptionContext context;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) {
      return Error{Code::kInvalid, "--encryption-context wants NAME=VALUE, not " + word};
    }
    if (!context.emplace(word.substr(0, equals), word.substr(equals + 1)).second) {
      return Error{Code::kInvalid,
                   "--encryption-context names " + word.substr(0, equals) + " twice"};
    }
  }
  COFFER_TRY(CheckUserContext(context));
  return context;
}

}  // namespace coffer::fs
