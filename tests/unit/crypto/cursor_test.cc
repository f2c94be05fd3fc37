#include "crypto/cursor.h"

#include <catch2/catch.hpp>

#include "crypto/encoding.h"

namespace coffer::cursor_test {

TEST_CASE("cursor: integers are big-endian, both ways") {
  Bytes out;
  ByteWriter writer(out);
  writer.Integer(std::uint8_t{0x01});
  writer.Integer(std::uint16_t{0x0203});
  writer.Integer(std::uint32_t{0x04050607});
  writer.Integer(std::uint64_t{0xf8090a0b0c0d0e0f});
  CHECK(HexEncode(out) == "01020304050607f8090a0b0c0d0e0f");
  ByteReader reader(out);
  CHECK(reader.Integer<std::uint8_t>().value() == 0x01);
  CHECK(reader.Integer<std::uint16_t>().value() == 0x0203);
  CHECK(reader.Integer<std::uint32_t>().value() == 0x04050607);
  CHECK(reader.Integer<std::uint64_t>().value() == 0xf8090a0b0c0d0e0f);
  CHECK(reader.done());
}

TEST_CASE("cursor: a read past the end fails and moves nothing") {
  const Bytes bytes = HexDecode("0003616263").value();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    ByteReader reader(ByteView(bytes).first(size));
    CHECK(reader.ShortText().error().code == Code::kRange);
    CHECK(reader.position() == 0);
    CHECK(reader.Take(size + 1).error().code == Code::kRange);
    CHECK(reader.Take(static_cast<std::size_t>(-1)).error().code == Code::kRange);
    CHECK(reader.remaining() == size);
  }
  ByteReader whole(bytes);
  CHECK(whole.ShortText().value() == "abc");
  CHECK(whole.done());
  CHECK(whole.Take(0).value().empty());
  CHECK(whole.Integer<std::uint8_t>().error().code == Code::kRange);
}

TEST_CASE("cursor: a text too long for its length field is not begun") {
  Bytes out;
  ByteWriter writer(out);
  CHECK(writer.ShortText(std::string(0x10000, 'a')).error().code == Code::kTooLarge);
  CHECK(out.empty());
  REQUIRE(writer.ShortText(std::string(0xffff, 'a')));
  CHECK(ByteReader(out).ShortText().value().size() == 0xffff);
}

}  // namespace coffer::cursor_test
