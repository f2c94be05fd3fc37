#include "crypto/whole_message_opener.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "crypto/ecdsa.h"
#include "crypto/encoding.h"
#include "tests/support/opened_message.h"
#include "tests/support/sealed_message.h"
#include "tests/support/test_keys.h"

namespace coffer::whole_message_opener_test {

constexpr std::uint32_t kF = 32;
// The private scalar of RFC 6979, A.2.5, and its point, compressed and in base64.
constexpr auto kScalar = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
constexpr auto kPoint = "A2D+1LolWp0xyWHrdMY1bWjASbiSO2H6bOZpYi5g8p+2";

struct Fixture {
  SecretArena arena{64};
  DataKeyPtr key = test::MakeDataKey(arena);
  test::OneKey keys{key};
  OpenRules any{
      .policy = CommitmentPolicy::kRequireEncryptAllowDecrypt, .limits = {}, .context = {}};

  // A volume's own message, with padded header.
  Bytes Ours(const std::string& content) {
    const Layout layout = Layout::Make(256, kF).value();
    return test::SealWhole(*Sealer::Make(*key, {{"vol", "uuid"}}, layout, arena).value(), content);
  }

  // A message of another suite, of frames or of one piece, signed where the suite (0x0214) wants
  // it.
  Bytes Foreign(std::uint16_t suite, const std::string& content,
                ContentType shape = ContentType::kFramed) {
    Header header;
    header.suite = *FindSuite(suite);
    key = test::MakeDataKey(arena, 'k', header.suite.key_size);
    keys = test::OneKey(key);
    header.message_id = Bytes(header.suite.message_id_size(), std::byte{0x1d});
    header.context = {{"vol", "uuid"}};
    if (header.suite.signs()) header.context[std::string(kPublicKeyName)] = kPoint;
    header.encrypted = key->encrypted;
    header.content = shape;
    header.frame_size = shape == ContentType::kFramed ? kF : 0;
    SealedHeader sealed = SealHeader(header, *key, arena).value();
    AesGcm cipher = AesGcm::ForSealing(sealed.content_key.view()).value();
    Bytes message = std::move(sealed.bytes);
    const Bytes body = shape == ContentType::kFramed
                           ? test::SealFrames(cipher, header.message_id, content, kF)
                           : OnePiece(cipher, header.message_id, content);
    message.insert(message.end(), body.begin(), body.end());
    if (header.suite.signs()) Sign(message);
    return message;
  }

  static Bytes OnePiece(AesGcm& cipher, ByteView message_id, const std::string& content) {
    Bytes authenticated(message_id.begin(), message_id.end());
    ByteWriter authenticating(authenticated);
    authenticating.Append(AsBytes("AWSKMSEncryptionClient Single Block"));
    authenticating.Integer(std::uint32_t{1});
    authenticating.Integer(std::uint64_t{content.size()});
    Bytes out;
    ByteWriter writer(out);
    writer.Append(FrameNonce(77));
    writer.Integer(std::uint64_t{content.size()});
    out.resize(20 + content.size() + kTagSize);
    cipher.Seal(FrameNonce(77), authenticated, AsBytes(content), MutableByteView(out).subspan(20))
        .value();
    return out;
  }

  static void Sign(Bytes& message) {
    const P256Key signer = P256Key::FromScalar(HexDecode(kScalar).value()).value();
    const Bytes signature = signer.Sign(message).value();
    ByteWriter(message).ShortText(AsText(signature)).value();
  }

  Result<std::string> Open(ByteView message, OpenRules rules) {
    return test::OpenWhole(message, keys, arena, std::move(rules));
  }
  Result<std::string> Open(ByteView message) { return Open(message, any); }

  // Every message whose one bit is changed, that is cut off anywhere, or that goes on, is refused;
  // what came out of it before is a beginning of `content`, and nothing if `held`.
  void CheckDamage(const Bytes& message, const std::string& content, bool held) {
    REQUIRE(Open(message).value() == content);
    const auto refused = [&](const Bytes& damaged) {
      test::StringSink sink;
      CHECK_FALSE(test::OpenInto(sink, damaged, keys, arena, any));
      CHECK((held ? sink.text().empty() : content.starts_with(sink.text())));
    };
    for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
      CAPTURE(bit / 8, bit % 8);
      Bytes damaged = message;
      damaged[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      refused(damaged);
    }
    for (std::size_t size = 0; size < message.size(); ++size) {
      CAPTURE(size);
      refused({message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size)});
    }
    Bytes longer = message;
    longer.push_back(std::byte{0});
    refused(longer);
    longer.insert(longer.end() - 1, message.begin(), message.end());
    refused(longer);
  }
};

TEST_CASE("whole message opener: every suite, with frames and without, in pieces of any size") {
  Fixture f;
  const std::string content = test::Content(2 * kF + 9);
  for (const Suite& suite : AllSuites()) {
    if (suite.signature == Curve::kP384) continue;  // the published vectors have those
    for (const ContentType shape : {ContentType::kFramed, ContentType::kWhole}) {
      const Bytes message = f.Foreign(suite.id, content, shape);
      for (const std::size_t piece : {1, 3, 40, 10000}) {
        CAPTURE(suite.id, static_cast<int>(shape), piece);
        test::StringSink sink;
        REQUIRE(test::OpenInto(sink, message, f.keys, f.arena, f.any, piece));
        CHECK(sink.text() == content);
      }
    }
  }
}

TEST_CASE("whole message opener: an empty message, of each form") {
  Fixture f;
  CHECK(f.Open(f.Ours("")).value().empty());
  CHECK(f.Open(f.Foreign(0x0214, "")).value().empty());
  CHECK(f.Open(f.Foreign(0x0178, "", ContentType::kWhole)).value().empty());
}

TEST_CASE("whole message opener: every changed bit, cut or extension of our own message") {
  Fixture f;
  const std::string content = test::Content(2 * kF + 9);
  f.CheckDamage(f.Ours(content), content, false);
}

TEST_CASE("whole message opener: every changed bit, cut or extension of a message without frames") {
  Fixture f;
  const std::string content = test::Content(40);
  f.CheckDamage(f.Foreign(0x0178, content, ContentType::kWhole), content, false);
}

TEST_CASE("whole message opener: every changed bit, cut or extension of a signed message") {
  Fixture f;
  const std::string content = test::Content(kF + 9);
  f.CheckDamage(f.Foreign(0x0214, content), content, true);
}

TEST_CASE(
    "whole message opener: frames left out, twice or in another order, each by itself intact") {
  Fixture f;
  const std::string content = test::Content(3 * kF + 9);
  for (const Bytes& message : {f.Ours(content), f.Foreign(0x0178, content)}) {
    const std::size_t header = ParseHeader(message, {})->size;
    const auto at = [header](std::size_t frame) {
      return static_cast<std::ptrdiff_t>(header + (frame - 1) * (kF + 32));
    };
    Bytes shorter = message;
    shorter.erase(shorter.begin() + at(2), shorter.begin() + at(3));
    CHECK(f.Open(shorter).error().what == "frame 3 where frame 2 should be");
    Bytes only_final = message;
    only_final.erase(only_final.begin() + at(1), only_final.begin() + at(4));
    CHECK(f.Open(only_final).error().what == "frame 4 where frame 1 should be");
    Bytes twice = message;
    twice.insert(twice.begin() + at(3), message.begin() + at(2), message.begin() + at(3));
    CHECK(f.Open(twice).error().what == "frame 2 where frame 3 should be");
    Bytes swapped = message;
    std::swap_ranges(swapped.begin() + at(1), swapped.begin() + at(2), swapped.begin() + at(2));
    CHECK(f.Open(swapped).error().what == "frame 2 where frame 1 should be");
  }
  Bytes renumbered = f.Ours(content);
  renumbered.erase(renumbered.begin() + 256, renumbered.begin() + 256 + kF + 32);
  renumbered[256 + 3] = std::byte{1};  // frame 2, called 1
  CHECK(f.Open(renumbered).error().what == "frame 1 has another nonce than its number");
}

TEST_CASE("whole message opener: a frame is released when it verifies, a signed one at the end") {
  Fixture f;
  const std::string content = test::Content(2 * kF + 9);
  const auto released_before_the_end = [&](const Bytes& message, bool can_withdraw) {
    test::StringSink sink(can_withdraw);
    WholeMessageOpener opener(f.keys, f.arena, f.any, sink);
    REQUIRE(opener.Write(ByteView(message).first(message.size() - 1)));
    const std::size_t released = sink.text().size();
    REQUIRE(opener.Write(ByteView(message).last(1)));
    REQUIRE(opener.Finish());
    CHECK(sink.text() == content);
    return released;
  };
  CHECK(released_before_the_end(f.Ours(content), false) == 2 * kF);
  CHECK(released_before_the_end(f.Foreign(0x0178, content), false) == 2 * kF);
  const Bytes signed_message = f.Foreign(0x0214, content);
  CHECK(released_before_the_end(signed_message, false) == 0);
  CHECK(released_before_the_end(signed_message, true) == content.size());
}

TEST_CASE("whole message opener: the commitment policy, before any key is asked for") {
  Fixture f;
  const Bytes message = f.Foreign(0x0178, "text");
  const auto refused = f.Open(message, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::kNotPermitted);
  CHECK(f.keys.context().empty());
  CHECK(f.Open(message).value() == "text");
}

TEST_CASE("whole message opener: a limit on encrypted data keys") {
  Fixture f;
  const Bytes message = f.Ours("text");  // two keys and coffer-pad
  OpenRules rules;
  rules.limits.max_encrypted_data_keys = 2;
  CHECK(f.Open(message, rules).error().code == Code::kNotPermitted);
  rules.limits.max_encrypted_data_keys = 3;
  CHECK(f.Open(message, rules).value() == "text");
}

TEST_CASE("whole message opener: the context that is asked for must be the message's") {
  Fixture f;
  const Bytes message = f.Ours("text");
  OpenRules rules;
  rules.context = {{"vol", "uuid"}};
  CHECK(f.Open(message, rules).value() == "text");
  rules.context = {{"vol", "other"}};
  CHECK(f.Open(message, rules).error().code == Code::kNotPermitted);
  rules.context = {{"aws-crypto-x", "y"}};
  CHECK(f.Open(message, rules).error().code == Code::kInvalid);
  // What the header lacks must have been authenticated with it; the key source hears of it too.
  rules.context = {{"unstored", "pair"}};
  CHECK(f.Open(message, rules).error().code == Code::kCorrupt);
  CHECK(f.keys.context() == EncryptionContext{{"vol", "uuid"}, {"unstored", "pair"}});
}

TEST_CASE("whole message opener: no more is held back than allowed") {
  Fixture f;
  const std::string content = test::Content(2 * kF + 9);
  const auto with_limit = [&](const Bytes& message, std::uint64_t limit, bool can_withdraw) {
    OpenRules rules = f.any;
    rules.max_held_bytes = limit;
    test::StringSink sink(can_withdraw);
    const Status opened = test::OpenInto(sink, message, f.keys, f.arena, rules);
    return opened ? Code::kNotFound : opened.error().code;  // kNotFound: no error
  };
  const Bytes frames = f.Foreign(0x0178, content);
  CHECK(with_limit(frames, kF, false) == Code::kNotFound);
  CHECK(with_limit(frames, kF - 1, false) == Code::kTooLarge);
  const Bytes piece = f.Foreign(0x0178, content, ContentType::kWhole);
  CHECK(with_limit(piece, content.size(), false) == Code::kNotFound);
  CHECK(with_limit(piece, content.size() - 1, false) == Code::kTooLarge);
  const Bytes signed_message = f.Foreign(0x0214, content);
  CHECK(with_limit(signed_message, content.size(), false) == Code::kNotFound);
  CHECK(with_limit(signed_message, content.size() - 1, false) == Code::kTooLarge);
  CHECK(with_limit(signed_message, kF, true) == Code::kNotFound);
}

TEST_CASE("whole message opener: an error stays, and nothing is released after it") {
  Fixture f;
  Bytes message = f.Ours(test::Content(3 * kF));
  message[256 + kF + 32 + 20] ^= std::byte{1};  // in frame 2
  test::StringSink sink;
  WholeMessageOpener opener(f.keys, f.arena, f.any, sink);
  const Status first = opener.Write(message);
  REQUIRE_FALSE(first);
  CHECK(first.error().what == "frame 2 does not authenticate: its bytes were changed");
  CHECK(opener.Write(message).error().what == first.error().what);
  CHECK(opener.Finish().error().what == first.error().what);
  CHECK(sink.text() == test::Content(kF));
}

TEST_CASE("whole message opener: the header can be asked for once it is true") {
  Fixture f;
  const Bytes message = f.Ours("text");
  test::StringSink sink;
  WholeMessageOpener opener(f.keys, f.arena, f.any, sink);
  REQUIRE(opener.Write(ByteView(message).first(255)));
  CHECK(opener.header() == nullptr);
  REQUIRE(opener.Write(ByteView(message).subspan(255)));
  REQUIRE(opener.Finish());
  REQUIRE(opener.header() != nullptr);
  CHECK(opener.header()->size == 256);
}

TEST_CASE("whole message opener: what is no message, and what no key opens") {
  Fixture f;
  CHECK(f.Open(AsBytes("just text")).error().what.find("not an AWS Encryption SDK message") !=
        std::string::npos);
  CHECK(f.Open({}).error().code == Code::kCorrupt);
  test::OneKey other(test::MakeDataKey(f.arena, 'o'));
  const Bytes message = f.Ours("text");
  CHECK(test::OpenWhole(message, other, f.arena, {}).error().code == Code::kKeyMissing);
}

TEST_CASE("whole message opener: what the sink says ends the work") {
  class FullSink : public PlaintextSink {
    Status Write(ByteView) override { return Error{Code::kNoSpace, "full"}; }
  };
  Fixture f;
  FullSink sink;
  CHECK(test::OpenInto(sink, f.Ours("text"), f.keys, f.arena, f.any).error().code ==
        Code::kNoSpace);
}

}  // namespace coffer::whole_message_opener_test
