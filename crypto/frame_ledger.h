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
  // Numbers of regular frames. kInvalid, and none is burnt, when one of them was burnt before, when
  // the final frame was, or when they are no numbers of regular frames.
  Status Burn(FrameRun run);
  // The number after all others: kInvalid while one below it is missing, or one above it is burnt.
  Status BurnFinal(FrameNumber number);

 private:
  // Runs of burnt numbers that do not touch: the first of each, and the one after its last.
  std::map<FrameNumber, FrameNumber> burnt_;
  bool finished_ = false;
};

}  // namespace coffer
