#include "crypto/sealed_xattrs.h"

#include <catch2/catch.hpp>

namespace coffer::sealed_xattrs_test {

TEST_CASE("sealed xattrs: there and back, never twice alike") {
  SecretArena arena(4);
  const Secret key = arena.Random(32).value();
  for (const std::string text : {"", "{\"user.a\":\"YQ==\"}"}) {
    const Bytes sealed = SealXattrs(key, AsBytes(text)).value();
    CHECK(sealed.size() == text.size() + 28);
    CHECK(AsText(OpenXattrs(key, sealed).value()) == text);
    CHECK(SealXattrs(key, AsBytes(text)).value() != sealed);
  }
}

TEST_CASE("sealed xattrs: every changed bit and every cut is refused") {
  SecretArena arena(4);
  const Secret key = arena.Random(32).value();
  const Bytes sealed = SealXattrs(key, AsBytes("attributes")).value();
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    CAPTURE(bit);
    Bytes damaged = sealed;
    damaged[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    CHECK(OpenXattrs(key, damaged).error().code == Code::kCorrupt);
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    CAPTURE(size);
    CHECK(OpenXattrs(key, ByteView(sealed).first(size)).error().code == Code::kCorrupt);
  }
  const Secret other = arena.Random(32).value();
  CHECK(OpenXattrs(other, sealed).error().code == Code::kCorrupt);
}

}  // namespace coffer::sealed_xattrs_test
