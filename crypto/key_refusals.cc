#include "crypto/key_refusals.h"

#include <algorithm>

namespace coffer {
namespace {

using std::chrono::seconds;

constexpr seconds kFirstDenied{5};
constexpr seconds kLongest{30};
constexpr std::size_t kMaxRefusals = 64;

}  // namespace

std::optional<Error> KeyRefusals::Standing(KeyUse use, const EncryptionContext& context,
                                           SteadyTime now) const {
  const std::lock_guard lock(mu_);
  const auto found = refusals_.find({use, context});
  if (found == refusals_.end() || now >= found->second.until) return std::nullopt;
  return found->second.error;
}

void KeyRefusals::Learn(KeyUse use, const EncryptionContext& context, const Error* failure,
                        SteadyTime now) {
  const Question question{use, context};
  const bool denied = failure != nullptr && failure->code == Code::kDenied;
  const bool gone = failure != nullptr &&
                    (failure->code == Code::kKeyMissing || failure->code == Code::kKeyDisabled);
  const std::lock_guard lock(mu_);
  const auto before = refusals_.find(question);
  if (!denied && !gone) {
    if (before != refusals_.end()) refusals_.erase(before);
    return;
  }
  seconds pause = gone ? kLongest : kFirstDenied;
  if (denied && before != refusals_.end()) pause = std::min(before->second.pause * 2, kLongest);
  if (before == refusals_.end() && refusals_.size() >= kMaxRefusals) {
    refusals_.erase(std::min_element(
        refusals_.begin(), refusals_.end(),
        [](const auto& a, const auto& b) { return a.second.until < b.second.until; }));
  }
  refusals_.insert_or_assign(question, Refusal{*failure, pause, now + pause});
}

}  // namespace coffer
