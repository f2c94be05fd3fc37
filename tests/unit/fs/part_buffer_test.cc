#include "fs/part_buffer.h"

#include <catch2/catch.hpp>
#include <string>

namespace coffer::fs::part_buffer_test {

constexpr std::uint64_t kKiB = 1u << 10;
constexpr std::uint64_t kMiB = 1u << 20;

TEST_CASE("part_buffer: memory is taken in steps that fit small files and large parts") {
  const std::uint64_t smallest = 5 * kMiB, most = 8 * kMiB;
  CHECK(PartBuffer::Step(1, smallest, most) == 64 * kKiB);
  CHECK(PartBuffer::Step(64 * kKiB + 1, smallest, most) == 256 * kKiB);
  CHECK(PartBuffer::Step(256 * kKiB + 1, smallest, most) == 5 * kMiB);
  CHECK(PartBuffer::Step(5 * kMiB + 1, smallest, most) == 6 * kMiB);
  CHECK(PartBuffer::Step(8 * kMiB, smallest, most) == 8 * kMiB);
  CHECK(PartBuffer::Step(100, smallest, 10'000) == 10'000);
  CHECK(PartBuffer::Step(10'001, smallest, 10'000) == 10'001);  // never less than what is needed
}

TEST_CASE("part_buffer: a large part does not move while it fills") {
  MemoryBudget budget(64 * kMiB);
  PartBuffer buffer;
  buffer.Give(budget.TryReserve(kMiB), 8 * kMiB);
  const std::string piece(kMiB, 'x');
  buffer.Append(AsBytes(piece));
  const std::byte* where = buffer.bytes().data();
  for (int i = 0; i < 7; ++i) {
    buffer.Give(budget.TryReserve(kMiB), 8 * kMiB);
    buffer.Append(AsBytes(piece));
  }
  CHECK(buffer.bytes().data() == where);
  CHECK(buffer.size() == 8 * kMiB);
  CHECK(budget.used() == 8 * kMiB);
}

TEST_CASE("part_buffer: where two copies will stand, both are paid for") {
  MemoryBudget budget(64 * kMiB);
  PartBuffer buffer(2);
  buffer.Give(budget.TryReserve(8 * kMiB), 8 * kMiB);
  CHECK(buffer.room() == 4 * kMiB);
  buffer.Append(AsBytes(std::string(4 * kMiB, 'x')));
  buffer.KeepEnd(kMiB);
  CHECK(buffer.room() == kMiB);
  CHECK(budget.used() == 2 * kMiB);
}

TEST_CASE("part_buffer: bytes are appended, overwritten, cut and extended with zeros") {
  MemoryBudget budget(kMiB);
  PartBuffer buffer;
  buffer.Give(budget.TryReserve(100), 100);
  buffer.Append(AsBytes("0123456789"));
  buffer.Overwrite(2, AsBytes("ab"));
  buffer.Resize(5);
  buffer.Resize(7);
  CHECK(AsText(buffer.bytes()) == std::string("01ab4\0\0", 7));
  const ByteView taken = AsBytes("taken over");
  buffer.Fill(Bytes(taken.begin(), taken.end()));
  buffer.Append(AsBytes(std::string(90, 'x')));
  CHECK(buffer.size() == 100);
  CHECK(AsText(buffer.bytes()).substr(0, 11) == "taken overx");
  PartBuffer moved = std::move(buffer);
  CHECK(moved.room() == 100);
  moved = PartBuffer();
  CHECK(budget.used() == 0);
}

}  // namespace coffer::fs::part_buffer_test
