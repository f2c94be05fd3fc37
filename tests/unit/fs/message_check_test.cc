#include "fs/message_check.h"

#include <atomic>
#include <catch2/catch.hpp>

#include "crypto/multi_key_source.h"
#include "tests/support/fake_store.h"
#include "tests/support/sealed_bench.h"

namespace coffer::fs::message_check_test {

using test::FakeStore;
using test::Fault;
using test::kTestFrame;
using test::kTestHeader;
using test::Operation;
using test::SealedBench;

using Depth = MessageCheck::Depth;

struct Bench {
  explicit Bench(BindingPolicy binding = BindingPolicy::kStrict) : bench(store) {
    SealedVolume files = test::TestVolume();
    files.binding = binding;
    SealedVolume descriptor = test::TestVolume();
    descriptor.context.emplace("kind", "volume");
    check = std::make_unique<MessageCheck>(
        MessageCheck::Parts{store, bench.keys, bench.arena, bench.pool}, std::move(files),
        std::move(descriptor));
  }
  std::string Sealed(const std::string& key) const { return store.Body(key).value_or(""); }
  s3::Metadata MetadataOf(const std::string& key) const { return store.Info(key)->metadata; }
  // The object as it is, with another body.
  void Replace(const std::string& key, const std::string& body) {
    store.Plant(key, body, MetadataOf(key));
  }
  CheckedObject Check(const std::string& key, Depth depth = Depth::kWhole) const {
    auto checked = check->Check(key, depth);
    REQUIRE(checked);
    return std::move(checked).value();
  }
  Verdict VerdictOf(const std::string& key, Depth depth = Depth::kWhole) const {
    return Check(key, depth).verdict;
  }

  FakeStore store;
  SealedBench bench;
  std::unique_ptr<MessageCheck> check;
};

std::string Text(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 26);
  return text;
}

TEST_CASE("check: what was written is good, of any size", "[check]") {
  Bench bench;
  const std::size_t size =
      GENERATE(0u, 1u, kTestFrame - 1, kTestFrame, kTestFrame + 1, 3'000'000u, 9'000'000u);
  REQUIRE(bench.bench.Put("f", Text(size), {{"mode", "33188"}, {"xattr", "{}"}}));
  const CheckedObject whole = bench.Check("f");
  CHECK(whole.verdict == Verdict::kGood);
  CHECK(whole.reason.empty());
  CHECK(whole.bytes == bench.Sealed("f").size());
  CHECK(bench.VerdictOf("f", Depth::kEnds) == Verdict::kGood);
}

TEST_CASE("check: every byte of a message counts", "[check]") {
  Bench bench;
  REQUIRE(bench.bench.Put("f", Text(2 * kTestFrame + 100)));
  const std::string sealed = bench.Sealed("f");
  const std::size_t at = GENERATE(range(0u, 1100u, 7u), range(1100u, 9'420u, 331u));
  REQUIRE(at < sealed.size());
  std::string changed = sealed;
  changed[at] = static_cast<char>(changed[at] ^ 1);
  bench.Replace("f", changed);
  const Verdict verdict = bench.VerdictOf("f");
  // A changed context may well be another's.
  CHECK((verdict == Verdict::kDamaged || (at < kTestHeader && verdict == Verdict::kForeign) ||
         (at < kTestHeader && verdict == Verdict::kUnreadable)));
}

TEST_CASE("check: cut off, extended, frames swapped", "[check]") {
  Bench bench;
  REQUIRE(bench.bench.Put("f", Text(3 * kTestFrame)));
  const std::string sealed = bench.Sealed("f");
  const std::size_t frame = kTestFrame + 32;
  std::string changed = sealed;
  SECTION("one byte less") { changed.pop_back(); }
  SECTION("one byte more") { changed += 'x'; }
  SECTION("a frame less") { changed.resize(kTestHeader + 2 * frame); }
  SECTION("in the header") { changed.resize(500); }
  SECTION("nothing left") { changed.clear(); }
  SECTION("frames swapped") {
    const std::string first = changed.substr(kTestHeader, frame);
    changed.replace(kTestHeader, frame, changed.substr(kTestHeader + frame, frame));
    changed.replace(kTestHeader + frame, frame, first);
  }
  bench.Replace("f", changed);
  CHECK(bench.VerdictOf("f") == Verdict::kDamaged);
}

TEST_CASE("check: names and attributes", "[check]") {
  Bench bench;
  REQUIRE(bench.bench.Put("a", "of a", {{"mode", "33188"}}));
  REQUIRE(bench.bench.Put("b", "of b", {{"mode", "33188"}}));
  bench.store.Plant("copy", bench.Sealed("a"), bench.MetadataOf("a"));
  CHECK(bench.VerdictOf("copy") == Verdict::kMoved);
  bench.store.Plant("b", bench.Sealed("b"), bench.MetadataOf("a"));
  CHECK(bench.VerdictOf("b") == Verdict::kMoved);
  bench.store.Edit("a", [](s3::ObjectInfo& info) { info.metadata["mode"] = "35309"; });
  CHECK(bench.VerdictOf("a", Depth::kEnds) == Verdict::kMoved);
  bench.store.Edit("a", [](s3::ObjectInfo& info) { info.metadata.clear(); });
  CHECK(bench.VerdictOf("a") == Verdict::kUnbound);
}

TEST_CASE("check: with another binding names are not looked at, or told", "[check]") {
  Bench bench(BindingPolicy::kOff);
  REQUIRE(bench.bench.Put("a", "of a"));
  bench.store.Plant("copy", bench.Sealed("a"), bench.MetadataOf("a"));
  CHECK(bench.VerdictOf("copy") == Verdict::kGood);
  CHECK(IsDamage(Verdict::kMoved, BindingPolicy::kStrict));
  CHECK_FALSE(IsDamage(Verdict::kMoved, BindingPolicy::kWarn));
  CHECK(IsDamage(Verdict::kDamaged, BindingPolicy::kOff));
  CHECK(IsDamage(Verdict::kForeign, BindingPolicy::kOff));
  CHECK_FALSE(IsDamage(Verdict::kUnreadable, BindingPolicy::kStrict));
}

TEST_CASE("check: what is no file of this volume", "[check]") {
  Bench bench;
  bench.store.Plant("plain", "in the clear");
  CHECK(bench.VerdictOf("plain") == Verdict::kForeign);
  bench.store.Plant("empty", "");
  CHECK(bench.VerdictOf("empty") == Verdict::kForeign);
  bench.store.Plant("dir/", "");
  CHECK(bench.VerdictOf("dir/") == Verdict::kMarker);
  bench.store.Plant("dir_$folder$", "");
  CHECK(bench.VerdictOf("dir_$folder$") == Verdict::kMarker);
  bench.store.Plant("full/", "not empty");
  CHECK(bench.VerdictOf("full/") == Verdict::kForeign);
  FakeStore elsewhere;
  SealedBench other(elsewhere, test::TestVolume("00000000-0000-4000-8000-000000000002"));
  REQUIRE(other.Put("f", "theirs"));
  bench.store.Plant("f", *elsewhere.Body("f"), elsewhere.Info("f")->metadata);
  const CheckedObject theirs = bench.Check("f");
  CHECK(theirs.verdict == Verdict::kForeign);
  CHECK(theirs.reason.find("00000000-0000-4000-8000-000000000002") != std::string::npos);
}

TEST_CASE("check: what could not be read is not damaged", "[check]") {
  Bench bench;
  REQUIRE(bench.bench.Put("f", Text(5'000'000)));
  std::atomic<int> requests{0};
  const int fails = GENERATE(1, 2);
  bench.store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kGet || ++requests < fails) return std::nullopt;
    return Fault{{Code::kDenied, "no", "AccessDenied"}};
  });
  const CheckedObject denied = bench.Check("f");
  CHECK(denied.verdict == Verdict::kUnreadable);
  REQUIRE(denied.failure);
  CHECK(denied.failure->code == Code::kDenied);
  CHECK_FALSE(denied.of_keys);
  bench.store.SetHook({});
  bench.bench.keys.refusal = Error{Code::kKeyDisabled, "switched off"};
  const CheckedObject locked = bench.Check("f");
  CHECK(locked.verdict == Verdict::kUnreadable);
  CHECK(locked.of_keys);
  bench.bench.keys.refusal.reset();
  bench.store.SetHook([](Operation, std::string_view) -> std::optional<Fault> {
    return Fault{{Code::kInterrupted, "Ctrl-C"}};
  });
  CHECK_FALSE(bench.check->Check("f", Depth::kWhole));
}

TEST_CASE("check: replaced or removed while it is read", "[check]") {
  Bench bench;
  REQUIRE(bench.bench.Put("f", Text(5'000'000)));
  REQUIRE(bench.bench.Put("other", Text(5'000'001)));
  std::atomic<int> requests{0};
  SECTION("replaced: read again") {
    bench.store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
      if (operation == Operation::kGet && ++requests == 2) {
        FakeStore made;
        SealedBench again(made);
        CHECK(again.Put("f", Text(4'000'000)));
        bench.store.Plant("f", *made.Body("f"), made.Info("f")->metadata);
      }
      return std::nullopt;
    });
    CHECK(bench.VerdictOf("f") == Verdict::kGood);
    CHECK(requests > 2);
  }
  SECTION("removed: passed over") {
    bench.store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
      if (operation == Operation::kGet && ++requests == 2) bench.store.Remove("f");
      return std::nullopt;
    });
    CHECK(bench.VerdictOf("f") == Verdict::kGone);
  }
  SECTION("replaced all the time: nothing is known") {
    bench.store.SetHook([&](Operation, std::string_view) -> std::optional<Fault> {
      bench.store.Plant("f", bench.Sealed("other") + std::to_string(++requests));
      return std::nullopt;
    });
    CHECK(bench.VerdictOf("f") != Verdict::kGood);
  }
}

TEST_CASE("check: a fault of transport is none of the object", "[check]") {
  // Changes a byte of one reply.
  class Flaky : public FakeStore {
   public:
    std::atomic<int> at{1};
    Result<s3::Fetched> Get(std::string_view key, s3::Range range,
                            const s3::ReadCondition& condition) override {
      COFFER_ASSIGN(s3::Fetched fetched, FakeStore::Get(key, range, condition));
      if (--at == 0) fetched.body.back() ^= std::byte{1};
      return fetched;
    }
  };
  Flaky store;
  store.at = 0;
  SealedBench sealed(store);
  REQUIRE(sealed.Put("f", Text(5'000'000)));
  const MessageCheck check({store, sealed.keys, sealed.arena, sealed.pool}, test::TestVolume(),
                           test::TestVolume());
  store.at = GENERATE(1, 2);
  const auto checked = check.Check("f", Depth::kWhole);
  REQUIRE(checked);
  CHECK(checked->verdict == Verdict::kGood);
}

}  // namespace coffer::fs::message_check_test
