// What the tests of fs/writer share: a store that counts, records of uploads, options scaled down.

#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "fs/mutex.h"
#include "fs/writer.h"
#include "tests/support/fake_store.h"
#include "tests/support/noise.h"
#include "tests/support/recording_store.h"

namespace coffer::test {

inline constexpr std::uint64_t kKiB = 1u << 10;
inline constexpr std::uint64_t kMiB = 1u << 20;

// As a mount's, scaled down: the service demands parts of 50 KiB.
inline fs::WriteOptions SmallParts() {
  fs::WriteOptions options;
  options.first_part = 80 * kKiB;
  options.largest_part = 640 * kKiB;
  options.smallest_part = 50 * kKiB;
  options.copy_part = 200 * kKiB;
  options.parts_in_flight = 4;
  options.memory_wait = std::chrono::milliseconds(200);
  return options;
}

class Records : public fs::UploadObserver {
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

struct WriterBench {
  explicit WriterBench(std::uint64_t limit = 64 * kMiB, fs::WriteOptions o = SmallParts(),
                       std::chrono::microseconds latency = {})
      : fake(FakeStore::Options{.min_part = o.smallest_part, .latency = latency}),
        store(fake),
        budget(limit),
        options(o) {}

  s3::NewObject Object(s3::Condition condition = s3::Condition::Absent()) const {
    return {.metadata = {{"mode", "0100644"}}, .headers = {}, .condition = std::move(condition)};
  }
  std::unique_ptr<fs::Writer> New(const std::string& key = "k") { return Make(key, Object()); }
  std::unique_ptr<fs::Writer> Make(const std::string& key, s3::NewObject object) {
    return std::make_unique<fs::Writer>(fs::Writer::Shared{store, pool, budget, options, records},
                                        key, std::move(object));
  }
  // A writer that starts from what is there.
  std::unique_ptr<fs::Writer> Append(const std::string& key = "k") {
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
  fs::MemoryBudget budget;
  Records records;
  fs::WriteOptions options;
  fs::WorkerPool pool{8};
};

// Appends `content` in pieces of `step`.
inline Status WriteAll(fs::Writer& writer, const std::string& content, std::size_t step,
                       std::uint64_t at = 0) {
  for (std::size_t i = 0; i < content.size(); i += step) {
    COFFER_TRY(writer.Write(at + i, AsBytes(std::string_view(content).substr(i, step))));
  }
  return Ok();
}

inline std::string Text(const Result<Bytes>& bytes) {
  return bytes ? std::string(AsText(*bytes)) : "error";
}

}  // namespace coffer::test
