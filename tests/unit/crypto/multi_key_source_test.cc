#include "crypto/multi_key_source.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/support/fake_keyring.h"

namespace coffer::multi_key_source_test {

using std::chrono::seconds;

const EncryptionContext kContext{{"vol", "v"}};
const EncryptedDataKey kForeign{"aws-kms", "arn:aws:kms:us-east-1:1:key/x\n", "blob"};

// Three keyrings, which the test may still reach, and a clock.
struct Bench {
  Bench() {
    std::vector<std::unique_ptr<Keyring>> all;
    for (const char* name : {"a", "b", "c"}) {
      auto one = std::make_unique<FakeKeyring>(arena, name);
      keyrings.push_back(one.get());
      all.push_back(std::move(one));
    }
    source = std::make_unique<MultiKeySource>(std::move(all), [this] { return now; });
  }
  DataKeyPtr Seal() {
    const auto key = source->ForSealing(kContext);
    REQUIRE(key);
    return *key;
  }
  Result<DataKeyPtr> Open(const std::vector<EncryptedDataKey>& encrypted) {
    return source->ForOpening(encrypted, kContext, 32);
  }

  SecretArena arena{64};
  std::vector<FakeKeyring*> keyrings;
  std::chrono::steady_clock::time_point now{};
  std::unique_ptr<MultiKeySource> source;
};

EncryptedDataKey Bogus(const std::string& name) { return {"fake", name, "made up"}; }

TEST_CASE("several keys: the first generates, the others wrap, and each alone opens") {
  Bench bench;
  const DataKeyPtr key = bench.Seal();
  REQUIRE(key->encrypted.size() == 3);
  CHECK(key->encrypted[0].info == "a");
  CHECK(key->encrypted[2].info == "c");
  CHECK(key->key.size() == 32);
  CHECK(bench.keyrings[0]->generated == 1);
  CHECK(bench.keyrings[0]->wrapped + bench.keyrings[1]->generated == 0);
  for (const EncryptedDataKey& one : key->encrypted) {
    const auto opened = bench.Open({kForeign, one});
    REQUIRE(opened);
    CHECK(AsText((*opened)->key.view()) == AsText(key->key.view()));
    CHECK((*opened)->encrypted == std::vector<EncryptedDataKey>{kForeign, one});
  }
  CHECK_FALSE(bench.source->ForOpening(key->encrypted, {{"vol", "w"}}, 32));
}

TEST_CASE("several keys: what one cannot wrap is not sealed") {
  Bench bench;
  bench.keyrings[2]->failure = Error{Code::kUnavailable, "down"};
  const auto sealed = bench.source->ForSealing(kContext);
  CHECK(sealed.error().code == Code::kUnavailable);
  CHECK(sealed.error().what == "fake key c: down");
  CHECK(bench.arena.in_use() == 0);
  bench.keyrings[2]->failure.reset();
  bench.Seal();
  bench.keyrings[0]->generated_size = 16;
  CHECK(bench.source->ForSealing(kContext).error().code == Code::kCorrupt);
}

TEST_CASE("several keys: without a key there is nothing to seal with, and nothing opens") {
  MultiKeySource none({}, [] { return std::chrono::steady_clock::time_point(); });
  CHECK(none.ForSealing(kContext).error().code == Code::kUnsupported);
  CHECK(none.ForOpening({kForeign}, kContext, 32).error().code == Code::kKeyMissing);
}

TEST_CASE("several keys: a key that is not on the list is never tried") {
  Bench bench;
  const auto opened = bench.Open({kForeign, {"fake", "d", "x"}, {"other", "a", "x"}});
  CHECK(opened.error().code == Code::kKeyMissing);
  CHECK(opened.error().what ==
        "none of the keys at hand opens this; it is sealed for aws-kms "
        "arn:aws:kms:us-east-1:1:key/x?, fake d, other a");
  CHECK(bench.Open({}).error().code == Code::kKeyMissing);
  for (const FakeKeyring* keyring : bench.keyrings) CHECK(keyring->unwrapped == 0);
}

TEST_CASE("several keys: a flood of bogus keys costs four tries, and nine keys cost none") {
  Bench bench;
  std::vector<EncryptedDataKey> flood(8, Bogus("a"));
  CHECK(bench.Open(flood).error().code == Code::kCorrupt);
  CHECK(bench.keyrings[0]->unwrapped == 4);
  // Keys of others cost nothing: four bogus ones, then the real one is not reached; three, and it
  // is.
  const EncryptedDataKey real = bench.Seal()->encrypted[1];
  CHECK_FALSE(bench.Open({Bogus("a"), Bogus("a"), Bogus("a"), Bogus("b"), real}));
  CHECK(bench.Open({kForeign, Bogus("a"), kForeign, Bogus("a"), kForeign, Bogus("b"), real}));
  flood.push_back(real);
  const int before = bench.keyrings[0]->unwrapped;
  CHECK(bench.Open(flood).error().code == Code::kNotPermitted);
  CHECK(bench.keyrings[0]->unwrapped == before);
}

TEST_CASE("several keys: a data key of another size is corrupt") {
  Bench bench;
  const DataKeyPtr key = bench.Seal();
  CHECK(bench.source->ForOpening({key->encrypted[0]}, kContext, 16).error().code == Code::kCorrupt);
}

TEST_CASE("several keys: the failure that leaves most hope is told") {
  const std::vector<Code> by_hope{Code::kUnavailable, Code::kDenied,  Code::kKeyDisabled,
                                  Code::kKeyMissing,  Code::kCorrupt, Code::kUnsupported};
  for (std::size_t i = 0; i < by_hope.size(); ++i) {
    for (std::size_t j = i; j < by_hope.size(); ++j) {
      Bench bench;
      bench.keyrings[0]->failure = Error{by_hope[i], "one"};
      bench.keyrings[1]->failure = Error{by_hope[j], "other"};
      CHECK(bench.Open({Bogus("a"), Bogus("b")}).error().code == by_hope[i]);
      CHECK(bench.Open({Bogus("b"), Bogus("a")}).error().code == by_hope[i]);
    }
  }
}

TEST_CASE("several keys: a failure of this machine ends the search") {
  for (const Code code : {Code::kInterrupted, Code::kNoMemory}) {
    Bench bench;
    const DataKeyPtr key = bench.Seal();
    bench.keyrings[0]->failure = Error{code, "stop"};
    CHECK(bench.Open(key->encrypted).error().code == code);
    CHECK(bench.keyrings[1]->unwrapped == 0);
  }
}

TEST_CASE("several keys: a key that refused is left alone for a while, and the others serve") {
  Bench bench;
  const DataKeyPtr key = bench.Seal();
  bench.keyrings[0]->failure = Error{Code::kDenied, "AccessDeniedException"};
  for (int i = 0; i < 3; ++i) CHECK(bench.Open(key->encrypted));
  CHECK(bench.keyrings[0]->unwrapped == 1);
  CHECK(bench.keyrings[1]->unwrapped == 3);
  // Keys left alone use up no tries.
  CHECK(bench.Open({Bogus("a"), Bogus("a"), Bogus("a"), Bogus("a"), key->encrypted[1]}));
  const auto refused = bench.Open({key->encrypted[0]});
  CHECK(refused.error().what == "fake key a: AccessDeniedException");
  bench.now += seconds(5);
  bench.keyrings[0]->failure.reset();
  CHECK(bench.Open({key->encrypted[0]}));
}

TEST_CASE("several keys: a disabled key is asked to seal once in 30 seconds") {
  Bench bench;
  bench.keyrings[1]->failure = Error{Code::kKeyDisabled, "DisabledException"};
  for (int i = 0; i < 3; ++i) {
    CHECK(bench.source->ForSealing(kContext).error().code == Code::kKeyDisabled);
  }
  CHECK(bench.keyrings[1]->wrapped == 1);
  bench.now += seconds(30);
  CHECK_FALSE(bench.source->ForSealing(kContext));
  CHECK(bench.keyrings[1]->wrapped == 2);
  const std::vector<KeyringCounts> counts = bench.source->Counts();
  REQUIRE(counts.size() == 3);
  CHECK(counts[0].name == "fake key a");
  CHECK(counts[0].generated == 2);
  CHECK(counts[1].wrapped == 2);
  CHECK(counts[1].failures == 2);
  CHECK(counts[1].left_alone == 2);
  CHECK(counts[2].wrapped == 0);
}

}  // namespace coffer::multi_key_source_test
