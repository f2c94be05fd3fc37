#include "fs/attribute_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temp_directory.h"

namespace coffer::fs::attribute_index_test {

constexpr std::int64_t kModified_s = 1'700'000'000;

s3::ObjectInfo Info(std::string etag, std::int64_t seen_after_s = 10) {
  s3::ObjectInfo info;
  info.etag = std::move(etag);
  info.size = 5;
  info.last_modified_s = kModified_s;
  info.server_date_s = kModified_s + seen_after_s;
  info.metadata = {{"mode", "33188"}, {"uid", "7"}};
  return info;
}

IndexKey Key(std::string_view key, std::string_view etag = "e1") {
  return {key, etag, kModified_s, 5};
}

AttributeIndex::Options In(const test::TempDirectory& directory) {
  AttributeIndex::Options options;
  options.directory = directory.path() + "/index";
  options.volume = "https://host/bucket";
  return options;
}

std::unique_ptr<AttributeIndex> OpenQuietly(const AttributeIndex::Options& options) {
  std::string notice;
  auto index = AttributeIndex::Open(options, &notice);
  CHECK(notice == "");
  return index;
}

std::string FileOf(const AttributeIndex::Options& options) {
  for (const auto& entry : std::filesystem::directory_iterator(options.directory)) {
    if (entry.path().extension() == ".db") return entry.path();
  }
  return "";
}

TEST_CASE("a row answers for exactly what the listing shows") {
  for (const bool in_memory : {false, true}) {
    const test::TempDirectory directory;
    auto options = In(directory);
    if (in_memory) options.directory = "";
    const auto index = OpenQuietly(options);
    CHECK(index->stats().persistent == !in_memory);
    CHECK_FALSE(index->Find(Key("k")));
    index->Store("k", Info("e1"));
    for (int flushed = 0; flushed < 2; ++flushed) {
      CHECK(index->Find(Key("k"))->metadata == s3::Metadata{{"mode", "33188"}, {"uid", "7"}});
      CHECK_FALSE(index->Find(Key("k", "e2")));
      CHECK_FALSE(index->Find(Key("other")));
      CHECK_FALSE(index->Find({"k", "e1", kModified_s + 1, 5}));
      CHECK_FALSE(index->Find({"k", "e1", kModified_s, 6}));
      index->Flush();
    }
    CHECK(index->stats().rows == 1);
    CHECK(index->stats().hits == 2);
    CHECK(index->stats().misses == 9);
    index->Erase("k");
    CHECK_FALSE(index->Find(Key("k")));
    index->Flush();
    CHECK_FALSE(index->Find(Key("k")));
    CHECK(index->stats().rows == 0);
  }
}

TEST_CASE("an answer younger than two seconds is not kept") {
  const auto index = OpenQuietly({});
  for (const std::int64_t age : {-100, 0, 1}) {
    index->Store("k", Info("e1", age));
    CHECK_FALSE(index->Find(Key("k")));
  }
  auto unknown = Info("e1");
  unknown.server_date_s = 0;
  index->Store("k", unknown);
  CHECK_FALSE(index->Find(Key("k")));
  index->Store("k", Info("e1", 2));
  CHECK(index->Find(Key("k")));
}

TEST_CASE("only what bears on attributes is kept; odd keys and values are") {
  const auto index = OpenQuietly({});
  auto info = Info("");
  info.metadata = {{"mode", "1"}, {"xattr", ""}, {"color", "red"}, {"file-mtime", "5ns"}};
  const std::string key("a\0b\xff'\"/", 7);
  index->Store(key, info);
  index->Store("none", [] {
    auto bare = Info("e1");
    bare.metadata.clear();
    return bare;
  }());
  auto nul = Info("e1");
  nul.metadata["mode"] = std::string("1\0", 2);
  index->Store("nul", nul);
  index->Flush();
  CHECK(index->Find(Key(key, ""))->metadata ==
        s3::Metadata{{"mode", "1"}, {"xattr", ""}, {"file-mtime", "5ns"}});
  CHECK(index->Find(Key("none"))->metadata.empty());
  CHECK_FALSE(index->Find(Key("nul")));
  CHECK_FALSE(index->Find(Key("a", "")));
}

TEST_CASE("rows outlive the mount, each bucket has its own file, and files are private") {
  const test::TempDirectory directory;
  const auto options = In(directory);
  auto other = options;
  other.volume = "https://host/other";
  OpenQuietly(options)->Store("k", Info("e1"));  // the destructor flushes
  const auto index = OpenQuietly(options);
  CHECK(index->Find(Key("k")));
  CHECK_FALSE(OpenQuietly(other)->Find(Key("k")));
  struct stat info {};
  REQUIRE(stat(options.directory.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(options.directory)) {
    REQUIRE(stat(entry.path().c_str(), &info) == 0);
    INFO(entry.path());
    CHECK((info.st_mode & 0777) == 0600);
    ++files;
  }
  CHECK(files >= 2);
}

TEST_CASE("buffered rows reach the file after a thousand rows or a second") {
  const test::TempDirectory directory;
  const auto options = In(directory);
  const auto writer = OpenQuietly(options);
  const auto reader = OpenQuietly(options);
  const auto begin = std::chrono::steady_clock::now();
  // On a machine so busy that a second has gone by, they are there already.
  const auto in_time = [&] {
    return std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(900);
  };
  for (int i = 0; i < 999; ++i) writer->Store("k" + std::to_string(i), Info("e1"));
  const bool early = reader->Find(Key("k0")).has_value();
  if (in_time()) CHECK_FALSE(early);
  writer->Store("k999", Info("e1"));
  writer->Store("late", Info("e1"));
  if (in_time()) {
    CHECK(reader->Find(Key("k0")));
    CHECK(reader->Find(Key("k999")));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1050));
  CHECK(writer->Find(Key("late")));
  CHECK(reader->Find(Key("late")));
}

TEST_CASE("a damaged file is set aside, said, and replaced") {
  const test::TempDirectory directory;
  const auto options = In(directory);
  OpenQuietly(options)->Store("k", Info("e1"));
  const std::string file = FileOf(options);
  for (const std::string& damage : {std::string(8192, 'x'), std::string("SQLite format 3")}) {
    std::ofstream(file, std::ios::trunc) << damage;
    std::string notice;
    const auto index = AttributeIndex::Open(options, &notice);
    INFO(notice);
    CHECK(notice.find("damaged") != std::string::npos);
    CHECK(std::filesystem::exists(file + ".damaged"));
    CHECK(index->stats().persistent);
    CHECK_FALSE(index->Find(Key("k")));
    index->Store("k", Info("e1"));
    index->Flush();
    CHECK(index->Find(Key("k")));
  }
  CHECK(OpenQuietly(options)->Find(Key("k")));
}

TEST_CASE("damage in the middle of the file is survived while it is used") {
  const test::TempDirectory directory;
  const auto options = In(directory);
  {
    const auto index = OpenQuietly(options);
    for (int i = 0; i < 5000; ++i) index->Store("k" + std::to_string(i), Info("e1"));
  }
  const std::string file = FileOf(options);
  const auto size = std::filesystem::file_size(file);
  {
    std::fstream stream(file, std::ios::in | std::ios::out);
    stream.seekp(4096);
    stream << std::string(size - 4096, '\x55');
  }
  std::string notice;
  const auto index = AttributeIndex::Open(options, &notice);
  for (int i = 0; i < 5000; ++i) {
    const auto found = index->Find(Key("k" + std::to_string(i)));
    if (found) CHECK(found->metadata == s3::Metadata{{"mode", "33188"}, {"uid", "7"}});
  }
  index->Store("new", Info("e1"));
  index->Flush();
  CHECK(index->Find(Key("new")));
}

TEST_CASE("a file of an unknown version is made anew") {
  const test::TempDirectory directory;
  const auto options = In(directory);
  OpenQuietly(options)->Store("k", Info("e1"));
  {
    // user_version stands at offset 60 of the file, big endian.
    std::fstream stream(FileOf(options), std::ios::in | std::ios::out);
    stream.seekp(63);
    stream.put(9);
  }
  const auto index = OpenQuietly(options);
  CHECK(index->stats().persistent);
  CHECK_FALSE(index->Find(Key("k")));
  index->Store("k", Info("e1"));
  index->Flush();
  CHECK(OpenQuietly(options)->Find(Key("k")));
}

TEST_CASE("where no file can be, the index is in memory and says so") {
  const test::TempDirectory directory;
  auto options = In(directory);
  const auto expect_memory = [&] {
    std::string notice;
    const auto index = AttributeIndex::Open(options, &notice);
    INFO(notice);
    CHECK(notice.find("in memory only") != std::string::npos);
    CHECK_FALSE(index->stats().persistent);
    index->Store("k", Info("e1"));
    index->Flush();
    CHECK(index->Find(Key("k")));
  };
  SECTION("the directory's place is taken by a file") {
    std::ofstream(options.directory) << "x";
    expect_memory();
  }
  SECTION("the directory can be written by others") {
    std::filesystem::create_directory(options.directory);
    chmod(options.directory.c_str(), 0777);
    expect_memory();
  }
  SECTION("the file is a link to somewhere else") {
    OpenQuietly(options);
    const std::string file = FileOf(options);
    std::filesystem::rename(file, directory.path() + "/victim");
    std::filesystem::create_symlink(directory.path() + "/victim", file);
    expect_memory();
  }
  SECTION("the file's place is taken by a directory") {
    OpenQuietly(options);
    const std::string file = FileOf(options);
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);
    expect_memory();
  }
}

TEST_CASE("a directory behind a link is fine") {
  const test::TempDirectory directory;
  auto options = In(directory);
  std::filesystem::create_directory(directory.path() + "/real");
  chmod((directory.path() + "/real").c_str(), 0755);
  std::filesystem::create_directory_symlink(directory.path() + "/real", options.directory);
  CHECK(OpenQuietly(options)->stats().persistent);
}

TEST_CASE("the limit holds, and what was not used for longest goes first") {
  for (const bool in_memory : {false, true}) {
    const test::TempDirectory directory;
    auto options = In(directory);
    if (in_memory) options.directory = "";
    options.limit_bytes = 1u << 20;
    options.touch_after_s = 0;
    const auto index = OpenQuietly(options);
    index->Store("a-favourite", Info("e1"));
    index->Flush();
    std::uint64_t most = 0;
    for (int i = 0; i < 20'000; ++i) {
      index->Store("key/of/some/length/" + std::to_string(i), Info("e1"));
      if (i % 1000 == 0) {
        index->Flush();
        most = std::max(most, index->stats().bytes);
        CHECK(index->Find(Key("a-favourite")));
      }
    }
    index->Flush();
    CHECK(most <= options.limit_bytes);
    CHECK(index->stats().bytes <= options.limit_bytes);
    CHECK(index->stats().rows > 1000);
    CHECK(index->stats().rows < 20'000);
    CHECK(index->Find(Key("a-favourite")));
    if (!in_memory)
      CHECK(std::filesystem::file_size(FileOf(options)) <= options.limit_bytes * 5 / 4);
  }
}

TEST_CASE("several mounts share a file: nothing fails, nothing is wrong") {
  const test::TempDirectory directory;
  const auto options = In(directory);
  constexpr int kProcesses = 3;
  constexpr int kRows = 3000;
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      bool good = true;
      std::string notice;
      {
        const auto index = AttributeIndex::Open(options, &notice);
        good = index->stats().persistent && notice.empty();
        for (int i = 0; i < kRows; ++i) {
          index->Store("p" + std::to_string(p) + "/" + std::to_string(i), Info("e1"));
          const auto found = index->Find(Key("p0/" + std::to_string(i)));
          good = good && (!found || found->metadata.at("uid") == "7");
          if (i % 100 == 0) index->Flush();
        }
      }
      _exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  const auto index = OpenQuietly(options);
  CHECK(index->stats().rows == kProcesses * kRows);
}

TEST_CASE("safe to share between threads") {
  const test::TempDirectory directory;
  const auto index = OpenQuietly(In(directory));
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; ++i) {
        const std::string key = "k" + std::to_string(i % 50);
        if (t == 0) index->Store(key, Info("e1"));
        if (t == 1 && i % 7 == 0) index->Erase(key);
        if (t == 2 && i % 100 == 0) index->Flush();
        const auto found = index->Find(Key(key));
        if (found && found->metadata.at("uid") != "7") ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("ten thousand rows are found in no time") {
  const test::TempDirectory directory;
  const auto options = In(directory);
  std::vector<std::string> keys;
  for (int i = 0; i < 10'000; ++i) keys.push_back("home/user/documents/" + std::to_string(i));
  {
    const auto index = OpenQuietly(options);
    for (const std::string& key : keys) index->Store(key, Info("e1"));
  }
  const auto index = OpenQuietly(options);
  const std::clock_t begin = std::clock();
  std::size_t found = 0;
  for (const std::string& key : keys) found += index->Find(Key(key)) ? 1 : 0;
  const auto took = (std::clock() - begin) / (CLOCKS_PER_SEC / 1000);
  CHECK(found == keys.size());
  INFO("10,000 rows found in " << took << " ms of processor time");
  CHECK(took < 5000);  // a scan of the table for each would take much longer; the sanitizers do not
}

TEST_CASE("a row tells of the lock as it was when it was taken, across a restart too") {
  const test::TempDirectory directory;
  auto info = Info("e1");
  info.lock = {"COMPLIANCE", 4'733'510'400, true};
  OpenQuietly(In(directory))->Store("k", info);
  const auto found = OpenQuietly(In(directory))->Find(Key("k"));
  REQUIRE(found);
  CHECK(found->lock == info.lock);
  CHECK(found->taken_s == info.server_date_s);
}

}  // namespace coffer::fs::attribute_index_test
