// Cursors over bytes: every parser and every encoder of a binary format goes through them, so that
// none does arithmetic on pointers or forgets a bound. Integers are big-endian.
//
// Cheap values for one thread; they borrow the bytes and outlive no call.

#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer {

// Every read fails with kRange when the bytes end before it, and then moves nothing.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : bytes_(bytes) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }
  bool done() const { return remaining() == 0; }

  Result<ByteView> Take(std::size_t size) {
    if (size > remaining()) return Error{Code::kRange, "the bytes end too early"};
    position_ += size;
    return bytes_.subspan(position_ - size, size);
  }

  template <std::unsigned_integral T>
  Result<T> Integer() {
    COFFER_ASSIGN(const ByteView bytes, Take(sizeof(T)));
    std::uint64_t value = 0;
    for (const std::byte b : bytes) value = value << 8 | std::to_integer<std::uint64_t>(b);
    return static_cast<T>(value);
  }

  // A 16-bit length and that many bytes.
  Result<std::string_view> ShortText() {
    const std::size_t before = position_;
    COFFER_ASSIGN(const auto size, Integer<std::uint16_t>());
    auto text = Take(size);
    if (!text) {
      position_ = before;
      return std::move(text).error();
    }
    return AsText(*text);
  }

 private:
  ByteView bytes_;
  std::size_t position_ = 0;
};

// Appends to `out`.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  void Append(ByteView bytes) { coffer::Append(out_, bytes); }

  template <std::unsigned_integral T>
  void Integer(T value) {
    for (std::size_t left = sizeof(T); left > 0; --left) {
      out_.push_back(static_cast<std::byte>(static_cast<std::uint64_t>(value) >> 8 * (left - 1)));
    }
  }

  // A 16-bit length and the bytes. kTooLarge over 65,535, and nothing is written.
  Status ShortText(std::string_view text) {
    if (text.size() > 0xffff) {
      return Error{Code::kTooLarge, "a value of " + std::to_string(text.size()) +
                                        " bytes where the format takes 65,535"};
    }
    Integer(static_cast<std::uint16_t>(text.size()));
    Append(AsBytes(text));
    return Ok();
  }

 private:
  Bytes& out_;
};

}  // namespace coffer
