// Where the plaintext of a message goes while it is opened.
//
// An interface, since a file that is renamed into place when all is well may take more risk than a
// pipe. Called from the thread that opens; may block, on whatever it writes to.

#pragma once

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer {

class PlaintextSink {
 public:
  virtual ~PlaintextSink() = default;

  // The next bytes of the plaintext, whose tag has been found to fit. The end of the message may
  // still be missing: only a Finish without error says that this was all of it.
  virtual Status Write(ByteView plaintext) = 0;

  // Whether all that was written can be taken back when the message turns out not to be whole or
  // not to be signed by its key. If so, a message with a signature is written as its frames verify;
  // else it is held back in memory until its signature does.
  virtual bool CanWithdraw() const { return false; }
};

// For whoever wants to know that a message is whole, and nothing of what is in it.
class NoPlaintext : public PlaintextSink {
 public:
  Status Write(ByteView /*plaintext*/) override { return Ok(); }
  bool CanWithdraw() const override { return true; }
};

}  // namespace coffer
