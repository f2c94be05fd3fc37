#include "crypto/header_tag.h"

#include <catch2/catch.hpp>

#include "tests/support/sealed_message.h"
#include "tests/support/test_keys.h"

namespace coffer::header_tag_test {

using test::MakeDataKey;

struct Fixture {
  SecretArena arena{64};

  SealedHeader Seal(std::uint16_t suite, const DataKey& key) {
    Header header;
    header.suite = *FindSuite(suite);
    header.message_id = Bytes(header.suite.message_id_size(), std::byte{0x1d});
    header.context = {{"coffer", "1"}};
    if (header.suite.signs()) header.context[std::string(kPublicKeyName)] = "point";
    header.encrypted = key.encrypted;
    header.frame_size = 64;
    return SealHeader(header, key, arena).value();
  }
  Result<Secret> Verify(const Bytes& bytes, const DataKey& key,
                        const EncryptionContext& unstored = {}) {
    COFFER_ASSIGN(const Header header, ParseHeader(bytes, {}));
    return VerifyHeader(header, bytes, key, unstored, arena);
  }
};

TEST_CASE("header tag: every suite verifies what it sealed, and gives the same content key") {
  Fixture f;
  for (const Suite& suite : AllSuites()) {
    CAPTURE(suite.id);
    const DataKeyPtr key = MakeDataKey(f.arena, 'k', suite.key_size);
    const SealedHeader sealed = f.Seal(suite.id, *key);
    const auto content_key = f.Verify(sealed.bytes, *key);
    REQUIRE(content_key);
    CHECK(AsText(content_key->view()) == AsText(sealed.content_key.view()));
  }
}

TEST_CASE("header tag: every changed bit is refused") {
  Fixture f;
  for (const std::uint16_t suite : {0x0478, 0x0178}) {
    const DataKeyPtr key = MakeDataKey(f.arena);
    const SealedHeader sealed = f.Seal(suite, *key);
    for (std::size_t bit = 0; bit < 8 * sealed.bytes.size(); ++bit) {
      CAPTURE(suite, bit);
      Bytes damaged = sealed.bytes;
      damaged[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      CHECK_FALSE(f.Verify(damaged, *key));
    }
  }
}

TEST_CASE("header tag: another data key is refused by the commitment, or by the tag without one") {
  Fixture f;
  const DataKeyPtr key = MakeDataKey(f.arena, 'k');
  const DataKeyPtr other = MakeDataKey(f.arena, 'o');
  auto refused = f.Verify(f.Seal(0x0478, *key).bytes, *other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::kCorrupt);
  CHECK(refused.error().what.find("commits to another data key") != std::string::npos);
  refused = f.Verify(f.Seal(0x0178, *key).bytes, *other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::kCorrupt);
  CHECK(refused.error().what.find("does not authenticate") != std::string::npos);
}

TEST_CASE("header tag: pairs that do not stand in the header are authenticated with it") {
  Fixture f;
  const DataKeyPtr key = MakeDataKey(f.arena);
  // Written as a tool does that requires them: the tag covers the pairs behind the header.
  Bytes bytes = f.Seal(0x0478, *key).bytes;
  const Header header = ParseHeader(bytes, {}).value();
  const MessageKeys keys =
      DeriveMessageKeys(header.suite, key->key.view(), header.message_id, f.arena).value();
  Bytes authenticated(bytes.begin(), bytes.end() - 16);
  const Bytes pairs = SerializeContext({{"unstored", "pair"}}).value();
  authenticated.insert(authenticated.end(), pairs.begin(), pairs.end());
  AesGcm cipher = AesGcm::ForSealing(keys.content.view()).value();
  REQUIRE(cipher.Seal({}, authenticated, {}, MutableByteView(bytes).last(16)));

  CHECK(f.Verify(bytes, *key, {{"unstored", "pair"}}));
  CHECK(f.Verify(bytes, *key).error().code == Code::kCorrupt);
  CHECK(f.Verify(bytes, *key, {{"unstored", "pain"}}).error().code == Code::kCorrupt);
}

TEST_CASE("header tag: less than the header, and a key of another size") {
  Fixture f;
  const DataKeyPtr key = MakeDataKey(f.arena);
  const Bytes bytes = f.Seal(0x0478, *key).bytes;
  const Header header = ParseHeader(bytes, {}).value();
  CHECK(VerifyHeader(header, ByteView(bytes).first(bytes.size() - 1), *key, {}, f.arena)
            .error()
            .code == Code::kInvalid);
  CHECK(f.Verify(bytes, *MakeDataKey(f.arena, 'k', 16)).error().code == Code::kInvalid);
}

}  // namespace coffer::header_tag_test
