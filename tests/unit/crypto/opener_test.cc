#include "crypto/opener.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/frame.h"
#include "crypto/header_tag.h"
#include "tests/support/sealed_message.h"
#include "tests/support/test_keys.h"

namespace coffer::opener_test {

constexpr std::uint32_t kF = 32;
constexpr std::uint32_t kH = 256;

struct Fixture {
  SecretArena arena{64};
  DataKeyPtr key = test::MakeDataKey(arena);
  Layout layout = Layout::Make(kH, kF).value();
  EncryptionContext context{{"coffer", "1"}, {"vol", "uuid"}};

  Bytes Seal(const std::string& content) {
    return test::SealWhole(*Sealer::Make(*key, context, layout, arena).value(), content);
  }

  // As a reader of a whole object does: the size of the object, the header, all frames.
  Result<std::string> Open(const Bytes& message) {
    COFFER_ASSIGN(const Shape shape, layout.ShapeOf(CipherSize{message.size()}));
    COFFER_ASSIGN(const Header header, ParseHeader(message, {}));
    COFFER_ASSIGN(const Opener opener, Opener::Make(header, message, *key, arena));
    const FrameRun all{1, shape.final_frame()};
    Bytes out(shape.plain_size().bytes);
    const Status opened = opener.Open(shape, all, ByteView(message).subspan(kH), out);
    Bytes there(message.begin() + kH, message.end());
    const Status in_place = opener.OpenInPlace(shape, all, there);
    CHECK((opened ? "" : opened.error().what) == (in_place ? "" : in_place.error().what));
    CHECK(there == (opened ? out : Bytes()));
    COFFER_TRY(opened);
    return std::string(AsText(out));
  }
  std::string Why(const Bytes& message) {
    const auto opened = Open(message);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Code::kCorrupt);
    return opened.error().what;
  }
};

bool Says(const std::string& what, const std::string& words) {
  CAPTURE(what);
  CHECK(what.find(words) != std::string::npos);
  return what.find(words) != std::string::npos;
}

Bytes First(const Bytes& bytes, std::size_t size) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

// Sealed frame `number` of a message of regular frames, as an iterator.
template <typename B>
auto FrameAt(B& message, std::size_t number) {
  return message.begin() + static_cast<std::ptrdiff_t>(kH + (number - 1) * (kF + 32));
}

TEST_CASE("opener: what was sealed, of every size") {
  Fixture f;
  for (std::size_t size = 0; size <= 3 * kF + 1; ++size) {
    CAPTURE(size);
    const std::string content = test::Content(size);
    CHECK(f.Open(f.Seal(content)).value() == content);
  }
}

// The hash is of the messages that an independent writer, in Python after coffer-format(5), makes
// of the same ids, keys and contents.
TEST_CASE("opener: messages of every size up to four frames and a byte are these very bytes") {
  Fixture f;
  Sha256Stream all;
  for (std::uint32_t size = 0; size <= 4 * kF + 1; ++size) {
    CAPTURE(size);
    Header header;
    header.message_id = Bytes(28, std::byte{0});
    ByteWriter(header.message_id).Integer(size);
    header.context = f.context;
    header.encrypted = f.key->encrypted;
    header.frame_size = kF;
    REQUIRE(PadHeader(header, kH));
    SealedHeader sealed = SealHeader(header, *f.key, f.arena).value();
    AesGcm cipher = AesGcm::ForSealing(sealed.content_key.view()).value();
    const std::string content = test::Content(size);
    Bytes message = std::move(sealed.bytes);
    const Bytes frames = test::SealFrames(cipher, header.message_id, content, kF);
    message.insert(message.end(), frames.begin(), frames.end());
    CHECK(f.Open(message).value() == content);
    all.Update(message);
  }
  CHECK(HexEncode(all.Finish()) ==
        "087d039c2e584294e765b596388443e3d78e4c71cf944d9ad5eb2ae0c98de3a7");
}

TEST_CASE("opener: any run of frames by itself") {
  Fixture f;
  const std::string content = test::Content(4 * kF + 5);
  const Bytes message = f.Seal(content);
  const Shape shape = f.layout.ShapeOf(CipherSize{message.size()}).value();
  const Opener opener =
      Opener::Make(ParseHeader(message, {}).value(), message, *f.key, f.arena).value();
  CHECK(opener.layout() == f.layout);
  for (FrameNumber first = 1; first <= 5; ++first) {
    for (std::uint32_t count = 1; first + count <= 6; ++count) {
      CAPTURE(first, count);
      const FrameRun run{first, count};
      const PlainRange plain = shape.PlainOf(run);
      const CipherRange sealed = shape.SealedOf(run);
      Bytes out(plain.size);
      REQUIRE(opener.Open(shape, run, ByteView(message).subspan(sealed.offset, sealed.size), out));
      CHECK(AsText(out) == content.substr(plain.offset, plain.size));
      Bytes there(message.begin() + sealed.offset, message.begin() + sealed.offset + sealed.size);
      REQUIRE(opener.OpenInPlace(shape, run, there));
      CHECK(there == out);
    }
  }
  Bytes out(kF);
  const ByteView frame = ByteView(message).subspan(kH, kF + 32);
  CHECK(opener.Open(shape, {0, 1}, frame, out).error().code == Code::kInvalid);
  CHECK(opener.Open(shape, {6, 1}, frame, out).error().code == Code::kInvalid);
  CHECK(opener.Open(shape, {1, 1}, frame.first(kF), out).error().code == Code::kInvalid);
  CHECK(opener.Open(shape, {1, 1}, frame, MutableByteView(out).first(1)).error().code ==
        Code::kInvalid);
  Bytes there(frame.begin(), frame.end());
  CHECK(opener.OpenInPlace(shape, {0, 1}, there).error().code == Code::kInvalid);
  CHECK(opener.OpenInPlace(shape, {1, 2}, there).error().code == Code::kInvalid);
  const Shape other = Layout::Make(kH + 1, kF)->ShapeOf(shape.plain_size()).value();
  CHECK(opener.Open(other, {1, 1}, frame, out).error().code == Code::kInvalid);
  CHECK(opener.OpenInPlace(other, {1, 1}, there).error().code == Code::kInvalid);
  CHECK(there == Bytes(frame.begin(), frame.end()));
}

TEST_CASE("opener: every changed bit of a message is refused") {
  Fixture f;
  const Bytes message = f.Seal(test::Content(2 * kF + 9));
  REQUIRE(f.Open(message));
  for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
    CAPTURE(bit / 8, bit % 8);
    Bytes damaged = message;
    damaged[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    CHECK_FALSE(f.Open(damaged));
  }
}

TEST_CASE("opener: every cut of a message is refused") {
  Fixture f;
  const Bytes message = f.Seal(test::Content(2 * kF + 9));
  for (std::size_t size = 0; size < message.size(); ++size) {
    CAPTURE(size);
    CHECK(f.Open(First(message, size)).error().code == Code::kCorrupt);
  }
}

TEST_CASE("opener: a cut at the end of a frame is named") {
  Fixture f;
  const Bytes message = f.Seal(test::Content(2 * kF + 9));
  Says(f.Why(First(message, kH + 2 * (kF + 32))),
       "a regular frame where the final one, frame 2, should be: the object was cut off");
  Says(f.Why(First(message, kH + kF + 32)), "the final one, frame 1,");
}

TEST_CASE("opener: everything appended to a message is refused") {
  Fixture f;
  const Bytes message = f.Seal(test::Content(2 * kF + 9));
  for (std::size_t more = 1; more < 3 * (kF + 32); ++more) {
    CAPTURE(more);
    Bytes longer = message;
    longer.resize(message.size() + more, std::byte{0});
    CHECK(f.Open(longer).error().code == Code::kCorrupt);
  }
  // Its own frames again: they are frames, and at a wrong place.
  Bytes twice = message;
  twice.insert(twice.end(), message.begin() + kH, message.end());
  CHECK(f.Open(twice).error().code == Code::kCorrupt);
  // An empty final frame behind a final one.
  const Bytes full = f.Seal(test::Content(2 * kF));
  const Bytes empty = f.Seal("");
  Bytes appended = full;
  appended.insert(appended.end(), empty.end() - 40, empty.end());
  CHECK(f.Open(appended).error().code == Code::kCorrupt);
}

TEST_CASE("opener: frames in another order, twice, or left out") {
  Fixture f;
  const Bytes message = f.Seal(test::Content(3 * kF + 9));
  const auto frame = static_cast<std::ptrdiff_t>(kF + 32);
  Bytes swapped = message;
  std::swap_ranges(FrameAt(swapped, 1), FrameAt(swapped, 2), FrameAt(swapped, 2));
  Says(f.Why(swapped), "frame 2 where frame 1 should be");

  Bytes twice = message;
  std::copy_n(FrameAt(message, 1), frame, FrameAt(twice, 2));
  Says(f.Why(twice), "frame 1 where frame 2 should be");
  twice[kH + kF + 32 + 3] = std::byte{2};  // renumbered
  Says(f.Why(twice), "frame 2 has another nonce than its number");
  twice[kH + kF + 32 + 15] = std::byte{2};
  Says(f.Why(twice), "frame 2 does not authenticate");

  Bytes shorter = message;
  shorter.erase(FrameAt(shorter, 2), FrameAt(shorter, 3));
  Says(f.Why(shorter), "frame 3 where frame 2 should be");
}

TEST_CASE("opener: frames of another message under the same key") {
  Fixture f;
  const std::string content = test::Content(2 * kF + 9);
  const Bytes one = f.Seal(content);
  const Bytes two = f.Seal(content);
  Bytes mixed = one;
  std::copy(FrameAt(two, 2), FrameAt(two, 3), FrameAt(mixed, 2));
  Says(f.Why(mixed), "frame 2 does not authenticate");
  mixed = one;
  std::copy(two.begin(), two.begin() + kH, mixed.begin());
  Says(f.Why(mixed), "frame 1 does not authenticate");
}

TEST_CASE("opener: nothing is released beside what does not authenticate") {
  Fixture f;
  Bytes message = f.Seal(test::Content(2 * kF + 9));
  message.back() ^= std::byte{1};
  const Shape shape = f.layout.ShapeOf(CipherSize{message.size()}).value();
  const Opener opener =
      Opener::Make(ParseHeader(message, {}).value(), message, *f.key, f.arena).value();
  Bytes out(shape.plain_size().bytes, std::byte{0xee});
  CHECK_FALSE(opener.Open(shape, {1, 3}, ByteView(message).subspan(kH), out));
  CHECK(out == Bytes(out.size(), std::byte{0}));
}

TEST_CASE("opener: foreign messages may choose nonces, and end with an empty frame") {
  Fixture f;
  Header header;
  header.message_id = Bytes(32, std::byte{5});
  header.encrypted = f.key->encrypted;
  header.frame_size = kF;
  const SealedHeader sealed = SealHeader(header, *f.key, f.arena).value();
  AesGcm cipher = AesGcm::ForSealing(sealed.content_key.view()).value();
  Bytes message = sealed.bytes;
  const std::string content = test::Content(kF);
  const auto size = static_cast<std::uint32_t>(message.size());
  message.resize(size + kF + 32 + 40);
  // Sealed as frame 1 with the nonce 9, by hand: SealFrame writes no such frame.
  Bytes authenticated = header.message_id;
  ByteWriter authenticating(authenticated);
  authenticating.Append(AsBytes("AWSKMSEncryptionClient Frame"));
  authenticating.Integer(std::uint32_t{1});
  authenticating.Integer(std::uint64_t{kF});
  Bytes head;
  ByteWriter(head).Integer(std::uint32_t{1});
  ByteWriter(head).Append(FrameNonce(9));
  std::copy(head.begin(), head.end(), message.begin() + size);
  REQUIRE(cipher.Seal(FrameNonce(9), authenticated, AsBytes(content),
                      MutableByteView(message).subspan(size + 16, kF + 16)));
  REQUIRE(SealFrame(cipher, header.message_id, {FrameKind::kFinal, 2, FrameNonce(2), 0}, {},
                    MutableByteView(message).last(40)));

  const Opener opener =
      Opener::Make(ParseHeader(message, {}).value(), message, *f.key, f.arena).value();
  const Shape shape = opener.layout().ShapeOf(CipherSize{message.size()}).value();
  CHECK(shape.plain_size() == PlainSize{kF});
  Bytes out(kF);
  REQUIRE(opener.Open(shape, {1, 2}, ByteView(message).subspan(size), out));
  CHECK(AsText(out) == content);
}

TEST_CASE("opener: other suites, unframed messages and other keys are refused") {
  Fixture f;
  Header header;
  header.suite = *FindSuite(0x0178);
  header.message_id = Bytes(16, std::byte{5});
  header.encrypted = f.key->encrypted;
  header.frame_size = kF;
  Bytes bytes = SealHeader(header, *f.key, f.arena)->bytes;
  CHECK(Opener::Make(ParseHeader(bytes, {}).value(), bytes, *f.key, f.arena).error().code ==
        Code::kUnsupported);
  header.suite = SealingSuite();
  header.message_id = Bytes(32, std::byte{5});
  header.content = ContentType::kWhole;
  header.frame_size = 0;
  bytes = SealHeader(header, *f.key, f.arena)->bytes;
  CHECK(Opener::Make(ParseHeader(bytes, {}).value(), bytes, *f.key, f.arena).error().code ==
        Code::kUnsupported);
  bytes = f.Seal("x");
  CHECK(
      Opener::Make(ParseHeader(bytes, {}).value(), bytes, *test::MakeDataKey(f.arena, 'o'), f.arena)
          .error()
          .code == Code::kCorrupt);
}

}  // namespace coffer::opener_test
