#include "fs/writer.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "fs/mutex.h"
#include "tests/support/fake_store.h"
#include "tests/support/recording_store.h"

namespace coffer::fs {
namespace {

using namespace std::chrono_literals;
using test::FakeStore;
using test::Operation;
using test::RecordingStore;

constexpr std::uint64_t kKiB = 1u << 10;
constexpr std::uint64_t kMiB = 1u << 20;

// As a mount's, scaled down: the service demands parts of 50 KiB.
WriteOptions Small() {
  WriteOptions options;
  options.first_part = 80 * kKiB;
  options.largest_part = 640 * kKiB;
  options.smallest_part = 50 * kKiB;
  options.copy_part = 200 * kKiB;
  options.parts_in_flight = 4;
  options.memory_wait = 200ms;
  return options;
}

std::string Noise(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random() >> 24);
  return text;
}

class Records : public UploadObserver {
 public:
  void Began(const s3::Upload& upload) override {
    Lock lock(mu_);
    open_.insert(upload.id);
    ++began_;
  }
  void Ended(const s3::Upload& upload) override {
    Lock lock(mu_);
    open_.erase(upload.id);
  }
  std::size_t open() const {
    Lock lock(mu_);
    return open_.size();
  }
  int began() const {
    Lock lock(mu_);
    return began_;
  }

 private:
  mutable Mutex mu_;
  std::set<std::string> open_ GUARDED_BY(mu_);
  int began_ GUARDED_BY(mu_) = 0;
};

struct Bench {
  explicit Bench(std::uint64_t limit = 64 * kMiB, WriteOptions o = Small(),
                 std::chrono::microseconds latency = 0us)
      : fake(FakeStore::Options{.min_part = o.smallest_part, .latency = latency}),
        store(fake),
        budget(limit),
        options(o) {}

  s3::NewObject Object(s3::Condition condition = s3::Condition::Absent()) const {
    return {.metadata = {{"mode", "0100644"}}, .headers = {}, .condition = std::move(condition)};
  }
  std::unique_ptr<Writer> New(const std::string& key = "k") { return Make(key, Object()); }
  std::unique_ptr<Writer> Make(const std::string& key, s3::NewObject object) {
    return std::make_unique<Writer>(Writer::Shared{store, pool, budget, options, records}, key,
                                    std::move(object));
  }
  // A writer that starts from what is there.
  std::unique_ptr<Writer> Append(const std::string& key = "k") {
    const auto info = fake.Info(key);
    auto writer = Make(key, Object(s3::Condition::Matches(info->etag)));
    REQUIRE(writer->StartFrom({info->etag, "", info->size, 0}));
    return writer;
  }
  int count(Operation operation) const { return fake.count(operation); }
  // Nothing is left over, neither here nor in the bucket.
  bool Clean() const {
    return fake.open_uploads() == 0 && records.open() == 0 && budget.used() == 0 &&
           store.overtaken() == 0;
  }

  FakeStore fake;
  RecordingStore store;
  MemoryBudget budget;
  Records records;
  WriteOptions options;
  WorkerPool pool{8};
};

// Appends `content` in pieces of `step`.
Status WriteAll(Writer& writer, const std::string& content, std::size_t step,
                std::uint64_t at = 0) {
  for (std::size_t i = 0; i < content.size(); i += step) {
    COFFER_TRY(writer.Write(at + i, AsBytes(std::string_view(content).substr(i, step))));
  }
  return Ok();
}

std::string Text(const Result<Bytes>& bytes) {
  return bytes ? std::string(AsText(*bytes)) : "error";
}

TEST_CASE("writer: a small file is one PUT, visible only when committed") {
  Bench bench;
  const std::string content = Noise(80 * kKiB);
  auto writer = bench.New();
  CHECK(writer->dirty());
  REQUIRE(WriteAll(*writer, content, 4096));
  CHECK(writer->size() == content.size());
  CHECK_FALSE(writer->streaming());
  CHECK(bench.fake.requests() == 0);
  const auto written = writer->Commit();
  REQUIRE(written);
  CHECK_FALSE(writer->dirty());
  CHECK(written->etag == bench.fake.Info("k")->etag);
  CHECK(bench.fake.Body("k") == content);
  CHECK(bench.fake.Info("k")->metadata.at("mode") == "0100644");
  CHECK(writer->Commit()->etag == written->etag);
  CHECK(bench.fake.requests() == 1);
  writer.reset();
  CHECK(bench.Clean());
}

TEST_CASE("writer: an empty file is made by the first commit, once") {
  Bench bench;
  auto writer = bench.New();
  REQUIRE(writer->Commit());
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == "");
  CHECK(bench.count(Operation::kPut) == 1);
  REQUIRE(writer->Write(0, AsBytes("x")));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == "x");
  CHECK(bench.fake.requests() == 2);
}

TEST_CASE("writer: a writer that goes without a commit leaves no trace") {
  Bench bench;
  REQUIRE(WriteAll(*bench.New("small"), Noise(100), 100));
  REQUIRE(WriteAll(*bench.New("large"), Noise(kMiB), 10'000));
  auto aborted = bench.New("aborted");
  REQUIRE(WriteAll(*aborted, Noise(kMiB), 10'000));
  aborted->Abort();
  CHECK_FALSE(aborted->Commit());
  CHECK_FALSE(aborted->Write(0, AsBytes("x")));
  CHECK(bench.fake.Keys().empty());
  CHECK(bench.records.began() == 2);
  CHECK(bench.Clean());
}

TEST_CASE("writer: in memory, writes come in any order, are read back, and leave holes as zeros") {
  Bench bench;
  auto writer = bench.New();
  REQUIRE(writer->Write(10, AsBytes("abc")));
  REQUIRE(writer->Write(2, AsBytes("xy")));
  REQUIRE(writer->Write(11, AsBytes("BCDE")));
  const std::string expected = std::string(2, '\0') + "xy" + std::string(6, '\0') + "aBCDE";
  CHECK(Text(writer->Read(0, 100)) == expected);
  CHECK(Text(writer->Read(11, 2)) == "BC");
  CHECK(Text(writer->Read(100, 2)).empty());
  REQUIRE(writer->Truncate(12));
  REQUIRE(writer->Truncate(20));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == expected.substr(0, 12) + std::string(8, '\0'));
  REQUIRE(writer->Truncate(0));
  CHECK(writer->dirty());
  REQUIRE(writer->Write(0, AsBytes("new")));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == "new");
  CHECK(bench.fake.requests() == 2);
}

TEST_CASE("writer: a streamed file of n parts costs n + 2 requests, from bounded memory") {
  Bench bench(2 * kMiB, Small(), 300us);
  const std::string content = Noise(3 * kMiB + 5);
  auto writer = bench.New();
  REQUIRE(WriteAll(*writer, content, 7'000));
  CHECK(writer->streaming());
  CHECK(writer->size() == content.size());
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == content);
  const auto n = static_cast<int>((content.size() + 80 * kKiB - 1) / (80 * kKiB));
  CHECK(bench.count(Operation::kUploadPart) == n);
  CHECK(bench.fake.requests() == n + 2);
  CHECK(bench.store.most_at_once() > 1);
  CHECK(bench.store.most_at_once() <= bench.options.parts_in_flight + 1);
  CHECK(bench.budget.high_water() <= 6 * 80 * kKiB + 64 * kKiB);
  writer.reset();
  CHECK(bench.Clean());
}

TEST_CASE("writer: the stream begins with the first byte past the first part") {
  Bench bench;
  auto writer = bench.New();
  REQUIRE(WriteAll(*writer, Noise(80 * kKiB), 80 * kKiB));
  CHECK_FALSE(writer->streaming());
  REQUIRE(writer->Write(0, AsBytes("in any order")));
  REQUIRE(writer->Write(80 * kKiB, AsBytes("x")));
  CHECK(writer->streaming());
  CHECK(writer->Write(0, AsBytes("x")).error().code == Code::kInvalid);
  CHECK(writer->Write(80 * kKiB, AsBytes("x")).error().code == Code::kInvalid);
  CHECK(writer->Write(80 * kKiB + 2, AsBytes("x")).error().code == Code::kInvalid);
  CHECK(writer->Read(0, 1).error().code == Code::kUnsupported);
  CHECK(writer->Truncate(5).error().code == Code::kUnsupported);
  CHECK(writer->Truncate(200 * kKiB).error().code == Code::kUnsupported);
  REQUIRE(writer->Truncate(80 * kKiB + 1));
  REQUIRE(writer->Write(80 * kKiB + 1, AsBytes("y")));  // a refused write does not stick
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k")->size() == 80 * kKiB + 2);
}

TEST_CASE("writer: one write across the end of memory overwrites, fills and streams") {
  Bench bench;
  auto writer = bench.New();
  std::string expected = Noise(70 * kKiB);
  REQUIRE(WriteAll(*writer, expected, 70 * kKiB));
  const std::string rest = Noise(500 * kKiB, 2);
  REQUIRE(writer->Write(60 * kKiB, AsBytes(rest)));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == expected.substr(0, 60 * kKiB) + rest);

  auto hole = bench.New("hole");
  REQUIRE(hole->Write(80 * kKiB, AsBytes(rest)));
  REQUIRE(hole->Commit());
  CHECK(bench.fake.Body("hole") == std::string(80 * kKiB, '\0') + rest);
  auto far = bench.New("far");
  CHECK(far->Write(80 * kKiB + 1, AsBytes("x")).error().code == Code::kInvalid);
  CHECK(far->Truncate(80 * kKiB + 1).error().code == Code::kUnsupported);
  REQUIRE(far->Truncate(80 * kKiB));
}

TEST_CASE("writer: cutting a stream to nothing aborts it and starts over") {
  Bench bench;
  bench.fake.Plant("k", "old");
  const std::string etag = bench.fake.Info("k")->etag;
  auto writer = bench.Make("k", bench.Object(s3::Condition::Matches(etag)));
  REQUIRE(WriteAll(*writer, Noise(300 * kKiB), 10'000));
  REQUIRE(writer->Truncate(0));
  CHECK_FALSE(writer->streaming());
  CHECK(bench.fake.open_uploads() == 0);
  CHECK(writer->size() == 0);
  REQUIRE(writer->Write(0, AsBytes("new")));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == "new");
  writer.reset();
  CHECK(bench.Clean());
}

TEST_CASE("writer: parts grow, and the last may be as small as it likes") {
  WriteOptions options = Small();
  options.first_part = 100;
  options.smallest_part = 100;
  options.largest_part = 400;
  Bench bench(64 * kMiB, options);
  const std::string content = Noise(1'000 * 100 + 1'000 * 200 + 5 * 400 + 1);
  auto writer = bench.New();
  REQUIRE(WriteAll(*writer, content, 4'000));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == content);
  auto parts = bench.store.parts();
  std::sort(parts.begin(), parts.end(), [](auto& a, auto& b) { return a.number < b.number; });
  REQUIRE(parts.size() == 2'006);
  CHECK(parts[999].size == 100);
  CHECK(parts[1'000].size == 200);
  CHECK(parts[2'000].size == 400);
  CHECK(parts[2'005].size == 1);
}

TEST_CASE("writer: what does not fit into 10,000 parts is kTooLarge before it is sent") {
  WriteOptions options = Small();
  options.first_part = options.smallest_part = options.largest_part = 10;
  Bench bench(64 * kMiB, options);
  auto writer = bench.New();
  const std::string most = Noise(100'000);
  REQUIRE(WriteAll(*writer, most, 10'000));
  CHECK(writer->Write(100'000, AsBytes("x")).error().code == Code::kTooLarge);
  REQUIRE(writer->Commit());  // what was accepted stands
  CHECK(bench.fake.Body("k") == most);
  CHECK(bench.count(Operation::kUploadPart) == 10'000);
  auto other = bench.New("other");
  CHECK(other->Write(~0ull, AsBytes("xx")).error().code == Code::kTooLarge);
  CHECK(other->Write(1ull << 60, AsBytes("xx")).error().code == Code::kTooLarge);
}

TEST_CASE("writer: after a commit writing goes on, and each commit depends on the one before") {
  Bench bench;
  auto writer = bench.New();
  std::string expected;
  for (int i = 0; i < 8; ++i) {
    const std::string more = Noise(30 * kKiB, static_cast<unsigned>(i));
    REQUIRE(WriteAll(*writer, more, 7'777, expected.size()));
    expected += more;
    const auto written = writer->Commit();
    REQUIRE(written);
    REQUIRE(bench.fake.Body("k") == expected);
    REQUIRE(bench.fake.Info("k")->etag == written->etag);
    REQUIRE(writer->size() == expected.size());
  }
  CHECK(bench.count(Operation::kPut) == 2);
  CHECK(bench.count(Operation::kGet) == 0);
  CHECK(bench.count(Operation::kCompleteUpload) == 6);
  REQUIRE(WriteAll(*writer, "lost", 4, expected.size()));
  bench.fake.Plant("k", "somebody else's");
  CHECK(writer->Commit().error().code == Code::kChanged);
  CHECK(bench.fake.Body("k") == "somebody else's");
  writer.reset();
  CHECK(bench.Clean());
}

TEST_CASE("writer: small old content is fetched once and written whole") {
  Bench bench;
  bench.fake.Plant("k", "old content");
  {
    auto writer = bench.Append();
    CHECK_FALSE(writer->dirty());
    CHECK(writer->size() == 11);
    CHECK(Text(writer->Read(4, 100)) == "content");
    const auto unchanged = writer->Commit();
    REQUIRE(unchanged);
    CHECK(unchanged->etag == bench.fake.Info("k")->etag);
    CHECK(bench.fake.requests() == 1);
    REQUIRE(writer->Write(11, AsBytes(" and new")));
    REQUIRE(writer->Write(0, AsBytes("OLD")));
    REQUIRE(writer->Commit());
  }
  CHECK(bench.fake.Body("k") == "OLD content and new");
  CHECK(bench.fake.requests() == 2);
  CHECK(bench.Clean());
}

TEST_CASE("writer: starting from a version that is gone is kChanged") {
  Bench bench;
  bench.fake.Plant("k", "new");
  auto writer = bench.Make("k", bench.Object());
  CHECK(writer->StartFrom({"gone", "", 3, 0}).error().code == Code::kChanged);
}

TEST_CASE("writer: large old content is copied inside the store") {
  for (const std::size_t size : {80 * kKiB + 1, 200 * kKiB, 249 * kKiB, 450 * kKiB, 3 * kMiB}) {
    Bench bench;
    const std::string old = Noise(size);
    bench.fake.Plant("k", old);
    std::string expected = old;
    {
      auto writer = bench.Append();
      CHECK(bench.fake.requests() == 0);
      CHECK(writer->size() == size);
      CHECK(Text(writer->Read(100, 50)) == old.substr(100, 50));
      CHECK(writer->Write(0, AsBytes("x")).error().code == Code::kInvalid);
      CHECK(writer->Truncate(1).error().code == Code::kUnsupported);
      for (int commit = 0; commit < 2; ++commit) {
        const std::string more = Noise(commit == 0 ? 10 : 300 * kKiB, 9);
        REQUIRE(WriteAll(*writer, more, 50'000, expected.size()));
        expected += more;
        REQUIRE(writer->Commit());
      }
    }
    CAPTURE(size);
    CHECK(bench.fake.Body("k") == expected);
    CHECK(bench.store.bytes_asked() == 50);
    for (const auto& part : bench.store.parts()) {
      if (part.copied) CHECK((part.size >= 50 * kKiB && part.size <= 250 * kKiB));
    }
    CHECK(bench.Clean());
  }
}

TEST_CASE("writer: a server that cannot copy parts gets the old content again") {
  for (const std::size_t size : {80 * kKiB + 1, 129 * kKiB, 130 * kKiB, kMiB + 1}) {
    Bench bench;
    bench.store.RefuseCopyPart();
    const std::string old = Noise(size);
    bench.fake.Plant("k", old);
    {
      auto writer = bench.Append();
      REQUIRE(writer->Write(size, AsBytes("more")));
      REQUIRE(writer->Commit());
    }
    CAPTURE(size);
    CHECK(bench.fake.Body("k") == old + "more");
    CHECK(bench.store.bytes_asked() == size);
    CHECK(bench.Clean());
  }
}

TEST_CASE("writer: large old content may be cut to nothing") {
  Bench bench;
  bench.fake.Plant("k", Noise(kMiB));
  auto writer = bench.Append();
  REQUIRE(writer->Truncate(0));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == "");
  CHECK(bench.fake.requests() == 1);
}

TEST_CASE("writer: a lost race keeps what is in memory for the rescue") {
  Bench bench;
  auto small = bench.New();
  REQUIRE(small->Write(0, AsBytes("mine")));
  bench.fake.Plant("k", "theirs");
  CHECK(small->Commit().error().code == Code::kExists);
  CHECK(small->Commit().error().code == Code::kExists);  // it sticks
  CHECK(small->Write(4, AsBytes("x")).error().code == Code::kExists);
  REQUIRE(small->Unsent());
  CHECK(AsText(*small->Unsent()) == "mine");
  CHECK(small->unsent_offset() == 0);

  bench.fake.Plant("large", Noise(kMiB));
  auto append = bench.Append("large");
  REQUIRE(append->Write(kMiB, AsBytes("one line")));
  bench.fake.Plant("large", "theirs");
  CHECK(append->Commit().error().code == Code::kChanged);
  REQUIRE(append->Unsent());
  CHECK(AsText(*append->Unsent()) == "one line");
  CHECK(append->unsent_offset() == kMiB);

  auto stream = bench.New("stream");
  REQUIRE(WriteAll(*stream, Noise(kMiB), 10'000));
  bench.fake.Plant("stream", "theirs");
  CHECK(stream->Commit().error().code == Code::kExists);
  CHECK_FALSE(stream->Unsent());
  CHECK(bench.fake.Body("stream") == "theirs");
  CHECK(bench.fake.open_uploads() == 0);
}

TEST_CASE("writer: a failed part stops the stream early, and the upload is aborted") {
  Bench bench;
  std::atomic<int> parts{0};
  bench.fake.SetHook([&](Operation operation, std::string_view) -> std::optional<test::Fault> {
    if (operation != Operation::kUploadPart || ++parts != 3) return std::nullopt;
    return test::Fault{{Code::kDenied, "no"}, false};
  });
  auto writer = bench.New();
  const std::string content = Noise(20 * kMiB);
  const auto status = WriteAll(*writer, content, 50'000);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == Code::kDenied);
  CHECK(status.error().what.find("part") != std::string::npos);
  CHECK(parts < 40);
  CHECK(writer->Settle().error().code == Code::kDenied);
  CHECK(writer->Commit().error().code == Code::kDenied);
  CHECK_FALSE(bench.fake.Has("k"));
  CHECK(bench.fake.open_uploads() == 0);
  CHECK(bench.records.open() == 0);
}

TEST_CASE("writer: Settle waits for what is under way and reports what went wrong") {
  Bench bench(64 * kMiB, Small(), 20ms);
  auto writer = bench.New();
  REQUIRE(WriteAll(*writer, Noise(300 * kKiB), 300 * kKiB));
  REQUIRE(writer->Settle());
  CHECK(bench.store.under_way() == 0);
  CHECK(bench.count(Operation::kUploadPart) == 3);
  CHECK(writer->dirty());
  REQUIRE(writer->Commit());
  CHECK(bench.count(Operation::kUploadPart) == 4);
}

TEST_CASE("writer: an abort that fails stays on record") {
  Bench bench;
  bench.fake.SetHook([](Operation operation, std::string_view) -> std::optional<test::Fault> {
    if (operation != Operation::kAbortUpload) return std::nullopt;
    return test::Fault{{Code::kUnavailable, "no"}, false};
  });
  REQUIRE(WriteAll(*bench.New(), Noise(300 * kKiB), 10'000));
  CHECK(bench.records.open() == 1);
}

// The same work with a failure at request k, for every k until nothing fails any more.
template <typename Work>
void FailEverywhere(std::size_t old_size, Work work) {
  for (int k = 1; k < 200; ++k) {
    for (const bool applied : {false, true}) {
      Bench bench;
      const std::string old = Noise(old_size, 77);
      if (old_size != 0) bench.fake.Plant("k", old);
      std::atomic<int> turn{0};
      std::atomic<bool> failed{false};
      std::atomic<bool> visible{false};  // a commit went through though its reply was lost
      bench.fake.SetHook([&](Operation op, std::string_view) -> std::optional<test::Fault> {
        if (++turn != k) return std::nullopt;
        failed = true;
        visible = applied && (op == Operation::kPut || op == Operation::kCompleteUpload);
        return test::Fault{{Code::kUnavailable, "request k"}, applied};
      });
      std::string committed = old;
      const bool succeeded = work(bench, committed);
      CAPTURE(k, applied);
      if (!failed) {
        REQUIRE(succeeded);
        return;
      }
      if (!visible) REQUIRE(bench.fake.Body("k").value_or("") == committed);
      REQUIRE(bench.fake.open_uploads() <= (applied || !succeeded ? 1u : 0u));
      REQUIRE(bench.budget.used() == 0);
      REQUIRE(bench.store.overtaken() == 0);
    }
  }
  FAIL("the work never ended");
}

TEST_CASE("writer: a failure at any request is never a success, and leaves the old content") {
  FailEverywhere(0, [](Bench& bench, std::string& committed) {
    auto writer = bench.New();
    const std::string content = Noise(700 * kKiB);
    for (std::size_t at = 0; at < content.size(); at += 233 * kKiB) {
      const std::string part = content.substr(at, 233 * kKiB);
      if (!WriteAll(*writer, part, 50'000, at)) return false;
      if (!writer->Commit()) return false;
      committed = content.substr(0, at + part.size());
    }
    return true;
  });
  for (const std::size_t old_size : {100ul, 500 * kKiB}) {
    FailEverywhere(old_size, [&](Bench& bench, std::string& committed) {
      const auto info = bench.fake.Info("k");
      auto writer = bench.Make("k", bench.Object(s3::Condition::Matches(info->etag)));
      if (!writer->StartFrom({info->etag, "", info->size, 0})) return false;
      const std::string more = Noise(200 * kKiB);
      if (!WriteAll(*writer, more, 30'000, old_size)) return false;
      if (!writer->Commit()) return false;
      committed += more;
      return true;
    });
  }
}

TEST_CASE("writer: metadata, key and version may change until the first byte is sent") {
  Bench bench;
  auto writer = bench.New("a");
  REQUIRE(writer->Write(0, AsBytes("x")));
  writer->SetMetadata({{"mode", "0100600"}});
  writer->SetKey("b");
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Keys() == std::vector<std::string>{"b"});
  CHECK(bench.fake.Info("b")->metadata.at("mode") == "0100600");
  // chmod by this mount after the commit, then more content
  bench.fake.Edit("b", [](s3::ObjectInfo& info) { info.etag = "after-chmod"; });
  writer->MoveTo({"after-chmod", "", 1, 0});
  REQUIRE(writer->Write(1, AsBytes("y")));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("b") == "xy");

  auto stream = bench.New("c");
  REQUIRE(WriteAll(*stream, Noise(200 * kKiB), 10'000));
  stream->SetMetadata({{"mode", "0100600"}});
  CHECK(stream->sent_metadata().at("mode") == "0100644");
  REQUIRE(stream->Commit());
  CHECK(bench.fake.Info("c")->metadata.at("mode") == "0100644");
  bench.fake.Edit("c", [](s3::ObjectInfo& info) { info.etag = "moved"; });
  stream->MoveTo({"moved", "", 200 * kKiB, 0});
  REQUIRE(WriteAll(*stream, "more", 4, 200 * kKiB));
  REQUIRE(stream->Commit());
  CHECK(bench.fake.Info("c")->metadata.at("mode") == "0100600");
}

TEST_CASE("writer: large old content can be read, and what was appended, until the stream begins") {
  Bench bench;
  const std::string old = Noise(300 * kKiB);
  bench.fake.Plant("k", old);
  auto writer = bench.Append();
  REQUIRE(writer->Write(old.size(), AsBytes("tail")));
  CHECK(Text(writer->Read(old.size() - 3, 100)) == old.substr(old.size() - 3) + "tail");
  CHECK(Text(writer->Read(old.size() + 1, 100)) == "ail");
  REQUIRE(WriteAll(*writer, Noise(100 * kKiB), 50'000, old.size() + 4));
  CHECK(writer->streaming());
  CHECK(Text(writer->Read(5, 100)) == old.substr(5, 100));
  CHECK(writer->Read(old.size() - 3, 100).error().code == Code::kUnsupported);
}

TEST_CASE("writer: a stream that is renamed fails, and brings no name back") {
  Bench bench;
  auto writer = bench.New("a");
  REQUIRE(WriteAll(*writer, Noise(300 * kKiB), 50'000));
  writer->SetKey("b");
  CHECK(writer->Commit().error().code == Code::kBusy);
  CHECK(bench.fake.Keys().empty());
  writer.reset();
  CHECK(bench.Clean());
}

TEST_CASE("writer: with little memory a stream sends smaller parts and goes on") {
  Bench bench(180 * kKiB, Small(), 200us);
  const std::string content = Noise(2 * kMiB);
  auto writer = bench.New();
  REQUIRE(WriteAll(*writer, content, 20'000));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == content);
  CHECK(bench.budget.high_water() <= 180 * kKiB);
}

TEST_CASE("writer: many streams compete for little memory without a deadlock") {
  WriteOptions options = Small();
  options.memory_wait = 30s;
  Bench bench(600 * kKiB, options, 100us);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 10; ++t) {
    threads.emplace_back([&, t] {
      const std::string key = "k" + std::to_string(t);
      const std::string content = Noise(kMiB + t, t);
      auto writer = bench.New(key);
      const bool done = WriteAll(*writer, content, 9'000) && writer->Commit();
      if (!done || bench.fake.Body(key) != content) ++wrong;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(bench.budget.high_water() <= 600 * kKiB);
  CHECK(bench.Clean());
}

TEST_CASE("writer: no memory in time is kNoMemory, and half a write sticks") {
  WriteOptions options = Small();
  options.memory_wait = 20ms;
  Bench bench(100 * kKiB, options);
  Reservation others = bench.budget.TryReserve(70 * kKiB);
  auto writer = bench.New();
  const std::string content = Noise(40 * kKiB);
  CHECK(writer->Write(0, AsBytes(content)).error().code == Code::kNoMemory);
  CHECK(writer->size() == 0);
  others.Shrink(0);
  REQUIRE(writer->Write(0, AsBytes(content)));  // nothing of it had been taken
  others = bench.budget.TryReserve(bench.budget.limit() - bench.budget.used());
  CHECK(writer->Write(30 * kKiB, AsBytes(Noise(40 * kKiB))).error().code == Code::kNoMemory);
  CHECK(writer->Commit().error().code == Code::kNoMemory);
  CHECK_FALSE(bench.fake.Has("k"));
}

TEST_CASE("writer: committed content is dropped for those who need memory, and fetched again") {
  Bench bench(200 * kKiB);
  auto writer = bench.New();
  const std::string content = Noise(70 * kKiB);
  REQUIRE(WriteAll(*writer, content, 70 * kKiB));
  REQUIRE(writer->Commit());
  CHECK(bench.budget.used() > 0);
  std::this_thread::sleep_for(1100ms);
  Reservation all = bench.budget.TryReserve(200 * kKiB);
  REQUIRE(all.size() != 0);
  CHECK(Text(writer->Read(100, 50)) == content.substr(100, 50));
  all.Shrink(0);
  CHECK(writer->size() == content.size());
  REQUIRE(writer->Write(5, AsBytes("abc")));
  CHECK(bench.count(Operation::kGet) == 2);
  REQUIRE(writer->Commit());
  std::string expected = content;
  expected.replace(5, 3, "abc");
  CHECK(bench.fake.Body("k") == expected);
}

// Any order of calls against a string, with the object compared after every commit.
void RunModel(unsigned seed) {
  CAPTURE(seed);
  std::mt19937 dice(seed);
  Bench bench((seed % 2 == 0 ? 400 : 8'000) * kKiB);
  if (seed % 5 == 0) bench.store.RefuseCopyPart();
  std::string model, committed;
  if (seed % 3 != 0) {
    committed = model = Noise(dice() % 4 == 0 ? 200'000 : 3'000, seed);
    bench.fake.Plant("k", model);
  }
  auto writer = seed % 3 == 0 ? bench.New() : bench.Append();
  for (int i = 0; i < 60; ++i) {
    const unsigned what = dice() % 12;
    if (what < 8) {
      const std::string bytes = Noise(1 + dice() % (dice() % 3 == 0 ? 100'000 : 5'000), dice());
      const std::uint64_t at = dice() % 3 == 0 ? dice() % (model.size() + 1'000) : model.size();
      const auto status = writer->Write(at, AsBytes(bytes));
      if (status) {
        if (model.size() < at + bytes.size()) model.resize(at + bytes.size());
        model.replace(at, bytes.size(), bytes);
      } else {
        REQUIRE(status.error().code == Code::kInvalid);
        REQUIRE(at != model.size());
      }
    } else if (what == 8) {
      const std::uint64_t size = dice() % 5 == 0 ? 0 : dice() % 90'000;
      const auto status = writer->Truncate(size);
      if (status) model.resize(size);
      if (!status) REQUIRE(status.error().code == Code::kUnsupported);
    } else if (what == 9) {
      const auto read = writer->Read(model.size() / 3, 10'000);
      if (read) REQUIRE(AsText(*read) == std::string_view(model).substr(model.size() / 3, 10'000));
      if (!read) REQUIRE(read.error().code == Code::kUnsupported);
    } else if (what == 10 || i == 59) {
      const auto written = writer->Commit();
      REQUIRE(written);
      REQUIRE(bench.fake.Info("k")->etag == written->etag);
      committed = model;
    }
    REQUIRE(writer->size() == model.size());
    REQUIRE(bench.fake.Body("k").value_or("") == committed);
  }
  writer.reset();
  REQUIRE(bench.Clean());
}

TEST_CASE("writer: any order of calls does what a string would") {
  for (unsigned seed = 1; seed <= 60; ++seed) RunModel(seed);
}

}  // namespace
}  // namespace coffer::fs
