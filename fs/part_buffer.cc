#include "fs/part_buffer.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace coffer::fs {
namespace {

constexpr std::uint64_t kSmall = 64u << 10;
constexpr std::uint64_t kMedium = 256u << 10;
constexpr std::uint64_t kLarge = 1u << 20;

}  // namespace

std::uint64_t PartBuffer::Step(std::uint64_t size, std::uint64_t smallest_part,
                               std::uint64_t most) {
  std::uint64_t step = (size + kLarge - 1) / kLarge * kLarge;
  if (size <= kSmall) {
    step = kSmall;
  } else if (size <= kMedium) {
    step = kMedium;
  } else {
    step = std::max(step, smallest_part);
  }
  return std::max(size, std::min(step, most));
}

void PartBuffer::Give(Reservation memory, std::uint64_t most) {
  memory_.Add(std::move(memory));
  // Address space for the whole part costs little until it is touched, and spares moving it.
  const std::uint64_t wanted = room() <= kMedium ? room() : std::max(most, room());
  if (bytes_.capacity() < room()) bytes_.reserve(wanted);
}

void PartBuffer::Append(ByteView bytes) {
  assert(bytes.size() <= room() - size());
  const std::size_t before = bytes_.size();
  if (bytes_.capacity() < before + bytes.size()) bytes_.reserve(room());
  bytes_.resize(before + bytes.size());
  if (!bytes.empty()) std::memcpy(bytes_.data() + before, bytes.data(), bytes.size());
}

void PartBuffer::Overwrite(std::uint64_t offset, ByteView bytes) {
  assert(offset <= size() && bytes.size() <= size() - offset);
  if (!bytes.empty()) std::memcpy(bytes_.data() + offset, bytes.data(), bytes.size());
}

void PartBuffer::Resize(std::uint64_t new_size) {
  assert(new_size <= room());
  const std::size_t before = bytes_.size();
  if (bytes_.capacity() < new_size) bytes_.reserve(room());
  bytes_.resize(new_size);
  if (new_size > before) std::memset(bytes_.data() + before, 0, new_size - before);
}

void PartBuffer::Fill(Bytes bytes) {
  assert(bytes.size() <= room());
  bytes_ = std::move(bytes);
}

void PartBuffer::KeepEnd(std::uint64_t size) {
  assert(size <= bytes_.size());
  bytes_ = Bytes(bytes_.end() - static_cast<std::ptrdiff_t>(size), bytes_.end());
  memory_.Shrink(size * copies_);
}

}  // namespace coffer::fs
