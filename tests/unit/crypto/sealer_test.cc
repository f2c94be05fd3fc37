#include "crypto/sealer.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "crypto/frame.h"
#include "crypto/opener.h"
#include "crypto/openssl.h"
#include "tests/support/sealed_message.h"
#include "tests/support/test_keys.h"

namespace coffer::sealer_test {

constexpr std::uint32_t kF = 64;
constexpr std::uint32_t kH = 1024;

struct Fixture {
  SecretArena arena{64};
  DataKeyPtr key = test::MakeDataKey(arena);
  Layout layout = Layout::Make(kH, kF).value();

  std::unique_ptr<Sealer> Make() {
    return Sealer::Make(*key, {{"coffer", "1"}, {"vol", "uuid"}}, layout, arena).value();
  }
};

TEST_CASE("sealer: sizes are those of the layout, and headers all of one size") {
  Fixture f;
  for (const std::size_t size : {0, 1, 63, 64, 65, 128, 129, 1000}) {
    CAPTURE(size);
    auto sealer = f.Make();
    const Bytes message = test::SealWhole(*sealer, test::Content(size));
    CHECK(message.size() == f.layout.ShapeOf(PlainSize{size})->sealed_size().bytes);
    CHECK(sealer->header().size() == kH);
    const Header header = ParseHeader(message, {}).value();
    CHECK(header.size == kH);
    CHECK(header.pad > 0);
    CHECK(header.suite.id == 0x0478);
    CHECK(header.frame_size == kF);
    CHECK(header.encrypted == f.key->encrypted);
    CHECK(AsText(header.message_id) == AsText(sealer->message_id()));
  }
}

TEST_CASE("sealer: a message of its own is not padded") {
  Fixture f;
  const auto sealer = Sealer::MakeUnpadded(*f.key, {}, 128, f.arena);
  REQUIRE(sealer);
  const Header header = ParseHeader((*sealer)->header(), {}).value();
  CHECK(header.pad == 0);
  CHECK(header.size == (*sealer)->layout().header_size());
  CHECK(header.size == (*sealer)->header().size());
  CHECK(header.frame_size == 128);
  CHECK(Sealer::MakeUnpadded(*f.key, {}, 0, f.arena).error().code == Code::kInvalid);
}

TEST_CASE("sealer: every message has an id of its own, and shares no byte with its like") {
  Fixture f;
  const auto one = f.Make();
  const auto two = f.Make();
  CHECK(AsText(one->message_id()) != AsText(two->message_id()));
  const std::string content = test::Content(kF);
  const Bytes first = test::SealWhole(*one, content);
  const Bytes second = test::SealWhole(*two, content);
  CHECK(AsText(ByteView(first).last(kF + 16)) != AsText(ByteView(second).last(kF + 16)));
}

TEST_CASE("sealer: a sealed number is burnt") {
  Fixture f;
  const auto sealer = f.Make();
  const std::string content = test::Content(3 * kF);
  Bytes out(3 * (kF + 32));
  REQUIRE(sealer->Seal(1, AsBytes(content), out));
  const Bytes untouched = out;
  CHECK(sealer->Seal(2, AsBytes(content).first(kF), MutableByteView(out).first(kF + 32))
            .error()
            .code == Code::kInvalid);
  CHECK(sealer->Seal(3, AsBytes(content).first(2 * kF), MutableByteView(out).first(2 * (kF + 32)))
            .error()
            .code == Code::kInvalid);
  CHECK(out == untouched);
  Bytes last(5 + 40);
  CHECK(sealer->SealFinal(3, AsBytes("final"), last).error().code == Code::kInvalid);
  CHECK_FALSE(sealer->complete());
  REQUIRE(sealer->SealFinal(4, AsBytes("final"), last));
  CHECK(sealer->complete());
  CHECK(sealer->SealFinal(4, AsBytes("final"), last).error().code == Code::kInvalid);
  CHECK(sealer->Seal(5, AsBytes(content).first(kF), MutableByteView(out).first(kF + 32))
            .error()
            .code == Code::kInvalid);
}

TEST_CASE("sealer: a message takes 2^32-1 frames, and not one more") {
  Fixture f;
  const auto sealer = f.Make();
  constexpr FrameNumber kLast = 0xffffffff;
  const std::string content = test::Content(2 * kF);
  Bytes out(2 * (kF + 32));
  const auto one = MutableByteView(out).first(kF + 32);
  // The number of the last frame is the final one's; no number follows it.
  CHECK(sealer->Seal(kLast, AsBytes(content).first(kF), one).error().code == Code::kTooLarge);
  CHECK(sealer->Seal(kLast - 1, AsBytes(content), out).error().code == Code::kTooLarge);
  CHECK(sealer->Seal(0, AsBytes(content).first(kF), one).error().code == Code::kTooLarge);
  REQUIRE(sealer->Seal(kLast - 1, AsBytes(content).first(kF), one));
  Bytes last(5 + 40);
  CHECK(sealer->SealFinal(0, AsBytes("final"), last).error().code == Code::kInvalid);
  REQUIRE(sealer->SealFinal(kLast, AsBytes("final"), last));
  CHECK(sealer->Seal(1, AsBytes(content).first(kF), one));  // it was free, and is before the end
  CHECK_FALSE(sealer->complete());
}

// getrandom has no state in this process that a fork could copy.
TEST_CASE("sealer: a forked child draws other message ids than its parent") {
  Fixture f;
  REQUIRE_FALSE(f.Make()->message_id().empty());  // whatever has to be warm is
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    Bytes ids;
    for (int i = 0; i < 4; ++i) {
      std::array<std::byte, 32> id{};
      if (!RandomBytes(id)) _exit(1);
      ids.insert(ids.end(), id.begin(), id.end());
    }
    _exit(write(ends[1], ids.data(), ids.size()) == static_cast<ssize_t>(ids.size()) ? 0 : 1);
  }
  std::vector<std::string> drawn;
  for (int i = 0; i < 4; ++i) drawn.emplace_back(AsText(f.Make()->message_id()));
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  for (int i = 0; i < 4; ++i) {
    std::string id(32, 0);
    REQUIRE(read(ends[0], id.data(), id.size()) == 32);
    drawn.push_back(std::move(id));
  }
  close(ends[0]);
  close(ends[1]);
  std::sort(drawn.begin(), drawn.end());
  CHECK(std::adjacent_find(drawn.begin(), drawn.end()) == drawn.end());
}

TEST_CASE("sealer: what is no frame is refused, and burns nothing") {
  Fixture f;
  const auto sealer = f.Make();
  const std::string content = test::Content(2 * kF);
  Bytes out(2 * (kF + 40));
  const auto seal = [&](std::size_t plain, std::size_t sealed) {
    return sealer->Seal(1, AsBytes(content).first(plain), MutableByteView(out).first(sealed))
        .error()
        .code;
  };
  CHECK(seal(0, 0) == Code::kInvalid);
  CHECK(seal(kF - 1, kF + 31) == Code::kInvalid);
  CHECK(seal(kF, kF + 31) == Code::kInvalid);
  CHECK(seal(kF + 1, kF + 33) == Code::kInvalid);
  CHECK(seal(2 * kF, kF + 32) == Code::kInvalid);
  const auto final_frame = [&](FrameNumber number, std::size_t plain, std::size_t sealed) {
    return sealer
        ->SealFinal(number, AsBytes(content).first(plain), MutableByteView(out).first(sealed))
        .error()
        .code;
  };
  CHECK(final_frame(1, kF + 1, kF + 41) == Code::kInvalid);
  CHECK(final_frame(1, 5, 44) == Code::kInvalid);
  REQUIRE(sealer->Seal(1, AsBytes(content).first(kF), MutableByteView(out).first(kF + 32)));
  CHECK(final_frame(2, 0, 40) == Code::kInvalid);  // the last full frame should have been final
  CHECK(sealer->SealFinal(2, AsBytes("x"), MutableByteView(out).first(41)));
}

TEST_CASE("sealer: keys and context that do not fit, and reserved names") {
  Fixture f;
  const auto tight = Layout::Make(160, kF).value();
  const auto refused = Sealer::Make(*f.key, {{"coffer", "1"}}, tight, f.arena);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::kTooLarge);
  CHECK(refused.error().what.find("is 6 bytes too long for this volume") != std::string::npos);
  CHECK(Sealer::Make(*f.key, {{"aws-crypto-x", "1"}}, f.layout, f.arena).error().code ==
        Code::kInvalid);
}

TEST_CASE("sealer: frames sealed by several threads make one message") {
  Fixture f;
  const auto sealer = f.Make();
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 50;
  const std::string content = test::Content(kThreads * kEach * kF + 1);
  const Shape shape = f.layout.ShapeOf(PlainSize{content.size()}).value();
  Bytes message(shape.sealed_size().bytes);
  std::copy(sealer->header().begin(), sealer->header().end(), message.begin());
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < kEach; ++i) {
        const std::size_t frame = i * kThreads + t;
        const auto number = static_cast<FrameNumber>(frame + 1);
        sealer
            ->Seal(number, AsBytes(content).subspan(frame * kF, kF),
                   MutableByteView(message).subspan(shape.SealedOf({number, 1}).offset, kF + 32))
            .value();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(sealer->SealFinal(shape.final_frame(), AsBytes(content).last(1),
                            MutableByteView(message).last(41)));
  const Header header = ParseHeader(message, {}).value();
  const auto opener = Opener::Make(header, message, *f.key, f.arena);
  REQUIRE(opener);
  const FrameRun all{1, shape.final_frame()};
  Bytes out(content.size());
  REQUIRE(opener->Open(shape, all, ByteView(message).subspan(kH), out));
  CHECK(AsText(out) == content);
}

}  // namespace coffer::sealer_test
