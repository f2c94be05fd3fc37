// What a key has refused, for as long as asking again would only cost requests: denied for 5 to 30
// seconds, longer the more often; missing or disabled for 30. All else may be asked at once.
//
// By what was asked and under which context, since a key policy may allow the one and deny the
// other. Bounded. Safe to share between threads; never blocks.

#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "crypto/key_source.h"
#include "crypto/result.h"

namespace coffer {

enum class KeyUse { kGenerate, kWrap, kUnwrap };

class KeyRefusals {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // The refusal that still stands.
  std::optional<Error> Standing(KeyUse use, const EncryptionContext& context, SteadyTime now) const;
  // Takes notice of how a request ended; null: it was granted.
  void Learn(KeyUse use, const EncryptionContext& context, const Error* failure, SteadyTime now);

 private:
  struct Refusal {
    Error error;
    std::chrono::seconds pause;
    SteadyTime until;
  };
  using Question = std::pair<KeyUse, EncryptionContext>;

  mutable std::mutex mu_;
  std::map<Question, Refusal> refusals_;  // guarded by mu_
};

}  // namespace coffer
