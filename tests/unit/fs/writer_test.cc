#include "fs/writer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "tests/support/writer_bench.h"

namespace coffer::fs::writer_test {

using namespace std::chrono_literals;
using namespace test;

TEST_CASE("writer: a small file is one PUT, visible only when committed") {
  WriterBench bench;
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
  WriterBench bench;
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
  WriterBench bench;
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
  WriterBench bench;
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
  WriterBench bench(2 * kMiB, SmallParts(), 300us);
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

TEST_CASE("writer: where a sealed copy stands beside each part, both are within the budget") {
  auto options = SmallParts();
  options.copies = 2;
  WriterBench bench(2 * kMiB, options);
  const std::string content = Noise(3 * kMiB + 77);
  auto writer = bench.New();
  REQUIRE(WriteAll(*writer, content, 4097));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == content);
  CHECK(bench.budget.high_water() >= 2 * bench.options.first_part);
  CHECK(bench.budget.high_water() <= bench.budget.limit());
  writer.reset();
  CHECK(bench.Clean());
}

TEST_CASE("writer: the stream begins with the first byte past the first part") {
  WriterBench bench;
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
  WriterBench bench;
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
  WriterBench bench;
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
  WriteOptions options = SmallParts();
  options.first_part = 100;
  options.smallest_part = 100;
  options.largest_part = 400;
  WriterBench bench(64 * kMiB, options);
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
  WriteOptions options = SmallParts();
  options.first_part = options.smallest_part = options.largest_part = 10;
  WriterBench bench(64 * kMiB, options);
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
  WriterBench bench;
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
  WriterBench bench;
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
  WriterBench bench;
  bench.fake.Plant("k", "new");
  auto writer = bench.Make("k", bench.Object());
  CHECK(writer->StartFrom({"gone", "", 3, 0}).error().code == Code::kChanged);
}

TEST_CASE("writer: large old content is copied inside the store") {
  for (const std::size_t size : {80 * kKiB + 1, 200 * kKiB, 249 * kKiB, 450 * kKiB, 3 * kMiB}) {
    WriterBench bench;
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
    WriterBench bench;
    bench.store.RefuseCopyPart(size % 2 == 0 ? Code::kUnsupported : Code::kInvalid);
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
  WriterBench bench;
  bench.fake.Plant("k", Noise(kMiB));
  auto writer = bench.Append();
  REQUIRE(writer->Truncate(0));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == "");
  CHECK(bench.fake.requests() == 1);
}

TEST_CASE("writer: metadata, key and version may change until the first byte is sent") {
  WriterBench bench;
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
  WriterBench bench;
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

}  // namespace coffer::fs::writer_test
