#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <random>
#include <string>
#include <thread>

#include "fs/writer.h"
#include "tests/support/writer_bench.h"

// Failures, lost races, little memory, and any order of calls.
namespace coffer::fs::writer_faults_test {

using namespace std::chrono_literals;
using namespace test;

TEST_CASE("writer: a lost race keeps what is in memory for the rescue") {
  WriterBench bench;
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
  WriterBench bench;
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
  WriterBench bench(64 * kMiB, SmallParts(), 20ms);
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
  WriterBench bench;
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
      WriterBench bench;
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
  FailEverywhere(0, [](WriterBench& bench, std::string& committed) {
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
    FailEverywhere(old_size, [&](WriterBench& bench, std::string& committed) {
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

TEST_CASE("writer: a stream that is renamed fails, and brings no name back") {
  WriterBench bench;
  auto writer = bench.New("a");
  REQUIRE(WriteAll(*writer, Noise(300 * kKiB), 50'000));
  writer->SetKey("b");
  CHECK(writer->Commit().error().code == Code::kBusy);
  CHECK(bench.fake.Keys().empty());
  writer.reset();
  CHECK(bench.Clean());
}

TEST_CASE("writer: with little memory a stream sends smaller parts and goes on") {
  WriterBench bench(180 * kKiB, SmallParts(), 200us);
  const std::string content = Noise(2 * kMiB);
  auto writer = bench.New();
  REQUIRE(WriteAll(*writer, content, 20'000));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == content);
  CHECK(bench.budget.high_water() <= 180 * kKiB);
}

TEST_CASE("writer: many streams compete for little memory without a deadlock") {
  WriteOptions options = SmallParts();
  options.memory_wait = 30s;
  WriterBench bench(600 * kKiB, options, 100us);
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
  WriteOptions options = SmallParts();
  options.memory_wait = 20ms;
  WriterBench bench(100 * kKiB, options);
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
  WriterBench bench(200 * kKiB);
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
  WriterBench bench((seed % 2 == 0 ? 400 : 8'000) * kKiB);
  if (seed % 5 == 0) bench.store.RefuseCopyPart(Code::kUnsupported);
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

}  // namespace coffer::fs::writer_faults_test
