// Which frame numbers of one message have been used. A number is the nonce under which its frame is
// sealed: two contents under one number would give the message's keys away, so a number is burnt
// before its frame is sealed, and stays burnt whatever happens then.
//
// Not thread-safe: the Sealer guards it.

#pragma once

#include <cstdint>
#include <map>

#include "crypto/layout.h"
#include "crypto/result.h"

namespace coffer {

class FrameLedger {
 public:
  // Numbers of regular frames, in any order. kInvalid, and none is burnt, when one of them was
  // burnt before or does not stand before the final frame; kTooLarge when no regular frame has it.
  Status Burn(FrameRun run);
  // The number after all others, of which some may still come: kInvalid when it or one above it was
  // burnt, or when there is a final frame already.
  Status BurnFinal(FrameNumber number);
  // The final frame and all before it are burnt: the message is whole.
  bool complete() const;

 private:
  // Runs of burnt numbers that do not touch: the first of each, and the one after its last.
  std::map<FrameNumber, FrameNumber> burnt_;
  FrameNumber final_ = 0;  // 0: none yet
};

}  // namespace coffer
