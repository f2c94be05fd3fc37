#include "fs/reseal.h"

#include <catch2/catch.hpp>
#include <string>

#include "crypto/whole_message_sealer.h"
#include "tests/support/sealed_bench.h"
#include "tests/support/writer_bench.h"

namespace coffer::test::reseal_test {

using fs::KeyName;

constexpr std::int64_t kModified = 1'500'000'000;

KeyName NameOf(char key) { return {KeyName::Kind::kAes, "coffer", std::string(1, key), "", ""}; }

std::unique_ptr<MultiKeySource> KeysOf(std::string_view names, SecretArena& arena) {
  std::vector<std::unique_ptr<Keyring>> rings;
  for (const char name : names) {
    auto secret = arena.Copy(AsBytes(std::string(32, name)));
    rings.push_back(
        *RawAesKeyring::Make({"coffer", std::string(1, name)}, std::move(*secret), arena));
  }
  return std::make_unique<MultiKeySource>(std::move(rings), std::chrono::steady_clock::now);
}

// A sealed volume under some of the keys a, b, c, as one machine sees it.
struct Machine {
  Machine(FakeStore& below, std::string_view names, fs::BindingPolicy binding = {})
      : keys(KeysOf(names, arena)), sealed({below, *keys, arena, pool}, Volume(binding)) {}
  static fs::SealedVolume Volume(fs::BindingPolicy binding) {
    fs::SealedVolume volume = TestVolume();
    volume.binding = binding;
    return volume;
  }
  std::string Put(const std::string& key, const std::string& text, s3::Metadata metadata = {}) {
    const auto written = sealed.Put(key, AsBytes(text), {.metadata = std::move(metadata)});
    REQUIRE(written);
    return written->etag;
  }
  Result<std::string> Get(const std::string& key) {
    auto fetched = sealed.Get(key, {0, 1u << 30}, {});
    if (!fetched) return std::move(fetched).error();
    return std::string(AsText(fetched->body));
  }

  SecretArena arena{16'384};
  fs::WorkerPool pool{4};
  std::unique_ptr<MultiKeySource> keys;
  fs::SealedStore sealed;
};

class Uploads : public s3::UploadObserver {
 public:
  void Began(const s3::Upload& /*upload*/) override { ++open; }
  void Ended(const s3::Upload& /*upload*/) override { --open; }
  std::atomic<int> open{0};
};

// A volume whose files are under the key a, and whose present key is b.
struct Bench {
  explicit Bench(FakeStore& below, std::string_view old_keys = "ab")
      : store(below),
        source(below, old_keys),
        target(below, "b"),
        check(below, "b"),
        loose(below, old_keys, fs::BindingPolicy::kOff) {}

  Result<fs::Visited> Visit(const std::string& key, bool adopt = false, bool survey = false) {
    fs::VolumeDescriptor volume;
    volume.id = TestVolume().id;
    volume.header_size = kTestHeader;
    volume.frame_size = kTestFrame;
    volume.keys = {NameOf('b')};
    volume.binding = binding;
    fs::Resealer resealer(
        {store, source.sealed, target.sealed, check.sealed, loose.sealed, uploads},
        {volume, "", adopt, survey, part_size});
    s3::ListedObject object;
    object.key = key;
    auto visited = resealer.Visit(object);
    cost = resealer.Cost();
    return visited;
  }
  std::string Outcome(const std::string& key, bool adopt = false, bool survey = false) {
    const auto visited = Visit(key, adopt, survey);
    return visited ? visited->outcome : "error: " + visited.error().what;
  }

  FakeStore& store;
  Machine source;
  Machine target;
  Machine check;
  Machine loose;
  Uploads uploads;
  fs::ResealCost cost;
  fs::BindingPolicy binding = fs::BindingPolicy::kStrict;
  std::uint64_t part_size = 8u << 20;
};

int Writes(const FakeStore& store) {
  return store.count(Operation::kPut) + store.count(Operation::kCreateUpload) +
         store.count(Operation::kCompleteUpload) + store.count(Operation::kCopy);
}

TEST_CASE(
    "reseal: a file under an old key opens by the present one alone, and nothing else of it "
    "changes") {
  FakeStore store;
  store.SetTime(kModified);
  Machine old(store, "a");
  const std::string text = Noise(3 * kTestFrame + 7);
  old.Put("d/f", text, {{"mode", "33184"}, {"xattr", "%7b%7d"}, {"other", "kept"}});
  store.AdvanceTime(1000);
  Bench bench(store);
  CHECK(bench.Outcome("d/f") == "resealed");
  Machine reader(store, "b");
  CHECK(*reader.Get("d/f") == text);
  CHECK(reader.sealed.Get("d/f", {0, 1}, {})->info.metadata ==
        s3::Metadata{{"mode", "33184"},
                     {"xattr", "%7b%7d"},
                     {"other", "kept"},
                     {"mtime", std::to_string(kModified)}});
  CHECK_FALSE(Machine(store, "a").Get("d/f"));

  store.ResetCounters();
  CHECK(bench.Outcome("d/f") == "current");
  CHECK(store.requests() == 1);
}

TEST_CASE("reseal: markers and empty files, and a key set in another order is the same") {
  FakeStore store;
  Machine old(store, "a");
  old.Put("d/", "", {{"mtime", "1"}});
  Bench bench(store);
  CHECK(bench.Outcome("d/") == "resealed");
  CHECK(Machine(store, "b").sealed.Get("d/", {0, 1}, {})->info.metadata.at("mtime") == "1");
  store.Plant("h_$folder$", "");
  store.Plant("h/", "");
  CHECK(bench.Outcome("h_$folder$") == "marker");
  CHECK(bench.Outcome("h_$folder$", true) == "marker");
  CHECK(bench.Outcome("h/") == "marker");
  CHECK(bench.Outcome("h/", true) == "adopted");
  Machine(store, "ab").Put("both", "x");
  CHECK(bench.Outcome("both") == "resealed");
}

TEST_CASE("reseal: what changes meanwhile is looked at again, and never overwritten") {
  FakeStore store;
  Machine old(store, "a");
  old.Put("f", "newer");
  const std::string newer = *store.Body("f");
  const s3::Metadata metadata = store.Info("f")->metadata;
  old.Put("f", "older");
  Bench bench(store);
  int puts = 0;
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation == Operation::kPut && ++puts == 1) store.Plant("f", newer, metadata);
    return std::nullopt;
  });
  CHECK(bench.Outcome("f") == "resealed");
  CHECK(puts == 2);
  CHECK(*Machine(store, "b").Get("f") == "newer");

  int round = 0;
  old.Put("g", "0");
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation == Operation::kPut) store.Plant("g", "always other " + std::to_string(++round));
    return std::nullopt;
  });
  CHECK(bench.Outcome("g", true) == "changed");
  CHECK(store.Body("g") == "always other 3");
}

TEST_CASE("reseal: what does not authenticate is named and left") {
  FakeStore store;
  Machine old(store, "a");
  old.Put("f", Noise(3 * kTestFrame));
  const s3::Metadata metadata = store.Info("f")->metadata;
  std::string bytes = *store.Body("f");
  bytes[kTestHeader + kTestFrame + 100] ^= 1;
  store.Plant("f", bytes, metadata);
  Bench bench(store);
  store.ResetCounters();
  CHECK(bench.Outcome("f") == "damaged");
  CHECK(Writes(store) == 0);

  // One that has another's name, which a mount with --name-binding=off reads.
  old.Put("a", "content of a");
  store.Plant("b", *store.Body("a"), store.Info("a")->metadata);
  CHECK(*Machine(store, "a", fs::BindingPolicy::kOff).Get("b") == "content of a");
  CHECK(bench.Outcome("b") == "damaged");
  bench.binding = fs::BindingPolicy::kWarn;
  CHECK(bench.Outcome("b") == "unbound");
  CHECK(bench.Outcome("f") == "damaged");
  bench.binding = fs::BindingPolicy::kStrict;
  // Plaintext, or a message cut short, in a sealed file's place.
  store.Plant("a", "plaintext", store.Info("a")->metadata);
  CHECK(bench.Outcome("a", true) == "damaged");
  store.Plant("f", bytes.substr(0, 100));
  CHECK(bench.Outcome("f", true) == "damaged");
  store.Plant("f", bytes.substr(0, 1));
  CHECK(bench.Outcome("f", true) == "damaged");
  CHECK(Writes(store) == 1);  // the one that was put here
}

TEST_CASE("reseal: locked, archived, and without a key: left, and said") {
  FakeStore store;
  Machine old(store, "a");
  old.Put("f", "content");
  Bench without(store, "b");
  CHECK(without.Outcome("f") == "no key");
  Bench bench(store);
  const std::int64_t now = store.now();
  store.Edit("f", [&](s3::ObjectInfo& info) { info.lock = {"GOVERNANCE", now + 1000, false}; });
  CHECK(bench.Outcome("f") == "locked");
  store.Edit("f", [&](s3::ObjectInfo& info) { info.lock.retain_until_s = now - 1; });
  store.Edit("f", [](s3::ObjectInfo& info) { info.storage_class = "DEEP_ARCHIVE"; });
  CHECK(bench.Outcome("f") == "archived");
  store.Edit("f", [](s3::ObjectInfo& info) { info.storage_class = "STANDARD"; });
  CHECK(bench.Outcome("f") == "resealed");
  CHECK(bench.Outcome(".coffer/volume") == "own");
  CHECK(bench.Outcome("gone") == "gone");
}

TEST_CASE("reseal: plaintext is taken in when asked for, and nothing that only looks like it") {
  FakeStore store;
  store.SetTime(kModified);
  store.Plant("f", "plaintext", {{"mode", "33184"}});
  Bench bench(store);
  CHECK(bench.Outcome("f") == "plaintext");
  CHECK(*store.Body("f") == "plaintext");
  store.Plant("dir/", "");
  CHECK(bench.Outcome("dir/") == "marker");
  CHECK(bench.Outcome("f", true) == "adopted");
  CHECK(bench.Outcome("dir/", true) == "adopted");
  CHECK(*Machine(store, "b").Get("f") == "plaintext");
  CHECK(Machine(store, "b").sealed.Get("f", {0, 1}, {})->info.metadata ==
        s3::Metadata{{"mode", "33184"}, {"mtime", std::to_string(kModified)}});

  Machine other(store, "a");
  auto key = other.keys->ForSealing({{"tool", "another"}});
  REQUIRE(key);
  auto sealer = Sealer::MakeUnpadded(**key, {{"tool", "another"}}, 4096, other.arena);
  REQUIRE(sealer);
  Bytes final_frame(5 + kFinalOverhead);
  REQUIRE((*sealer)->SealFinal(1, AsBytes("bytes"), final_frame));
  const std::string message(std::string(AsText((*sealer)->header())) +
                            std::string(AsText(final_frame)));
  store.Plant("message", message);
  CHECK(bench.Outcome("message", true) == "foreign");
  store.Plant("s3ec", "ciphertext", {{"x-amz-key-v2", "..."}});
  CHECK(bench.Outcome("s3ec", true) == "foreign");
  CHECK(*store.Body("message") == message);
}

TEST_CASE("reseal: a large file is streamed; what breaks off leaves the old one") {
  FakeStore store({.min_part = 5u << 20});
  Machine old(store, "a");
  const std::string text = Noise((20u << 20) + 5);
  old.Put("f", text);
  const std::string before = *store.Body("f");
  Bench bench(store);
  int parts = 0;
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kUploadPart || ++parts != 2) return std::nullopt;
    return Fault{{Code::kUnavailable, "the network is gone"}};
  });
  CHECK(bench.Outcome("f") == "failed");
  CHECK(*store.Body("f") == before);
  CHECK(bench.uploads.open == 0);
  CHECK(bench.Outcome("f") == "resealed");
  CHECK(store.count(Operation::kCompleteUpload) == 1);
  CHECK(bench.uploads.open == 0);
  CHECK(*Machine(store, "b").Get("f") == text);
}

TEST_CASE("reseal: wherever it dies, the file opens, and the next run ends it") {
  for (const std::size_t size : {std::size_t{10}, std::size_t{40'000}}) {
    const std::string text = Noise(size);
    for (const bool applied : {false, true}) {
      for (int k = 1;; ++k) {
        CAPTURE(size, applied, k);
        FakeStore store;
        Machine(store, "a").Put("f", text);
        {
          Bench bench(store);
          bench.part_size = 16'384;
          store.CrashAt(k, applied);
          static_cast<void>(bench.Outcome("f"));
        }
        const bool crashed = store.crashed();
        store.Revive();
        REQUIRE(*Machine(store, "ab").Get("f") == text);
        const std::string outcome = Bench(store).Outcome("f");
        CHECK((outcome == "resealed" || outcome == "current"));
        REQUIRE(*Machine(store, "b").Get("f") == text);
        if (crashed) continue;
        CHECK(store.count(Operation::kCompleteUpload) == (size > 16'384 ? 1 : 0));
        break;
      }
    }
  }
}

TEST_CASE("reseal: a survey counts what would be asked, and asks for none of it") {
  FakeStore store;
  Machine old(store, "a");
  const std::string text = Noise(20u << 20);
  old.Put("f", text);
  Bench bench(store);
  store.ResetCounters();
  const auto visited = bench.Visit("f", false, true);
  REQUIRE(visited);
  CHECK(visited->outcome == "resealed");
  CHECK(visited->bytes == text.size());
  CHECK(store.requests() == 1);
  const fs::ResealCost told = bench.cost;
  CHECK(told.data_keys == 1);
  store.ResetCounters();
  CHECK(bench.Outcome("f") == "resealed");
  CHECK(Writes(store) + store.count(Operation::kUploadPart) == static_cast<int>(told.writes));
}

}  // namespace coffer::test::reseal_test
