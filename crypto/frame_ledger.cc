#include "crypto/frame_ledger.h"

#include <iterator>

namespace coffer {
namespace {

Error SealedBefore(const std::string& what) {
  return {Code::kInvalid, what + ": a frame is sealed once, ever"};
}

}  // namespace

Status FrameLedger::Burn(FrameRun run) {
  if (run.first == 0 || run.count == 0 || run.count > kFinalMarker - run.first) {
    return Error{Code::kTooLarge, "more frames than a message takes"};
  }
  FrameNumber first = run.first;
  FrameNumber end = run.first + run.count;
  if (final_ != 0 && end > final_) return SealedBefore("a frame after the final one");
  const auto next = burnt_.lower_bound(first);
  if (next != burnt_.end() && next->first < end) return SealedBefore("a frame sealed before");
  if (next != burnt_.begin() && std::prev(next)->second > first) {
    return SealedBefore("a frame sealed before");
  }
  if (next != burnt_.end() && next->first == end) {
    end = next->second;
    burnt_.erase(next);
  }
  const auto before = burnt_.lower_bound(first);
  if (before != burnt_.begin() && std::prev(before)->second == first) {
    first = std::prev(before)->first;
  }
  burnt_[first] = end;
  return Ok();
}

Status FrameLedger::BurnFinal(FrameNumber number) {
  if (final_ != 0) return SealedBefore("a second final frame");
  if (number == 0 || (!burnt_.empty() && burnt_.rbegin()->second > number)) {
    return Error{Code::kInvalid, "final frame " + std::to_string(number) +
                                     " does not follow all other frames of the message"};
  }
  final_ = number;
  return Ok();
}

bool FrameLedger::complete() const {
  if (final_ <= 1) return final_ == 1;
  return burnt_.size() == 1 && burnt_.begin()->first == 1 && burnt_.begin()->second == final_;
}

}  // namespace coffer
