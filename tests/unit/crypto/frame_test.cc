#include "crypto/frame.h"

#include <catch2/catch.hpp>

#include "crypto/encoding.h"

namespace coffer::frame_test {

TEST_CASE("frame: nonces are numbers") {
  CHECK(HexEncode(FrameNonce(1)) == "000000000000000000000001");
  CHECK(HexEncode(FrameNonce(0xfedcba98)) == "0000000000000000fedcba98");
}

TEST_CASE("frame: heads as they are written, and a beginning wants more") {
  const Bytes key(32, std::byte{1});
  AesGcm cipher = AesGcm::ForSealing(key).value();
  Bytes regular(4 + 32);
  REQUIRE(SealFrame(cipher, AsBytes("id"), {FrameKind::kRegular, 7, FrameNonce(7), 4},
                    AsBytes("four"), regular));
  CHECK(HexEncode(ByteView(regular).first(16)) ==
        "00000007"
        "000000000000000000000007");
  Bytes last(2 + 40);
  REQUIRE(SealFrame(cipher, AsBytes("id"), {FrameKind::kFinal, 8, FrameNonce(8), 2}, AsBytes("xy"),
                    last));
  CHECK(HexEncode(ByteView(last).first(24)) ==
        "ffffffff"
        "00000008"
        "000000000000000000000008"
        "00000002");
  ByteReader reader(regular);
  auto head = ParseFrameHead(reader, 4);
  REQUIRE(head);
  CHECK(head->kind == FrameKind::kRegular);
  CHECK(head->number == 7);
  CHECK(head->nonce == FrameNonce(7));
  CHECK(head->size == 4);
  CHECK(reader.position() == 16);
  ByteReader final_reader(last);
  head = ParseFrameHead(final_reader, 4);
  REQUIRE(head);
  CHECK(head->kind == FrameKind::kFinal);
  CHECK(head->number == 8);
  CHECK(head->size == 2);
  CHECK(final_reader.position() == 24);
  for (std::size_t size = 0; size < 24; ++size) {
    ByteReader cut(ByteView(last).first(size));
    CHECK(ParseFrameHead(cut, 4).error().code == Code::kRange);
  }
  ByteReader too_long(last);
  CHECK(ParseFrameHead(too_long, 1).error().code == Code::kCorrupt);
}

TEST_CASE("frame: kind, number, length and message are authenticated") {
  const Bytes key(32, std::byte{1});
  AesGcm sealing = AesGcm::ForSealing(key).value();
  AesGcm opening = AesGcm::ForOpening(key).value();
  const FrameHead head{FrameKind::kRegular, 7, FrameNonce(7), 4};
  Bytes sealed(4 + 32);
  REQUIRE(SealFrame(sealing, AsBytes("id"), head, AsBytes("four"), sealed));
  const ByteView content = ByteView(sealed).subspan(16);
  Bytes out(4);
  REQUIRE(OpenFrame(opening, AsBytes("id"), head, content, out));
  CHECK(AsText(out) == "four");
  for (const auto kind : {FrameKind::kFinal, FrameKind::kWhole}) {
    FrameHead other = head;
    other.kind = kind;
    CHECK(OpenFrame(opening, AsBytes("id"), other, content, out).error().code == Code::kCorrupt);
  }
  FrameHead other = head;
  other.number = 8;
  CHECK(OpenFrame(opening, AsBytes("id"), other, content, out).error().code == Code::kCorrupt);
  other = head;
  other.size = 5;
  CHECK(OpenFrame(opening, AsBytes("id"), other, content, out).error().code == Code::kCorrupt);
  const Status refused = OpenFrame(opening, AsBytes("ie"), head, content, out);
  CHECK(refused.error().what == "frame 7 does not authenticate: its bytes were changed");
  CHECK(out == Bytes(4, std::byte{0}));
}

}  // namespace coffer::frame_test
