#include "fs/reader.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <latch>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <thread>

#include "fs/mutex.h"
#include "tests/support/fake_store.h"
#include "tests/support/noise.h"
#include "tests/support/recording_store.h"

namespace coffer::fs::reader_test {

using namespace std::chrono_literals;
using test::FakeStore;
using test::Noise;
using test::RecordingStore;

constexpr std::uint64_t kKiB = 1u << 10;
constexpr std::uint64_t kMiB = 1u << 20;
constexpr std::size_t kThreads = 16;
constexpr ReadOptions kSmall{16 * kKiB, 256 * kKiB, 2 * kMiB};

std::string Join(const std::vector<Slice>& slices) {
  std::string text;
  for (const Slice& slice : slices) text += AsText(slice.bytes);
  return text;
}

// A store with one object, and what a mount shares between its readers.
struct Bench {
  explicit Bench(std::size_t size, const ReadOptions& o = kSmall, std::uint64_t limit = 256 * kMiB,
                 std::chrono::microseconds latency = 0us)
      : fake(FakeStore::Options{.latency = latency}),
        store(fake),
        budget(limit),
        content(Noise(size)),
        options(o),
        pool(std::make_unique<WorkerPool>(kThreads)) {
    etag = fake.Plant("k", content);
  }
  FileVersion version() const { return {etag, "", content.size(), 0}; }
  std::unique_ptr<Reader> Open() {
    return std::make_unique<Reader>(Reader::Shared{store, *pool, budget, options, shared_counters},
                                    "k", version());
  }
  // The read's bytes are what they should be.
  bool Check(Reader& reader, std::uint64_t offset, std::size_t size) {
    const auto read = reader.Read(offset, size);
    const auto from = std::min<std::uint64_t>(offset, content.size());
    return read && Join(*read) == std::string_view(content).substr(from, size);
  }
  std::size_t gets() const { return store.gets().size(); }
  void Settle() { pool = nullptr; }  // read-ahead has ended
  // The same, and reading can go on: when every thread is here, this one too, none is elsewhere.
  void AwaitReadAhead() {
    std::latch here(static_cast<std::ptrdiff_t>(kThreads + 1));
    TaskGroup group(*pool, kThreads + 1);
    for (std::size_t i = 0; i <= kThreads; ++i) group.Add([&here] { here.arrive_and_wait(); });
  }

  FakeStore fake;
  RecordingStore store;
  MemoryBudget budget;
  std::shared_ptr<ReadCounters> shared_counters = std::make_shared<ReadCounters>();
  ReadCounters& counters = *shared_counters;
  std::string content;
  std::string etag;
  ReadOptions options;
  std::unique_ptr<WorkerPool> pool;
};

std::size_t SequentialBudget(std::uint64_t size, const ReadOptions& options) {
  return (size + options.part_size - 1) / options.part_size +
         static_cast<std::size_t>(std::log2(options.part_size / options.first_window));
}

TEST_CASE("reader: a random 4 KiB read is one GET of its own size") {
  Bench bench(4 * kMiB);
  const auto reader = bench.Open();
  std::mt19937 random(7);
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t page = 1 + (random() * 2ull + 1) % 1000;
    bench.store.Clear();
    REQUIRE(bench.Check(*reader, page * 4096, 4096));
    const auto gets = bench.store.gets();
    if (gets.empty()) continue;  // the same page again
    REQUIRE(gets.size() == 1);
    REQUIRE(gets[0].range.offset == page * 4096);
    REQUIRE(gets[0].range.size == 4096);
    REQUIRE(gets[0].etag == bench.etag);
  }
}

TEST_CASE("reader: an unaligned read is rounded to pages, and no further") {
  Bench bench(4 * kMiB - 77);
  const auto reader = bench.Open();
  REQUIRE(bench.Check(*reader, kMiB + 5, 100));
  REQUIRE(bench.Check(*reader, 2 * kMiB - 1, 2));
  REQUIRE(bench.Check(*reader, 4 * kMiB - 100, 100));
  const auto gets = bench.store.gets();
  REQUIRE(gets.size() == 3);
  CHECK(gets[0].range.size == 4096);
  CHECK(gets[1].range.offset == 2 * kMiB - 4096);
  CHECK(gets[1].range.size == 8192);
  CHECK(gets[2].range.offset + gets[2].range.size == bench.content.size());
}

TEST_CASE("reader: a small file comes whole with its first read, wherever that is") {
  for (const std::size_t size : {1ul, 4096ul, 16 * kKiB - 1, 16 * kKiB}) {
    Bench bench(size);
    const auto reader = bench.Open();
    REQUIRE(bench.Check(*reader, size / 2, 4096));
    REQUIRE(bench.Check(*reader, 0, size));
    REQUIRE(bench.Check(*reader, 0, size + 1000));
    CAPTURE(size);
    CHECK(bench.gets() == 1);
    CHECK(bench.counters.bytes_fetched == size);
  }
}

TEST_CASE("reader: nothing past the end, and nothing for nothing") {
  Bench bench(10'000);
  const auto reader = bench.Open();
  CHECK(reader->Read(10'000, 1)->empty());
  CHECK(reader->Read(~0ull, ~0ull)->empty());
  CHECK(reader->Read(5, 0)->empty());
  Bench empty(0);
  CHECK(empty.Open()->Read(0, 4096)->empty());
  CHECK(bench.gets() + empty.gets() == 0);
  CHECK(bench.Check(*reader, 9'999, ~0ull));
}

TEST_CASE("reader: a sequential read stays within its request budget") {
  for (const std::size_t step : {4 * kKiB, 64 * kKiB + 12, 128 * kKiB, kMiB}) {
    for (const std::size_t size : {20 * kKiB, 100 * kKiB + 1, 3 * kMiB + 17}) {
      Bench bench(size);
      const auto reader = bench.Open();
      for (std::uint64_t at = 0; at < size; at += step) REQUIRE(bench.Check(*reader, at, step));
      CAPTURE(step, size);
      CHECK(bench.gets() <= SequentialBudget(size, bench.options));
      CHECK(bench.store.bytes_asked() == size);
      CHECK(bench.counters.bytes_fetched == size);
      CHECK(bench.counters.bytes_returned == size);
    }
  }
}

TEST_CASE("reader: the same with the windows of a mount") {
  Bench bench(25 * kMiB + 3, ReadOptions{});
  auto reader = bench.Open();
  for (std::uint64_t at = 0; at < bench.content.size(); at += 128 * kKiB) {
    REQUIRE(bench.Check(*reader, at, 128 * kKiB));
  }
  CHECK(bench.gets() <= SequentialBudget(bench.content.size(), bench.options));
  reader.reset();
  bench.Settle();
  CHECK(bench.counters.bytes_in_vain == 0);
  CHECK(bench.budget.used() == 0);
  CHECK(bench.budget.high_water() <= 80 * kMiB);
}

TEST_CASE("reader: closing early wastes no more than the window") {
  for (const std::size_t reads : {1, 2, 3, 5, 9, 20, 40, 70}) {
    Bench bench(5 * kMiB);
    auto reader = bench.Open();
    const std::size_t step = 32 * kKiB;
    for (std::size_t i = 0; i < reads; ++i) REQUIRE(bench.Check(*reader, i * step, step));
    reader.reset();
    bench.Settle();
    const std::uint64_t fetched = bench.counters.bytes_fetched;
    CAPTURE(reads, fetched);
    CHECK(fetched - reads * step <= std::min(bench.options.max_window, 4 * reads * step));
    CHECK(bench.counters.bytes_in_vain == fetched - reads * step);
    CHECK(bench.budget.used() == 0);
  }
}

TEST_CASE("reader: the kernel's reordered read-ahead is still sequential") {
  for (unsigned seed = 0; seed < 5; ++seed) {
    Bench bench(5 * kMiB);
    const auto reader = bench.Open();
    std::vector<std::uint64_t> offsets(5 * kMiB / (128 * kKiB));
    for (std::size_t i = 0; i < offsets.size(); ++i) offsets[i] = i * 128 * kKiB;
    std::mt19937 random(seed);
    for (std::size_t i = 2; i + 4 < offsets.size(); i += 4) {
      std::shuffle(offsets.begin() + static_cast<long>(i),
                   offsets.begin() + static_cast<long>(i) + 4, random);
    }
    for (const std::uint64_t offset : offsets) REQUIRE(bench.Check(*reader, offset, 128 * kKiB));
    CAPTURE(seed);
    CHECK(bench.gets() <= SequentialBudget(5 * kMiB, bench.options));
    CHECK(bench.store.bytes_asked() == 5 * kMiB);
  }
}

TEST_CASE("reader: parallel reads of a sequential run fetch nothing twice") {
  Bench bench(6 * kMiB, kSmall, 256 * kMiB, 200us);
  const auto reader = bench.Open();
  REQUIRE(bench.Check(*reader, 0, 128 * kKiB));
  REQUIRE(bench.Check(*reader, 128 * kKiB, 128 * kKiB));
  std::atomic<std::uint64_t> next{2};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::uint64_t i = next++; i < 48; i = next++) {
        if (!bench.Check(*reader, i * 128 * kKiB, 128 * kKiB)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(bench.gets() <= SequentialBudget(6 * kMiB, bench.options));
}

TEST_CASE("reader: small steps back are served from what is held") {
  Bench bench(8 * kMiB);
  const auto reader = bench.Open();
  for (std::uint64_t at = 0; at < 3 * kMiB; at += 64 * kKiB) bench.Check(*reader, at, 64 * kKiB);
  bench.AwaitReadAhead();
  const std::size_t before = bench.gets();
  for (const std::uint64_t back : {1ul, 4096ul, 100 * kKiB, kMiB}) {
    REQUIRE(bench.Check(*reader, 3 * kMiB - back, 4096));
  }
  CHECK(bench.gets() == before);
}

TEST_CASE("reader: several ranges of a run are under way at once, within the window") {
  Bench bench(16 * kMiB, kSmall, 256 * kMiB, 3ms);
  const auto reader = bench.Open();
  for (std::uint64_t at = 0; at < 16 * kMiB; at += 128 * kKiB) {
    REQUIRE(bench.Check(*reader, at, 128 * kKiB));
  }
  CHECK(bench.store.most_at_once() >= 4);
  CHECK(bench.store.most_at_once() <= 9);
}

TEST_CASE("reader: two streams on one handle are both sequential") {
  Bench bench(16 * kMiB);
  const auto reader = bench.Open();
  for (std::uint64_t at = 0; at < 4 * kMiB; at += 128 * kKiB) {
    REQUIRE(bench.Check(*reader, at, 128 * kKiB));
    REQUIRE(bench.Check(*reader, 8 * kMiB + at, 128 * kKiB));
  }
  CHECK(bench.gets() <= 2 * (SequentialBudget(4 * kMiB, bench.options) + 10));
}

TEST_CASE("reader: sixteen threads wait for the network, not for each other") {
  Bench bench(8 * kMiB, kSmall, 256 * kMiB, 20ms);
  const auto reader = bench.Open();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  const auto start = std::chrono::steady_clock::now();
  for (unsigned t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 10; ++i) {  // never one beside another: that would be a run
        if (!bench.Check(*reader, (random() % 1024) * 8192, 4096)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(bench.gets() <= 160);
  CHECK(bench.store.most_at_once() >= 12);
  CHECK(std::chrono::steady_clock::now() - start < 1600ms);  // one after the other: 3.2 s
}

TEST_CASE("reader: two threads that want the same bytes share one GET") {
  Bench bench(8 * kMiB, kSmall, 256 * kMiB, 30ms);
  const auto reader = bench.Open();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      if (!bench.Check(*reader, kMiB, 64 * kKiB)) ++wrong;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(bench.gets() == 1);
}

TEST_CASE("reader: a pool without a free thread does not stop a read") {
  std::atomic<bool> release{false};  // outlives the pool
  Bench bench(4 * kMiB);
  bench.pool = std::make_unique<WorkerPool>(1);
  bench.pool->Submit([&] {
    while (!release) std::this_thread::sleep_for(1ms);
  });
  const auto reader = bench.Open();
  for (std::uint64_t at = 0; at < 4 * kMiB; at += 128 * kKiB) {
    REQUIRE(bench.Check(*reader, at, 128 * kKiB));
  }
  CHECK(bench.gets() <= SequentialBudget(4 * kMiB, bench.options));
  release = true;
}

TEST_CASE("reader: with no memory left a read fetches exactly its own bytes") {
  Bench bench(4 * kMiB, kSmall, 10 * kMiB);
  Reservation all = bench.budget.TryReserve(10 * kMiB);
  const auto reader = bench.Open();
  for (std::uint64_t at = 0; at < kMiB; at += 64 * kKiB) {
    REQUIRE(bench.Check(*reader, at, 64 * kKiB));
  }
  CHECK(bench.store.bytes_asked() == kMiB);
  CHECK(bench.gets() == 16);
  CHECK(bench.budget.high_water() == 10 * kMiB);
  all.Shrink(0);  // and with memory the window opens again
  for (std::uint64_t at = kMiB; at < 4 * kMiB; at += 64 * kKiB) {
    REQUIRE(bench.Check(*reader, at, 64 * kKiB));
  }
  CHECK(bench.gets() <= 16 + SequentialBudget(3 * kMiB, bench.options) + 1);
}

TEST_CASE("reader: many readers share a small budget, and all go on") {
  Bench bench(6 * kMiB, kSmall, 2 * kMiB, 100us);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      const auto reader = bench.Open();
      for (std::uint64_t at = 0; at < bench.content.size(); at += 128 * kKiB) {
        if (!bench.Check(*reader, at, 128 * kKiB)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  bench.Settle();
  CHECK(wrong == 0);
  CHECK(bench.budget.used() == 0);
  CHECK(bench.budget.high_water() <= 2 * kMiB);
}

TEST_CASE("reader: what an idle handle holds is given back to those who read") {
  Bench bench(8 * kMiB, kSmall, 3 * kMiB);
  const auto idle = bench.Open();
  for (std::uint64_t at = 0; at < 2 * kMiB; at += 128 * kKiB) bench.Check(*idle, at, 128 * kKiB);
  std::this_thread::sleep_for(1100ms);
  const std::uint64_t held = bench.budget.used();
  REQUIRE(held >= kMiB);
  Reservation wanted = bench.budget.TryReserve(3 * kMiB - held + 1);
  CHECK(wanted.size() != 0);
  CHECK(bench.budget.used() == wanted.size());
  wanted.Shrink(0);
  for (std::uint64_t at = 2 * kMiB; at < 4 * kMiB; at += 128 * kKiB) {
    REQUIRE(bench.Check(*idle, at, 128 * kKiB));  // it goes on as if nothing had happened
  }
}

TEST_CASE("reader: an error of read-ahead is forgotten; the read that needs the bytes asks again") {
  Bench bench(8 * kMiB);
  std::atomic<int> failures{0};
  const auto reader_thread = std::this_thread::get_id();
  bench.store.OnGet([&](s3::Range) -> std::optional<Error> {
    if (std::this_thread::get_id() == reader_thread) return std::nullopt;
    ++failures;
    return Error{Code::kUnavailable, "lost"};
  });
  const auto reader = bench.Open();
  for (std::uint64_t at = 0; at < 8 * kMiB; at += 128 * kKiB) {
    REQUIRE(bench.Check(*reader, at, 128 * kKiB));
    std::this_thread::sleep_for(100us);
  }
  CHECK(failures > 0);
}

TEST_CASE("reader: a failure at any request is an error or right bytes, and not sticky") {
  for (int k = 1; k <= 30; ++k) {
    Bench bench(2 * kMiB);
    std::atomic<int> turn{0};
    bench.store.OnGet([&](s3::Range) -> std::optional<Error> {
      if (++turn != k) return std::nullopt;
      return Error{Code::kTimeout, "too slow"};
    });
    const auto reader = bench.Open();
    int errors = 0;
    for (std::uint64_t at = 0; at < 2 * kMiB; at += 64 * kKiB) {
      const auto read = reader->Read(at, 64 * kKiB);
      if (!read) {
        REQUIRE(read.error().code == Code::kTimeout);
        ++errors;
      }
      REQUIRE(bench.Check(*reader, at, 64 * kKiB));
    }
    CAPTURE(k);
    CHECK(errors <= 1);
  }
}

TEST_CASE("reader: another version is kChanged, never a mix") {
  Bench bench(4 * kMiB);
  const auto reader = bench.Open();
  REQUIRE(bench.Check(*reader, kMiB, 4096));
  bench.fake.Plant("k", Noise(4 * kMiB, 2));
  CHECK(reader->Read(2 * kMiB, 4096).error().code == Code::kChanged);
  CHECK(reader->Read(2 * kMiB, 4096).error().code == Code::kChanged);
  bench.fake.Remove("k");
  CHECK(reader->Read(3 * kMiB, 4096).error().code == Code::kChanged);
}

TEST_CASE("reader: a reply that is not of this version and range is an error") {
  Bench bench(kMiB);
  const auto reader = bench.Open();
  bench.store.OnReply([](s3::Fetched& fetched) { fetched.info.etag = "other"; });
  CHECK(reader->Read(100 * kKiB, 4096).error().code == Code::kChanged);
  bench.store.OnReply([](s3::Fetched& fetched) { fetched.info.size += 1; });
  CHECK(reader->Read(100 * kKiB, 4096).error().code == Code::kUnavailable);
  bench.store.OnReply([](s3::Fetched& fetched) { fetched.body.pop_back(); });
  CHECK(reader->Read(100 * kKiB, 4096).error().code == Code::kUnavailable);
  bench.store.OnReply([](s3::Fetched& fetched) { fetched.body.push_back(std::byte{0}); });
  CHECK(reader->Read(100 * kKiB, 4096).error().code == Code::kUnavailable);
  bench.store.OnReply(nullptr);
  CHECK(bench.Check(*reader, 100 * kKiB, 4096));
  CHECK(bench.budget.used() <= 8192);
}

TEST_CASE("reader: closing does not wait for ranges under way") {
  std::atomic<bool> release{false};  // outlives the pool
  Bench bench(8 * kMiB);
  auto reader = bench.Open();
  for (std::uint64_t at = 0; at < kMiB; at += 128 * kKiB) bench.Check(*reader, at, 128 * kKiB);
  const auto this_thread = std::this_thread::get_id();
  bench.store.OnGet([&](s3::Range) -> std::optional<Error> {
    while (!release && std::this_thread::get_id() != this_thread) std::this_thread::sleep_for(1ms);
    return std::nullopt;
  });
  for (std::uint64_t at = kMiB; at < 2 * kMiB && bench.store.under_way() == 0; at += 64 * kKiB) {
    REQUIRE(bench.Check(*reader, at, 64 * kKiB));
    std::this_thread::sleep_for(5ms);
  }
  REQUIRE(bench.store.under_way() > 0);
  reader.reset();
  CHECK(bench.store.under_way() > 0);
  release = true;
  bench.Settle();
  CHECK(bench.budget.used() == 0);
}

TEST_CASE("reader: slices outlive what the reader holds") {
  Bench bench(100 * kKiB);
  auto reader = bench.Open();
  const auto read = reader->Read(0, 100 * kKiB);
  REQUIRE(read);
  reader.reset();
  bench.Settle();
  CHECK(Join(*read) == bench.content);
  CHECK(bench.budget.used() == 100 * kKiB);
}

TEST_CASE("reader: primed bytes are not fetched again") {
  Bench small(10'000);
  const auto reader = small.Open();
  const ByteView all = AsBytes(small.content);
  reader->Prime(Bytes(all.begin(), all.end()));
  CHECK(small.Check(*reader, 0, 128 * kKiB));
  CHECK(small.Check(*reader, 5'000, 10));
  CHECK(small.gets() == 0);

  Bench large(4 * kMiB);
  const auto stream = large.Open();
  const ByteView head = AsBytes(large.content).first(16 * kKiB);
  stream->Prime(Bytes(head.begin(), head.end()));
  for (std::uint64_t at = 0; at < 4 * kMiB; at += 64 * kKiB) {
    REQUIRE(large.Check(*stream, at, 64 * kKiB));
  }
  CHECK(large.gets() + 1 <= SequentialBudget(4 * kMiB, large.options));
  CHECK(large.store.bytes_asked() == 4 * kMiB - 16 * kKiB);
}

TEST_CASE("reader: any mix of reads, budgets and failures gives right bytes or an error") {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    std::mt19937 random(seed);
    Bench bench(3 * kMiB + random() % 5000, kSmall, (random() % 8 + 1) * 256 * kKiB);
    std::atomic<unsigned> turn{0};
    if (seed % 3 == 0) {
      bench.store.OnGet([&](s3::Range) -> std::optional<Error> {
        if (++turn % 7 != 0) return std::nullopt;
        return Error{Code::kUnavailable, "lost"};
      });
    }
    std::atomic<int> wrong{0};
    const auto reader = bench.Open();
    const auto work = [&](unsigned mine) {
      std::mt19937 dice(mine);
      std::uint64_t at = 0;
      for (int i = 0; i < 300; ++i) {
        const std::size_t size = 1 + dice() % (dice() % 4 == 0 ? 300'000 : 20'000);
        if (dice() % 8 == 0) at = dice() % (bench.content.size() + 10'000);
        if (dice() % 16 == 0) at -= std::min<std::uint64_t>(at, dice() % 100'000);
        const auto read = reader->Read(at, size);
        const auto from = std::min<std::uint64_t>(at, bench.content.size());
        if (read && Join(*read) != std::string_view(bench.content).substr(from, size)) ++wrong;
        if (!read && seed % 3 != 0) ++wrong;
        at += size;
      }
    };
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < seed % 4 + 1; ++t) threads.emplace_back(work, seed * 100 + t);
    for (auto& thread : threads) thread.join();
    CAPTURE(seed);
    CHECK(wrong == 0);
    CHECK(bench.budget.high_water() <= bench.budget.limit());
    CHECK(bench.budget.used() <= bench.budget.limit());
  }
}

}  // namespace coffer::fs::reader_test
