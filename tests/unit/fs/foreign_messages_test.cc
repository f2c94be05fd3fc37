#include "fs/foreign_messages.h"

#include <catch2/catch.hpp>
#include <string>

#include "crypto/whole_message_sealer.h"
#include "tests/support/sealed_bench.h"
#include "tests/support/volume.h"
#include "tests/support/writer_bench.h"

namespace coffer::test::foreign_messages_test {

using fs::BindingPolicy;

fs::SealedVolume Bound(BindingPolicy binding) {
  fs::SealedVolume volume = TestVolume();
  volume.binding = binding;
  return volume;
}

// What another tool makes under the volume's keys: no padding, frames of a size of its own.
std::string Foreign(SealedBench& bench, std::string_view text, std::uint32_t frame,
                    const EncryptionContext& context = TestVolume().context) {
  const DataKeyPtr key = *bench.keys.ForSealing(context);
  auto sealer = WholeMessageSealer::Make(*key, context, frame, bench.arena);
  Bytes out;
  REQUIRE(sealer->Write(AsBytes(text), out));
  REQUIRE(sealer->Finish(out));
  return std::string(AsText(out));
}

// As `coffer rebind` binds it: under the message's own key.
s3::Metadata Rebound(SealedBench& bench, const std::string& key, const std::string& message) {
  const auto header = ParseHeader(AsBytes(message), {});
  const auto data_key = bench.keys.ForOpening(header->encrypted, header->context, 32);
  const fs::SealedVolume volume = TestVolume();
  const fs::SealedMetadata metadata(volume, bench.arena);
  return *metadata.Seal(key, {**data_key, header->message_id}, {{"mode", "33188"}});
}

fs::FilesystemOptions Frames() {
  fs::FilesystemOptions options = LongTtl();
  options.write.alignment = options.read.granularity = kTestFrame;
  options.read.first_window = 2 * kTestFrame;
  return options;
}

// As the kernel does: a stale node is looked up once more.
template <typename Call>
auto Again(const Call& call) {
  auto first = call();
  return !first && first.error().code == Code::kChanged ? call() : first;
}

TEST_CASE("foreign messages: verified whole they are read, and sizes are right from then on") {
  FakeStore store;
  for (const std::uint32_t frame : {1000u, kTestFrame, 100'000u}) {
    for (const std::size_t size : {0u, 1u, 1000u, 4096u, 20'000u}) {
      CAPTURE(frame, size);
      SealedBench bench(store, Bound(BindingPolicy::kWarn));
      const std::string text = Noise(size);
      store.Plant("f", Foreign(bench, text, frame));
      CHECK(*bench.Get("f") == text);
      CHECK(bench.sealed.Head("f", {})->size == size);
      CHECK(bench.sealed.List({})->objects.at(0).size == size);
      CHECK(bench.sealed.unbound() == 1);
      const std::string etag = store.Info("f")->etag;
      store.ResetCounters();
      const auto part = bench.sealed.Get("f", {100, 700}, {.etag = etag});
      CHECK(AsText(part->body) == (size > 100 ? text.substr(100, 700) : ""));
      CHECK(store.count(Operation::kGet) == 0);  // it is at hand
      CHECK(store.count(Operation::kHead) == 1);
      store.Plant("f", "another");
      CHECK(bench.sealed.Get("f", {0, 1}, {.etag = etag}).error().code == Code::kChanged);
    }
  }
}

TEST_CASE("foreign messages: a name that is not bound is refused before the rest is fetched") {
  FakeStore store;
  SealedBench bench(store);
  store.Plant("f", Foreign(bench, Noise(100'000), 1000));
  store.ResetCounters();
  const auto refused = bench.sealed.Get("f", {0, 1}, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::kCorrupt);
  CHECK(refused.error().what.find("coffer rebind") != std::string::npos);
  CHECK(refused.error().what.find("--name-binding=warn") != std::string::npos);
  CHECK(store.requests() == 1);
}

TEST_CASE("foreign messages: bound under their own key they are read, and bound anew by a copy") {
  FakeStore store;
  SealedBench bench(store);
  const std::string text = Noise(9000);
  const std::string message = Foreign(bench, text, 1000);
  store.Plant("f", message, Rebound(bench, "f", message));
  CHECK(*bench.Get("f") == text);
  store.Plant("g", message, Rebound(bench, "f", message));
  CHECK(bench.Get("g").error().code == Code::kCorrupt);
  s3::CopyRequest copy;
  copy.from = "f";
  copy.to = "h";
  copy.source_etag = store.Info("f")->etag;
  copy.keep_metadata = true;
  SECTION("by who has read it") {}
  SECTION("by who has not") {
    SealedBench other(store);
    REQUIRE(other.sealed.Copy(copy));
  }
  if (!store.Has("h")) REQUIRE(bench.sealed.Copy(copy));
  CHECK(store.Body("h") == message);
  // Who has not copied it himself learns its size by reading.
  const auto read = bench.sealed.Get("h", {0, 1}, {});
  CHECK(read->info.size == text.size());
  CHECK(bench.sealed.Head("h", {})->size == text.size());
  SealedBench reader(store);
  CHECK(*reader.Get("h") == text);
  CHECK(reader.sealed.Get("h", {0, 1}, {})->info.metadata.at("mode") == "33188");
}

TEST_CASE("foreign messages: damaged, cut off, longer or of another volume, nothing is shown",
          "[serial]") {
  FakeStore store;
  SealedBench bench(store, Bound(BindingPolicy::kOff));
  const std::string good = Foreign(bench, Noise(2500), 1000);
  const auto refused = [&](const std::string& bytes) {
    store.Plant("f", bytes);
    SealedBench fresh(store, Bound(BindingPolicy::kOff));
    const auto got = fresh.Get("f");
    REQUIRE_FALSE(got);
    CHECK((got.error().code == Code::kCorrupt || got.error().code == Code::kKeyMissing));
  };
  for (std::size_t at = 0; at < good.size(); at += at < 400 ? 1 : 61) {
    CAPTURE(at);
    std::string bad = good;
    bad[at] ^= 0x20;
    refused(bad);
  }
  for (const std::size_t size : {1ul, 100ul, 300ul, good.size() - 1, good.size() - 1000}) {
    CAPTURE(size);
    refused(good.substr(0, size));
  }
  refused(good + "x");
  refused(good + good);
  refused(Foreign(bench, "text", 1000, {{"coffer", "1"}, {"vol", "another"}}));
  refused(Foreign(bench, "text", 1000, {{"coffer", "1"}}));
}

TEST_CASE("foreign messages: what does not fit the limit is refused, what does is kept within it") {
  FakeStore store;
  SecretArena arena{64};
  SealedBench bench(store, Bound(BindingPolicy::kOff));
  fs::SealedStore sealed({.below = store,
                          .keys = bench.keys,
                          .arena = bench.arena,
                          .pool = bench.pool,
                          .foreign_limit = 5000},
                         Bound(BindingPolicy::kOff));
  for (const char* name : {"a", "b"}) store.Plant(name, Foreign(bench, Noise(3000), 1000));
  store.Plant("large", Foreign(bench, Noise(5000), 1000));
  store.ResetCounters();
  const auto large = sealed.Get("large", {0, 1}, {});
  REQUIRE_FALSE(large);
  CHECK(large.error().code == Code::kTooLarge);
  CHECK(store.requests() == 1);
  const auto gets = [&](const char* name) {
    store.ResetCounters();
    CHECK(sealed.Get(name, {0, 10}, {.etag = store.Info(name)->etag})->info.size == 3000);
    return store.count(Operation::kGet);
  };
  CHECK(gets("a") > 0);
  CHECK(gets("a") == 0);
  CHECK(gets("b") > 0);
  CHECK(gets("a") > 0);  // had made room for b
}

TEST_CASE("foreign messages: a filesystem shows all of them, and replaces them by its own") {
  FakeStore store;
  SealedBench bench(store, Bound(BindingPolicy::kWarn));
  for (const std::size_t size : {500u, 50'000u}) {
    CAPTURE(size);
    const std::string text = Noise(size);
    store.Plant("f", Foreign(bench, text, 1000));
    Volume v(bench.sealed, Frames(), {.sealer = &bench.sealed});
    SECTION("read " + std::to_string(size)) {
      CHECK(*Again([&] { return v.Read("f"); }) == text);
      CHECK(v.Stat("f")->size == size);
      CHECK(*v.Read("f") == text);
    }
    SECTION("appended to " + std::to_string(size)) {
      REQUIRE(Again([&] { return v.Write("f", "more", O_APPEND); }));
      CHECK(*v.Read("f") == text + "more");
    }
    SECTION("replaced " + std::to_string(size)) {
      REQUIRE(Again([&] { return v.Write("f", "new"); }));
      CHECK(*v.Read("f") == "new");
    }
    SECTION("renamed " + std::to_string(size)) {
      REQUIRE(Again([&] { return v.Rename("f", "g"); }));
      CHECK(*Again([&] { return v.Read("g"); }) == text);
    }
    SECTION("other mode " + std::to_string(size)) {
      fs::AttributeChange change;
      change.mode = 0600;
      REQUIRE(Again([&] { return v.Change("f", change); }));
      REQUIRE(v.fs().Drain());
      CHECK(v.Stat("f")->attributes.mode == 0600);
      CHECK(*Again([&] { return v.Read("f"); }) == text);
    }
  }
}

TEST_CASE("foreign messages: what is refused says in the log what to do, once") {
  FakeStore store;
  SealedBench bench(store);
  store.Plant("f", Foreign(bench, "text", 1000));
  Volume v(bench.sealed, Frames(), {.sealer = &bench.sealed});
  CHECK(v.Read("f").error().code == Code::kCorrupt);
  CHECK(v.Read("f").error().code == Code::kCorrupt);
  REQUIRE(v.notes().lines().size() == 1);
  CHECK(v.notes().lines().at(0).find("coffer rebind") != std::string::npos);
  CHECK(v.fs().stats().refused_files == 1);
}

TEST_CASE("sealed: setuid and setgid show of what was proved, and of nothing else") {
  FakeStore store;
  SealedBench bench(store);
  fs::FilesystemOptions options = Frames();
  options.bound_attributes = true;
  const auto mode = [](Volume& v, const char* path) { return v.Stat(path)->attributes.mode; };
  fs::AttributeChange change;
  change.mode = 04755;
  {
    Volume v(bench.sealed, options, {.sealer = &bench.sealed});
    REQUIRE(v.Write("f", "text"));
    REQUIRE(v.Change("f", change));
    CHECK(mode(v, "f") == 04755);  // made here
    REQUIRE(v.fs().Drain());
    CHECK(mode(v, "f") == 04755);
  }
  SealedBench second(store);
  SECTION("by opening it") {
    Volume v(second.sealed, options, {.sealer = &second.sealed});
    REQUIRE(v.List("", true));
    CHECK(mode(v, "f") == 0755);  // what the bucket says
    REQUIRE(v.Read("f"));
    CHECK(mode(v, "f") == 04755);
  }
  SECTION("not where binding is not strict") {
    options.bound_attributes = false;
    Volume v(second.sealed, options, {.sealer = &second.sealed});
    REQUIRE(v.Read("f"));
    CHECK(mode(v, "f") == 0755);
  }
  SECTION("not of what was changed since") {
    options.metadata_ttl = std::chrono::milliseconds(0);
    Volume v(second.sealed, options, {.sealer = &second.sealed});
    REQUIRE(v.Read("f"));
    store.Edit("f", [](s3::ObjectInfo& info) { info.metadata["mode"] = "36287"; });  // 06677
    CHECK(mode(v, "f") == 0677);
  }
}

}  // namespace coffer::test::foreign_messages_test
