#include "fs/s3ec_store.h"

#include <dirent.h>

#include <functional>
#include <thread>

#include "crypto/aead.h"
#include "tests/support/recording_store.h"
#include "tests/support/s3ec_bench.h"
#include "tests/support/volume.h"
#include "tests/support/writer_bench.h"

namespace coffer::test::s3ec_store_test {

EncryptionContext CallersPart(EncryptionContext context) {
  context.erase("aws:x-amz-cek-alg");
  context.erase("kms_cmk_id");
  return context;
}

// How a read of the vector ends when its parts were changed.
struct Parts {
  std::string body;
  s3::Metadata metadata;
  std::string file;
};
Result<std::string> ReadChanged(const S3ecVector& vector,
                                const std::function<void(Parts&)>& change) {
  Parts parts{vector.body, vector.metadata,
              vector.instruction ? nlohmann::json(*vector.instruction).dump() : ""};
  change(parts);
  FakeStore store;
  store.Plant("f", parts.body, parts.metadata);
  if (vector.instruction) {
    store.Plant("f.instruction", parts.file, {{"x-amz-crypto-instr-file", ""}});
  }
  S3ecBench bench(store, S3ecVersion::kV1, 1u << 20, CallersPart(vector.context));
  auto read = bench.Get("f");
  CHECK(bench.lines.size() == (read ? 0 : 1));
  return read;
}

void CheckCorrupt(const Result<std::string>& read) {
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::kCorrupt);
}

// A V3 object of any size, under the AES key of the vectors, made with our own AES-GCM: for what
// does not depend on the format.
S3ecVector Large(std::size_t size) {
  const S3ecVector& model = TheS3ecVectors().Find("V2 AES/GCM AES/GCM/NoPadding 300");
  S3ecVector made = model;
  made.plain = Noise(size);
  auto cipher = AesGcm::ForSealing(AsBytes(model.data_key)).value();
  Nonce nonce{};
  const std::string iv = model.Object().nonce;
  std::copy(AsBytes(iv).begin(), AsBytes(iv).end(), nonce.begin());
  Bytes sealed(size + kTagSize);
  REQUIRE(cipher.Seal(nonce, {}, AsBytes(made.plain), sealed));
  made.body = AsText(sealed);
  return made;
}

TEST_CASE("S3EC store: what another implementation wrote is read, with its size") {
  for (const S3ecVector& vector : TheS3ecVectors().objects) {
    INFO(vector.name);
    FakeStore store;
    const std::string etag = PlantS3ec(store, "f", vector);
    S3ecBench bench(store, S3ecVersion::kV1, 1u << 20, CallersPart(vector.context));
    const auto before = bench.s3ec.Head("f", {});
    REQUIRE(before);
    const auto read = bench.s3ec.Get("f", {0, 1u << 20}, {.etag = etag});
    REQUIRE(read);
    CHECK(AsText(read->body) == vector.plain);
    CHECK(read->info.size == vector.plain.size());
    CHECK(read->info.etag == etag);
    // Exact at once, but for CBC whose length stands nowhere.
    const bool told = !vector.instruction || vector.name.find("CBC") == std::string::npos;
    CHECK(before->size == (told ? vector.plain.size() : vector.body.size()));
    CHECK(bench.s3ec.Head("f", {})->size == vector.plain.size());
    CHECK(bench.s3ec.List({})->objects.at(0).size == vector.plain.size());
    CHECK(bench.lines.empty());
  }
}

TEST_CASE("S3EC store: any bit of the ciphertext or the tag, and no byte is released", "[serial]") {
  for (const char* name : {"V3 AES/GCM 115 16", "V2 AES/GCM AES/GCM/NoPadding 16",
                           "V3 AES/GCM 115 0", "V2 AES/GCM AES/GCM/NoPadding 0"}) {
    const S3ecVector& vector = TheS3ecVectors().Find(name);
    INFO(name);
    for (std::size_t bit = 0; bit < vector.body.size() * 8; ++bit) {
      CheckCorrupt(ReadChanged(vector, [&](Parts& parts) {
        parts.body[bit / 8] = static_cast<char>(parts.body[bit / 8] ^ 1 << bit % 8);
      }));
    }
    for (std::size_t size = 0; size < vector.body.size(); ++size) {
      CheckCorrupt(ReadChanged(vector, [&](Parts& parts) { parts.body.resize(size); }));
    }
    CheckCorrupt(ReadChanged(vector, [](Parts& parts) { parts.body += 'x'; }));
  }
}

TEST_CASE("S3EC store: any change of what describes it, and no byte is released", "[serial]") {
  for (const S3ecVector& vector : TheS3ecVectors().objects) {
    if (vector.plain.size() != 300 || vector.needs == S3ecVersion::kV1) continue;
    INFO(vector.name);
    const auto changed = [&](const std::string& name, const std::string& value) {
      return ReadChanged(vector, [&](Parts& parts) {
        if (parts.metadata.contains(name)) parts.metadata[name] = value;
        if (vector.instruction && vector.instruction->contains(name)) {
          S3ecFields file = *vector.instruction;
          file[name] = value;
          parts.file = nlohmann::json(file).dump();
        }
      });
    };
    S3ecFields all = vector.metadata;
    if (vector.instruction) all.insert(vector.instruction->begin(), vector.instruction->end());
    for (const auto& [name, value] : all) {
      // A material description binds nothing; without the client it may say anything.
      const bool bound = name != "x-amz-m" && (name != "x-amz-matdesc" || !vector.context.empty());
      if (!bound) continue;
      INFO(name);
      for (std::size_t at = 0; at < value.size(); at += 3) {
        std::string other = value;
        other[at] = other[at] == 'A' ? 'B' : 'A';
        CheckCorrupt(changed(name, other));
      }
      CheckCorrupt(changed(name, ""));
    }
  }
}

TEST_CASE("S3EC store: CBC fails in one way, whatever is wrong with it") {
  const S3ecVector& vector = TheS3ecVectors().Find("V2 AESWrap AES/CBC/PKCS5Padding 16");
  std::string said;
  const auto same = [&](const std::function<void(Parts&)>& change) {
    const auto read = ReadChanged(vector, change);
    CheckCorrupt(read);
    if (said.empty()) said = read.error().what;
    CHECK(read.error().what == said);
  };
  same([](Parts& parts) { parts.body.resize(16); });  // the padding
  same([](Parts& parts) { parts.body.back() = static_cast<char>(parts.body.back() ^ 1); });
  same([](Parts& parts) { parts.body.resize(31); });  // half a block
  same([](Parts& parts) { parts.body.clear(); });
  same([](Parts& parts) { parts.body += std::string(16, 'x'); });
}

TEST_CASE("S3EC store: the policy says which versions, each includes the safer ones") {
  for (const S3ecVector& vector : TheS3ecVectors().objects) {
    if (!CallersPart(vector.context).empty()) continue;
    INFO(vector.name);
    for (const S3ecVersion policy : {S3ecVersion::kV3, S3ecVersion::kV2, S3ecVersion::kV1}) {
      FakeStore store;
      PlantS3ec(store, "f", vector);
      S3ecBench bench(store, policy);
      const auto read = bench.Get("f");
      if (vector.needs >= policy) {
        CHECK(read);
        continue;
      }
      REQUIRE_FALSE(read);
      CHECK(read.error().code == Code::kDenied);
      const std::string option = "--s3ec=v" + std::to_string(static_cast<int>(vector.needs));
      REQUIRE(bench.lines.size() == 1);
      CHECK(bench.lines[0].find(option) != std::string::npos);
      CHECK(bench.made.kms->calls == 0);
    }
  }
}

TEST_CASE("S3EC store: any range, from a spool that is filled once") {
  const S3ecVector vector = Large(200'000);
  FakeStore store;
  const std::string etag = PlantS3ec(store, "f", vector);
  S3ecBench bench(store);
  for (const std::uint64_t offset :
       {0ul, 1ul, 65'535ul, 65'536ul, 199'999ul, 200'000ul, 300'000ul}) {
    for (const std::uint64_t size : {1ul, 65'536ul, 65'537ul, 300'000ul}) {
      S3ecBench fresh(store);
      const std::string expected =
          offset < vector.plain.size() ? vector.plain.substr(offset, size) : "";
      CHECK(*fresh.Get("f", offset, size) == expected);
      const auto again = bench.s3ec.Get("f", {offset, size}, {.etag = etag, .size = 200'000});
      REQUIRE(again);
      CHECK(AsText(again->body) == expected);
    }
  }
  store.ResetCounters();
  REQUIRE(bench.s3ec.Get("f", {7, 1000}, {.etag = etag}));
  CHECK(store.requests() == 0);
}

TEST_CASE("S3EC store: damage at the end keeps the beginning back, also in many parts") {
  const S3ecVector vector = Large(200'000);
  for (const std::size_t at : {0ul, 100'000ul, 199'999ul, 200'015ul}) {
    CheckCorrupt(ReadChanged(
        vector, [&](Parts& parts) { parts.body[at] = static_cast<char>(parts.body[at] ^ 1); }));
  }
  FakeStore store;
  PlantS3ec(store, "f", vector);
  S3ecBench bench(store);
  store.Plant("f", vector.body.substr(0, 150'000), vector.metadata);
  CheckCorrupt(bench.Get("f", 0, 10));
}

TEST_CASE("S3EC store: a small object costs one GET, a plain one that of an instruction file too") {
  const S3ecVector& vector = TheS3ecVectors().Find("V3 AES/GCM 115 300");
  FakeStore store;
  store.Plant("plain", "content");
  store.AdvanceTime(100);
  const std::string etag = PlantS3ec(store, "f", vector);
  S3ecBench bench(store);
  store.ResetCounters();
  REQUIRE(bench.s3ec.Get("f", {0, 300}, {.etag = etag, .size = 300}));
  CHECK(store.count(Operation::kGet) == 1);
  store.ResetCounters();
  CHECK(*bench.Get("plain") == "content");
  CHECK(store.count(Operation::kGet) == 2);
  store.ResetCounters();
  const std::string plain_etag = store.Info("plain")->etag;
  REQUIRE(bench.s3ec.Get("plain", {3, 2}, {.etag = plain_etag}));
  CHECK(store.count(Operation::kGet) == 1);
}

TEST_CASE("S3EC store: over the limit is too large, before anything else is fetched") {
  const S3ecVector vector = Large(100'000);
  FakeStore store;
  PlantS3ec(store, "f", vector);
  S3ecBench exact(store, S3ecVersion::kV3, 100'000);
  // V2 objects are not read under v3; the limit is looked at under v2.
  S3ecBench fits(store, S3ecVersion::kV2, 100'000);
  CHECK(*fits.Get("f") == vector.plain);
  S3ecBench over(store, S3ecVersion::kV2, 99'999);
  store.ResetCounters();
  const auto read = over.Get("f", 0, 10);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::kTooLarge);
  CHECK(store.count(Operation::kGet) == 1);
  REQUIRE(over.lines.size() == 1);
  CHECK(over.lines[0].find("--s3ec-max-size") != std::string::npos);
}

TEST_CASE("S3EC store: a size that seemed another is a change, and right from then on") {
  const S3ecVector& vector = TheS3ecVectors().Find("V1 AES/ECB AES/CBC/PKCS5Padding 300 split");
  FakeStore store;
  const std::string etag = PlantS3ec(store, "f", vector);
  S3ecBench bench(store);
  const std::uint64_t seemed = bench.s3ec.Head("f", {})->size;
  CHECK(seemed == 304);
  const auto read = bench.s3ec.Get("f", {0, seemed}, {.etag = etag, .size = seemed});
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::kChanged);
  CHECK(bench.lines.empty());
  const std::uint64_t proved = bench.s3ec.Head("f", {})->size;
  CHECK(proved == 300);
  CHECK(bench.s3ec.Get("f", {0, proved}, {.etag = etag, .size = proved}));
}

TEST_CASE("S3EC store: instruction files do not show where their object is") {
  FakeStore store;
  PlantS3ec(store, "d/a", TheS3ecVectors().Find("V3 AES/GCM 115 300 split"));
  store.Plant("d/alone.instruction", "somebody's own");
  store.Plant("d/plain", "x");
  S3ecBench bench(store);
  const auto names = [&](int page_size) {
    std::vector<std::string> all;
    s3::ListRequest request;
    request.prefix = "d/";
    request.max_keys = page_size;
    for (;;) {
      const auto page = bench.s3ec.List(request);
      REQUIRE(page);
      for (const auto& object : page->objects) all.push_back(object.key);
      if (page->next_token.empty()) return all;
      request.token = page->next_token;
    }
  };
  const std::vector<std::string> expected = {"d/a", "d/alone.instruction", "d/plain"};
  CHECK(names(1000) == expected);
  CHECK(names(1) == expected);  // the object on the page before
  CHECK(bench.s3ec.Head("d/a.instruction", {}).error().code == Code::kNotFound);
  CHECK(bench.s3ec.Head("d/alone.instruction", {}));
  CHECK(*bench.Get("d/alone.instruction") == "somebody's own");
}

TEST_CASE("S3EC store: an instruction file that is missing or broken") {
  const S3ecVector& v3 = TheS3ecVectors().Find("V3 AES/GCM 115 300 split");
  const S3ecVector& v2 = TheS3ecVectors().Find("V2 AES/GCM AES/GCM/NoPadding 300 split");
  FakeStore store;
  store.Plant("v3", v3.body, v3.metadata);
  store.Plant("v2", v2.body);
  S3ecBench bench(store);
  CheckCorrupt(bench.Get("v3"));
  CHECK(*bench.Get("v2") == v2.body);  // nothing says that it is not plain
  for (const char* text : {"", "{", "[]", "{\"a\":\"b\"}", "{\"x-amz-3\":1}"}) {
    FakeStore broken;
    broken.Plant("v3", v3.body, v3.metadata);
    broken.Plant("v2", v2.body);
    const s3::Metadata mark{{"x-amz-crypto-instr-file", ""}};
    broken.Plant("v3.instruction", text, mark);
    broken.Plant("v2.instruction", text, mark);
    S3ecBench reader(broken);
    CheckCorrupt(reader.Get("v3"));
    CheckCorrupt(reader.Get("v2"));
    broken.Plant("v2.instruction", text);  // somebody's own
    CHECK(*S3ecBench(broken).Get("v2") == v2.body);
  }
  // What cannot be told is not taken for a plain object.
  FakeStore denied;
  denied.Plant("f", "plain");
  denied.SetHook([](Operation, std::string_view key) -> std::optional<Fault> {
    if (key != "f.instruction") return std::nullopt;
    return Fault{Error{Code::kDenied, "no"}};
  });
  CHECK(S3ecBench(denied).Get("f").error().code == Code::kDenied);
}

TEST_CASE("S3EC store: a young object is not taken for a plain one for good") {
  const S3ecVector& vector = TheS3ecVectors().Find("V2 AES/GCM AES/GCM/NoPadding 300 split");
  FakeStore store;
  const std::string etag = store.Plant("f", vector.body);
  S3ecBench bench(store);
  REQUIRE(bench.s3ec.Head("f", {}));
  CHECK(*bench.Get("f") == vector.body);
  PlantS3ec(store, "f", vector);  // its instruction file came after it
  const auto read = bench.s3ec.Get("f", {0, 1000}, {.etag = etag});
  REQUIRE(read);
  CHECK(AsText(read->body) == vector.plain);
}

TEST_CASE("S3EC store: many who ask at once are answered by one reading") {
  const S3ecVector vector = Large(100'000);
  FakeStore store;
  const std::string etag = PlantS3ec(store, "f", vector);
  RecordingStore below(store);
  S3ecBench bench(store);
  fs::S3ecStore s3ec({below, bench.keys, bench.arena, bench.pool, [](const std::string&) {}},
                     bench.Options(S3ecVersion::kV1, 1u << 20));
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto read = s3ec.Get("f", {50'000, 100}, {.etag = etag, .size = 100'000});
      if (read && AsText(read->body) == vector.plain.substr(50'000, 100)) ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 8);
  std::uint64_t whole = 0;
  for (const auto& get : below.gets()) whole += get.range.offset == 0 ? 1 : 0;
  CHECK(whole == 1);
}

TEST_CASE("S3EC store: an object that changes while it is read is no mix") {
  const S3ecVector vector = Large(100'000);
  FakeStore store;
  PlantS3ec(store, "f", vector);
  RecordingStore below(store);
  std::atomic<int> gets{0};
  below.OnGet([&](s3::Range) -> std::optional<Error> {
    if (++gets == 2) store.Plant("f", vector.body.substr(1), vector.metadata);
    return std::nullopt;
  });
  S3ecBench bench(store);
  fs::S3ecStore s3ec({below, bench.keys, bench.arena, bench.pool, [](const std::string&) {}},
                     bench.Options(S3ecVersion::kV1, 1u << 20));
  const auto read = s3ec.Get("f", {0, 100}, {});
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::kChanged);
}

TEST_CASE("S3EC store: nothing is written") {
  FakeStore store;
  PlantS3ec(store, "f", TheS3ecVectors().Find("V3 AES/GCM 115 300"));
  S3ecBench bench(store);
  store.ResetCounters();
  CHECK(bench.s3ec.Put("f", AsBytes("x"), {}).error().code == Code::kReadOnly);
  CHECK(bench.s3ec.Copy({}).error().code == Code::kReadOnly);
  CHECK(bench.s3ec.Rename({}).error().code == Code::kReadOnly);
  CHECK(bench.s3ec.Delete("f", {}).error().code == Code::kReadOnly);
  CHECK(bench.s3ec.DeleteMany({}).error().code == Code::kReadOnly);
  CHECK(bench.s3ec.CreateUpload("f", {}).error().code == Code::kReadOnly);
  CHECK(store.requests() == 0);
}

TEST_CASE("S3EC store: KMS's refusals are its own, and leave nothing behind") {
  FakeStore store;
  PlantS3ec(store, "f", TheS3ecVectors().Find("V3 kms+context 115 300"));
  S3ecBench bench(store);
  for (const Code code : {Code::kDenied, Code::kKeyDisabled, Code::kKeyMissing, Code::kTimeout}) {
    bench.made.kms->refusal = Error{code, "no"};
    CHECK(bench.Get("f").error().code == code);
  }
  bench.made.kms->refusal.reset();
  CHECK(bench.Get("f"));
}

}  // namespace coffer::test::s3ec_store_test
