#include "fs/sealed_store.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "tests/support/sealed_bench.h"
#include "tests/support/volume.h"
#include "tests/support/writer_bench.h"

namespace coffer::test::sealed_store_test {

constexpr std::uint64_t kOverhead = kTestHeader + 40;  // of a file of one frame

std::uint64_t SealedSizeOf(std::uint64_t plain) {
  return kOverhead + plain + 32 * (plain == 0 ? 0 : (plain - 1) / kTestFrame);
}

// `change` applied to the stored bytes of `key`, seen by a machine that knows nothing yet.
Error ReadDamaged(FakeStore& store, const std::string& key,
                  const std::function<void(std::string&)>& change) {
  const std::string good = *store.Body(key);
  const s3::Metadata metadata = store.Info(key)->metadata;
  std::string bad = good;
  change(bad);
  REQUIRE(bad != good);
  store.Plant(key, bad, metadata);
  SealedBench fresh(store);
  const auto read = fresh.Get(key);
  store.Plant(key, good, metadata);
  if (read) return {Code::kExists, "was read"};
  return read.error();
}

TEST_CASE("sealed: what is written is read, and nothing of it lies in the bucket") {
  FakeStore store;
  for (const std::uint64_t size :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{kTestFrame - 1},
        std::uint64_t{kTestFrame}, std::uint64_t{kTestFrame + 1}, std::uint64_t{5 * kTestFrame}}) {
    const std::string text = Noise(size);
    SealedBench writer(store);
    REQUIRE(writer.Put("f", text, {{"mode", "33188"}, {"xattr", "%7b%7d"}}));
    CHECK(store.Body("f")->size() == SealedSizeOf(size));
    if (size > 16) CHECK(store.Body("f")->find(text.substr(0, 16)) == std::string::npos);
    CHECK(store.Info("f")->metadata.at("xattr").starts_with("1:"));
    SealedBench reader(store);
    CHECK(*reader.Get("f") == text);
    CHECK(*writer.Get("f") == text);
    const auto info = reader.sealed.Head("f", {});
    REQUIRE(info);
    CHECK(info->size == size);
    CHECK(info->metadata == s3::Metadata{{"mode", "33188"}, {"xattr", "%7b%7d"}});
    const auto page = reader.sealed.List({});
    REQUIRE(page);
    CHECK(page->objects.at(0).size == size);
  }
}

TEST_CASE("sealed: any range is read, and costs what the budget says") {
  FakeStore store;
  const std::string text = Noise(20 * kTestFrame + 77);
  SealedBench writer(store);
  const std::string etag = writer.Put("f", text)->etag;
  for (const std::uint64_t offset : {0ul, 1ul, 4095ul, 4096ul, 50'000ul, 81'990ul, 90'000ul}) {
    for (const std::uint64_t size : {1ul, 100ul, 4096ul, 30'000ul}) {
      SealedBench reader(store);
      store.ResetCounters();
      const auto first =
          reader.sealed.Get("f", {offset, size}, {.etag = etag, .size = text.size()});
      REQUIRE(first);
      const std::string expected = offset < text.size() ? text.substr(offset, size) : "";
      CHECK(AsText(first->body) == expected);
      CHECK(first->info.size == text.size());
      CHECK(store.requests() <= 3);  // header, last frame, and what is wanted: side by side
      store.ResetCounters();
      const auto again = reader.sealed.Get("f", {offset, size}, {.etag = etag});
      REQUIRE(again);
      CHECK(AsText(again->body) == expected);
      CHECK(store.requests() == 1);
      CHECK(reader.keys.opening == 1);
    }
  }
  SealedBench reader(store);
  REQUIRE(writer.Put("small", "content"));
  store.ResetCounters();
  CHECK(*reader.Get("small") == "content");
  CHECK(store.requests() == 1);
}

TEST_CASE("sealed: bits flipped, cut, added, swapped frames: not one byte is shown", "[serial]") {
  FakeStore store;
  SealedBench writer(store);
  REQUIRE(writer.Put("f", Noise(3 * kTestFrame + 5)));
  const std::size_t size = store.Body("f")->size();
  for (std::size_t at = 0; at < size; at += at < 400 || at > size - 60 ? 1 : 97) {
    CAPTURE(at);
    const Error error = ReadDamaged(store, "f", [&](std::string& bytes) { bytes[at] ^= 0x10; });
    // A header that names no key of ours is none of ours.
    CHECK((error.code == Code::kCorrupt || error.code == Code::kKeyMissing));
  }
  const std::size_t frame = kTestFrame + 32;
  for (const std::size_t left :
       {std::size_t{0}, std::size_t{1}, std::size_t{500}, std::size_t{kTestHeader},
        kTestHeader + frame, kTestHeader + 2 * frame, kTestHeader + 3 * frame, size - 1}) {
    CAPTURE(left);
    CHECK(ReadDamaged(store, "f", [&](std::string& b) { b.resize(left); }).code == Code::kCorrupt);
  }
  CHECK(ReadDamaged(store, "f", [](std::string& b) { b += 'x'; }).code == Code::kCorrupt);
  CHECK(ReadDamaged(store, "f", [](std::string& b) { b += b; }).code == Code::kCorrupt);
  CHECK(ReadDamaged(store, "f", [&](std::string& b) {
          const std::string one = b.substr(kTestHeader, frame);
          b.replace(kTestHeader, frame, b.substr(kTestHeader + frame, frame));
          b.replace(kTestHeader + frame, frame, one);
        }).code == Code::kCorrupt);
  CHECK(ReadDamaged(store, "f", [&](std::string& b) { b.erase(kTestHeader, frame); }).code ==
        Code::kCorrupt);
  CHECK(*writer.Get("f") == Noise(3 * kTestFrame + 5));
}

TEST_CASE("sealed: every bit of the header, and of what begins and ends a frame", "[serial]") {
  FakeStore store;
  SealedBench writer(store);
  REQUIRE(writer.Put("f", Noise(2 * kTestFrame + 5)));
  const std::size_t size = store.Body("f")->size();
  const std::size_t frame = kTestFrame + 32;
  std::vector<std::size_t> places;
  const auto around = [&](std::size_t at) {
    for (std::size_t i = at - 18; i < std::min(at + 20, size); ++i) places.push_back(i);
  };
  for (std::size_t at = 0; at < 300; ++at) places.push_back(at);  // keys and context; then padding
  for (const std::size_t at : {std::size_t{kTestHeader - 40}, std::size_t{kTestHeader},
                               kTestHeader + frame, kTestHeader + 2 * frame, size}) {
    around(at);
  }
  for (const std::size_t at : places) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      CAPTURE(at, bit);
      const Error error = ReadDamaged(
          store, "f", [&](std::string& bytes) { bytes[at] ^= static_cast<char>(1u << bit); });
      CHECK((error.code == Code::kCorrupt || error.code == Code::kKeyMissing ||
             error.code == Code::kNotPermitted));
    }
  }
}

TEST_CASE("sealed: cut off at every byte, and grown by everything that looks like a message",
          "[serial]") {
  FakeStore store;
  SealedBench writer(store);
  REQUIRE(writer.Put("f", Noise(60)));
  REQUIRE(writer.Put("e", ""));
  const std::size_t size = store.Body("f")->size();
  for (std::size_t left = 0; left < size; ++left) {
    CAPTURE(left);
    CHECK(ReadDamaged(store, "f", [&](std::string& b) { b.resize(left); }).code == Code::kCorrupt);
  }
  const std::string final_frame = store.Body("f")->substr(kTestHeader);
  const std::string empty_frame = store.Body("e")->substr(kTestHeader);
  for (const std::string& more :
       {std::string(1, '\0'), std::string(32, '\0'), std::string(40, '\0'),
        std::string(kTestFrame + 32, '\0'), final_frame, empty_frame, *store.Body("f")}) {
    CAPTURE(more.size());
    CHECK(ReadDamaged(store, "f", [&](std::string& b) { b += more; }).code == Code::kCorrupt);
    CHECK(ReadDamaged(store, "f", [&](std::string& b) { b.insert(kTestHeader, more); }).code ==
          Code::kCorrupt);
  }
}

TEST_CASE("sealed: two messages under one data key: nothing of one passes for the other's") {
  FakeStore store;
  SealedBench writer(store);
  const DataKeyPtr key = *writer.sealed.TakeKey();
  const auto put = [&](const std::string& name, char fill) {
    const std::string text(2 * kTestFrame + 5, fill);
    s3::NewObject object{.metadata = {{"mode", fill == 'a' ? "33188" : "33152"}}};
    object.data_key = key;
    REQUIRE(writer.sealed.Put(name, AsBytes(text), object));
  };
  put("a", 'a');
  put("b", 'b');
  const std::string b = *store.Body("b");
  REQUIRE(store.Body("a")->substr(0, 3) == b.substr(0, 3));
  const std::size_t frame = kTestFrame + 32;
  struct Span {
    std::size_t at, size;
  };
  const std::size_t rest = b.size() - kTestHeader;
  for (const Span span :
       {Span{0, kTestHeader}, Span{3, 32}, Span{kTestHeader, frame}, Span{kTestHeader, rest},
        Span{kTestHeader + frame, frame}, Span{kTestHeader + 2 * frame, rest - 2 * frame}}) {
    CAPTURE(span.at, span.size);
    CHECK(ReadDamaged(store, "a", [&](std::string& bytes) {
            bytes.replace(span.at, span.size, b.substr(span.at, span.size));
          }).code == Code::kCorrupt);
  }
  // Metadata of the one with the bytes of the other, and all of the one in the other's place.
  const s3::Metadata of_a = store.Info("a")->metadata;
  const s3::Metadata of_b = store.Info("b")->metadata;
  const std::string a = *store.Body("a");
  store.Plant("a", a, of_b);
  CHECK(SealedBench(store).Get("a").error().code == Code::kCorrupt);
  store.Plant("a", b, of_a);
  CHECK(SealedBench(store).Get("a").error().code == Code::kCorrupt);
  store.Plant("a", b, of_b);
  CHECK(SealedBench(store).Get("a").error().code == Code::kCorrupt);
  store.Plant("a", a, of_a);
  CHECK(SealedBench(store).Get("a"));
}

TEST_CASE("sealed: every bit of the bind tag and of sealed extended attributes", "[serial]") {
  FakeStore store;
  SealedBench writer(store);
  REQUIRE(writer.Put("f", "text", {{"mode", "33188"}, {"xattr", "%7b%7d"}}));
  const std::string body = *store.Body("f");
  const s3::Metadata good = store.Info("f")->metadata;
  for (const auto& [name, value] : good) {
    for (std::size_t bit = 0; bit < 8 * value.size(); ++bit) {
      CAPTURE(name, bit);
      s3::Metadata bad = good;
      bad[name][bit / 8] ^= static_cast<char>(1u << bit % 8);
      store.Plant("f", body, bad);
      CHECK(SealedBench(store).Get("f").error().code == Code::kCorrupt);
    }
    s3::Metadata shorter = good;
    shorter.erase(name);
    store.Plant("f", body, shorter);
    CHECK(SealedBench(store).Get("f").error().code == Code::kCorrupt);
  }
}

TEST_CASE("sealed: an empty file is one, and cannot be made of another") {
  FakeStore store;
  SealedBench writer(store);
  REQUIRE(writer.Put("empty", ""));
  CHECK(*SealedBench(store).Get("empty", 0, 1) == "");
  CHECK(ReadDamaged(store, "empty", [](std::string& b) { b.back() ^= 1; }).code == Code::kCorrupt);
  REQUIRE(writer.Put("full", Noise(kTestFrame)));
  // As long as an empty one, but cut from one that is not.
  CHECK(ReadDamaged(store, "full", [](std::string& b) { b.resize(kOverhead); }).code ==
        Code::kCorrupt);
}

TEST_CASE("sealed: another's name, other attributes, no tag: refused, and rename makes none good") {
  FakeStore store;
  SealedBench writer(store);
  REQUIRE(writer.Put("a", "of a", {{"mode", "33188"}, {"mtime", "5"}, {"atime", "7"}}));
  REQUIRE(writer.Put("b", "of b", {{"mode", "33188"}, {"mtime", "5"}}));
  const std::string a = *store.Body("a");
  const s3::Metadata good = store.Info("a")->metadata;
  const auto refused = [&](const std::string& key) {
    SealedBench fresh(store);
    const auto read = fresh.Get(key);
    const auto copied = fresh.sealed.Copy({.from = key, .to = "copy"});
    const auto kept = fresh.sealed.Copy({.from = key, .to = "copy", .keep_metadata = true});
    CHECK_FALSE(store.Has("copy"));
    return !read && read.error().code == Code::kCorrupt && !copied && !kept;
  };
  store.Plant("b", a, good);
  CHECK(refused("b"));
  for (const auto& [name, value] : s3::Metadata{{"mode", "35309"},
                                                {"mtime", "6"},
                                                {"uid", "0"},
                                                {"file-owner", "0"},
                                                {"xattr", "1:AAAA"}}) {
    s3::Metadata bad = good;
    bad[name] = value;
    store.Plant("a", a, bad);
    CAPTURE(name);
    CHECK(refused("a"));
  }
  s3::Metadata untagged = good;
  untagged.erase("coffer-bind");
  store.Plant("a", a, untagged);
  CHECK(refused("a"));
  store.Plant("a", a, {});
  CHECK(refused("a"));
  s3::Metadata later = good;
  later["atime"] = "8";
  store.Plant("a", a, later);
  CHECK(*SealedBench(store).Get("a") == "of a");
}

TEST_CASE("sealed: --name-binding=warn reads what was moved, and counts it") {
  FakeStore store;
  SealedBench writer(store);
  REQUIRE(writer.Put("a", "text"));
  store.Plant("b", *store.Body("a"), store.Info("a")->metadata);
  fs::SealedVolume lenient = TestVolume();
  lenient.binding = fs::BindingPolicy::kWarn;
  SealedBench reader(store, lenient);
  CHECK(*reader.Get("b") == "text");
  CHECK(reader.sealed.unbound() == 1);
  CHECK(*reader.Get("a") == "text");
  CHECK(reader.sealed.unbound() == 1);
}

TEST_CASE("sealed: plaintext, another volume's and another key's objects are refused in words") {
  FakeStore store;
  store.Plant("plain", "hello");
  store.Plant("large", Noise(50'000));
  SealedBench other(store, TestVolume("7f3d2c1e-0000-4000-8000-000000000002"));
  REQUIRE(other.Put("theirs", "text"));
  SealedBench foreign(store, TestVolume(), 'x');
  REQUIRE(foreign.Put("keyless", "text"));
  SealedBench bench(store);
  for (const char* key : {"plain", "large", "theirs"}) {
    const auto read = bench.Get(key);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Code::kCorrupt);
    CHECK(read.error().what.find(key) != std::string::npos);
  }
  CHECK(bench.Get("keyless").error().code == Code::kCorrupt);  // same name, another key
  CHECK(bench.sealed.List({}));
  CHECK(bench.sealed.Head("plain", {})->size == 5);
}

TEST_CASE("sealed: a copy binds the message to its new name, for nothing when it is known") {
  FakeStore store;
  SealedBench writer(store);
  const std::string etag = writer.Put("a", "text", {{"mode", "33188"}})->etag;
  store.ResetCounters();
  s3::CopyRequest copy{.from = "a", .to = "b", .source_etag = etag};
  copy.target.metadata = {{"mode", "33152"}};
  REQUIRE(writer.sealed.Copy(copy));
  CHECK(store.requests() == 1);
  CHECK(*store.Body("b") == *store.Body("a"));
  SealedBench fresh(store);
  CHECK(*fresh.Get("b") == "text");
  CHECK(fresh.sealed.Head("b", {})->metadata == s3::Metadata{{"mode", "33152"}});
  store.ResetCounters();
  REQUIRE(SealedBench(store).sealed.Copy({.from = "a", .to = "c", .keep_metadata = true}));
  CHECK(store.requests() == 2);  // the header comes with a ranged GET
  CHECK(*SealedBench(store).Get("c") == "text");
  CHECK(SealedBench(store).sealed.Head("c", {})->metadata == s3::Metadata{{"mode", "33188"}});
  CHECK(writer.sealed.Rename({"a", "d"}).error().code == Code::kUnsupported);
}

TEST_CASE("sealed: the volume's own directory does not show and cannot be changed") {
  FakeStore store;
  store.Plant(".coffer/volume", "descriptor");
  SealedBench bench(store);
  CHECK(bench.sealed.List({})->prefixes.empty());
  s3::ListRequest deep;
  deep.delimited = false;
  CHECK(bench.sealed.List(deep)->objects.empty());
  CHECK(bench.sealed.Head(".coffer/volume", {}).error().code == Code::kNotFound);
  CHECK(bench.Get(".coffer/volume").error().code == Code::kNotFound);
  CHECK(bench.Put(".coffer/volume", "x").error().code == Code::kNotPermitted);
  CHECK(bench.sealed.Delete(".coffer/volume", {}).error().code == Code::kNotPermitted);
  CHECK(store.Body(".coffer/volume") == "descriptor");
}

TEST_CASE("sealed: large files stream in whole frames, also when they are appended to") {
  FakeStore store;
  SealedBench bench(store);
  fs::WriteOptions options = SmallParts();
  options.alignment = kTestFrame;
  options.smallest_part = 12 * kTestFrame;
  fs::MemoryBudget budget(64 * kMiB);
  Records records;
  const fs::Writer::Shared shared{bench.sealed, bench.pool, budget, options, records};
  std::string expected = Noise(900'001);
  s3::NewObject object;
  object.metadata = {{"mode", "33188"}};
  fs::Writer writer(shared, "f", object);
  REQUIRE(WriteAll(writer, expected, 10'000));
  REQUIRE(writer.Commit());
  CHECK(store.Body("f")->size() == SealedSizeOf(expected.size()));
  CHECK(*SealedBench(store).Get("f") == expected);
  for (int i = 0; i < 2; ++i) {  // fsync in the middle: a new message each time
    const std::string before = store.Body("f")->substr(0, 100);
    const std::string more = Noise(120'000, 5);
    REQUIRE(WriteAll(writer, more, 9'999, expected.size()));
    expected += more;
    REQUIRE(writer.Commit());
    CHECK(*SealedBench(store).Get("f") == expected);
    CHECK(store.Body("f")->substr(0, 100) != before);
  }
}

TEST_CASE("sealed: a whole filesystem works on it as on a plain bucket") {
  FakeStore store;
  SealedBench bench(store);
  fs::FilesystemOptions options = LongTtl();
  options.write.alignment = kTestFrame;
  options.read.granularity = kTestFrame;
  Volume v(bench.sealed, options, {.sealer = &bench.sealed});
  REQUIRE(v.MakeDirectory("d"));
  REQUIRE(v.Write("d/f", "one\n"));
  REQUIRE(v.Write("d/f", "two\n", O_APPEND));
  REQUIRE(v.Write("d/empty", ""));
  CHECK(*v.Read("d/f") == "one\ntwo\n");
  REQUIRE(v.Rename("d", "e"));
  CHECK(*v.Read("e/f") == "one\ntwo\n");
  CHECK(*v.Read("e/empty") == "");
  for (const std::string& key : store.Keys()) {
    CAPTURE(key);
    CHECK(store.Info(key)->metadata.contains("coffer-bind"));
    CHECK(store.Body(key)->size() >= kOverhead);
  }
  SealedBench second(store);
  Volume w(second.sealed, options, {.sealer = &second.sealed});
  CHECK(*w.Read("e/f") == "one\ntwo\n");
  CHECK(w.Stat("e/f")->attributes.mode == v.Stat("e/f")->attributes.mode);
  std::string body = *store.Body("e/empty");
  body.back() ^= 1;
  store.Plant("e/empty", body, store.Info("e/empty")->metadata);
  SealedBench third(store);
  Volume x(third.sealed, options, {.sealer = &third.sealed});
  CHECK(x.Read("e/empty").error().code == Code::kCorrupt);
  CHECK(*x.Read("e/f") == "one\ntwo\n");
}

TEST_CASE("sealed: what KMS refuses is refused at open, before a byte is taken") {
  FakeStore store;
  SealedBench bench(store);
  Volume v(bench.sealed, LongTtl(), {.sealer = &bench.sealed});
  REQUIRE(v.Write("f", "old"));
  bench.keys.refusal = Error{Code::kDenied, "kms:GenerateDataKey"};
  store.ResetCounters();
  CHECK(v.Open("new", O_WRONLY | O_CREAT).error().code == Code::kDenied);
  CHECK(v.Open("f", O_WRONLY | O_TRUNC).error().code == Code::kDenied);
  CHECK(store.count(Operation::kPut) == 0);
  bench.keys.refusal.reset();
  CHECK(*v.Read("f") == "old");
  CHECK_FALSE(v.Exists("new"));
}

TEST_CASE("sealed: what was changed behind our back is not sealed again as if it were true") {
  FakeStore store;
  SealedBench bench(store);
  fs::FilesystemOptions options;  // what S3 says is asked for again at once
  options.metadata_ttl = std::chrono::milliseconds(0);
  options.negative_ttl = std::chrono::milliseconds(0);
  options.attribute_delay = std::chrono::hours(1);
  Volume v(bench.sealed, options, {.sealer = &bench.sealed});
  REQUIRE(v.Write("f", "text"));
  REQUIRE(v.Write("e", ""));
  const auto taint = [&](const std::string& key) {
    s3::Metadata bad = store.Info(key)->metadata;
    bad["mode"] = "35309";
    store.Plant(key, *store.Body(key), bad);
  };
  taint("f");
  taint("e");
  fs::AttributeChange touch;
  touch.mtime = 5 * fs::kSecond;
  CHECK(v.Stat("f"));  // the very mount that made it sees the claim, and does not believe it
  CHECK(v.Change("f", touch).error().code == Code::kCorrupt);
  CHECK(v.Rename("f", "g").error().code == Code::kCorrupt);
  SealedBench fresh(store);  // a machine that knows neither
  for (SealedBench* machine : {&bench, &fresh}) {
    Volume w(machine->sealed, options, {.sealer = &machine->sealed});
    fs::AttributeChange change;
    change.mtime = 5 * fs::kSecond;
    CHECK(w.Change("f", change).error().code == Code::kCorrupt);
    CHECK(w.Rename("f", "g").error().code == Code::kCorrupt);
    CHECK(w.Write("f", "more", O_APPEND).error().code == Code::kCorrupt);
    CHECK(w.Write("e", "more", O_APPEND).error().code == Code::kCorrupt);
    CHECK(w.Read("f").error().code == Code::kCorrupt);
  }
  Volume w(fresh.sealed, options, {.sealer = &fresh.sealed});
  REQUIRE(w.Write("f", "whole", O_TRUNC));  // a new file in its place is one
  CHECK(*w.Read("f") == "whole");
  CHECK(w.Stat("f")->attributes.mode == options.defaults.file_mode);
  store.Plant("d/", "", {{"mode", "35309"}});  // a bare marker says nothing
  REQUIRE(w.Rename("d", "d2"));
  CHECK(store.Info("d2/")->metadata.contains("coffer-bind"));
  store.Plant("x", "a plaintext", {{"xattr", "%7B%7D"}});
  CHECK(w.Stat("x"));
  CHECK(w.Read("x").error().code == Code::kCorrupt);
  CHECK(w.Unlink("x"));
}

TEST_CASE("sealed: a size that a listing shows and the object has not is an error") {
  FakeStore store;
  SealedBench bench(store);
  REQUIRE(bench.Put("f", Noise(1000)));
  struct Liar : fs::SealedStore {
    using fs::SealedStore::SealedStore;
    Result<s3::ObjectInfo> Head(std::string_view key, const s3::ReadCondition& c) override {
      auto info = fs::SealedStore::Head(key, c);
      if (info) info->size = 10;
      return info;
    }
    Result<s3::ListPage> List(const s3::ListRequest& r) override {
      auto page = fs::SealedStore::List(r);
      if (page)
        for (auto& object : page->objects) object.size = 10;
      return page;
    }
  };
  Liar liar({bench.below, bench.keys, bench.arena, bench.pool}, TestVolume());
  Volume v(liar, LongTtl(), {.sealer = &liar});
  CHECK(v.Read("f").error().code == Code::kChanged);
}

}  // namespace coffer::test::sealed_store_test
