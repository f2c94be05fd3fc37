// The bytes of one part while it fills: memory is taken from the budget in steps and never moved
// once the part is large, so that a byte is copied once on its way to the network.

#pragma once

#include <cstdint>

#include "crypto/bytes.h"
#include "fs/memory_budget.h"

namespace coffer::fs {

// Owned by one writer at a time; not thread-safe.
class PartBuffer {
 public:
  // Each byte takes `copies` of the budget: where a sealed one stands beside it while it is sent,
  // that comes out of the same limit.
  explicit PartBuffer(std::uint64_t copies = 1) : copies_(copies) {}

  std::uint64_t size() const { return bytes_.size(); }
  // How large it may become with the memory it has.
  std::uint64_t room() const { return memory_.size() / copies_; }
  ByteView bytes() const { return bytes_; }

  // The step in which memory for `size` bytes of a part of at most `most` is best taken: small
  // files take little, and a part that grows takes at once what makes it large enough to be sent.
  static std::uint64_t Step(std::uint64_t size, std::uint64_t smallest_part, std::uint64_t most);

  // Adds memory for a part of at most `most` bytes.
  void Give(Reservation memory, std::uint64_t most);
  // These three stay within room(). New bytes of Resize are zero.
  void Append(ByteView bytes);
  void Overwrite(std::uint64_t offset, ByteView bytes);
  void Resize(std::uint64_t size);
  // Takes over bytes that came from elsewhere, within room().
  void Fill(Bytes bytes);
  // Drops all but the last `size` bytes, and the memory of what is dropped.
  void KeepEnd(std::uint64_t size);

 private:
  std::uint64_t copies_;
  Bytes bytes_;
  Reservation memory_;
};

}  // namespace coffer::fs
