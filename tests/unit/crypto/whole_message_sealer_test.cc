#include "crypto/whole_message_sealer.h"

#include <catch2/catch.hpp>

#include "tests/support/opened_message.h"
#include "tests/support/sealed_message.h"
#include "tests/support/test_keys.h"

namespace coffer::whole_message_sealer_test {

TEST_CASE("whole message sealer: any size in pieces of any size is one message of its layout") {
  SecretArena arena(64);
  const DataKeyPtr key = test::MakeDataKey(arena);
  test::OneKey keys(key);
  for (const std::size_t size : {0, 1, 31, 32, 33, 64, 65, 96, 200}) {
    for (const std::size_t piece : {1, 7, 31, 32, 33, 64, 200}) {
      CAPTURE(size, piece);
      const std::string content = test::Content(size);
      auto sealer = WholeMessageSealer::Make(*key, {{"purpose", "test"}}, 32, arena).value();
      Bytes message;
      for (std::size_t at = 0; at < size; at += piece) {
        REQUIRE(sealer.Write(AsBytes(content.substr(at, piece)), message));
      }
      REQUIRE(sealer.Finish(message));
      const Header header = ParseHeader(message, {}).value();
      const Layout layout = Layout::Make(static_cast<std::uint32_t>(header.size), 32).value();
      CHECK(message.size() == layout.ShapeOf(PlainSize{size})->sealed_size().bytes);
      CHECK(header.pad == 0);
      CHECK(test::OpenWhole(message, keys, arena, {}).value() == content);
    }
  }
}

TEST_CASE("whole message sealer: finished once, and no frame length of 0") {
  SecretArena arena(8);
  const DataKeyPtr key = test::MakeDataKey(arena);
  auto sealer = WholeMessageSealer::Make(*key, {}, 32, arena).value();
  Bytes message;
  REQUIRE(sealer.Finish(message));
  CHECK(sealer.Finish(message).error().code == Code::kInvalid);
  CHECK(WholeMessageSealer::Make(*key, {}, 0, arena).error().code == Code::kInvalid);
  CHECK(WholeMessageSealer::Make(*key, {{"aws-crypto-x", ""}}, 32, arena).error().code ==
        Code::kInvalid);
}

}  // namespace coffer::whole_message_sealer_test
