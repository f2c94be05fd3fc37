#include "fs/upload_records.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/fake_store.h"
#include "tests/support/temp_directory.h"

namespace coffer::fs::upload_records_test {

std::unique_ptr<UploadRecords> OpenIn(const test::TempDirectory& directory,
                                      std::size_t rewrite_above = 1u << 20,
                                      std::string volume = "v") {
  auto records = UploadRecords::Open(
      {directory.path(), std::move(volume),
       [](const std::string& line) { FAIL_CHECK("unexpected: " << line); }, rewrite_above});
  REQUIRE(records);
  return std::move(*records);
}

std::vector<std::filesystem::path> Files(const test::TempDirectory& directory) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory.path())) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  return files;
}

s3::Upload Create(test::FakeStore& store, const std::string& key) {
  auto upload = store.CreateUpload(key, {});
  REQUIRE(upload);
  return *upload;
}

// A mount that dies without a word, having begun `began` and ended `ended`.
void DieWith(const test::TempDirectory& directory, const std::vector<s3::Upload>& began,
             const std::vector<s3::Upload>& ended, std::size_t rewrite_above = 1u << 20,
             const std::string& volume = "v") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto records = UploadRecords::Open({directory.path(), volume, nullptr, rewrite_above});
    if (!records) _exit(1);
    for (const auto& upload : began) (*records)->Began(upload);
    for (const auto& upload : ended) (*records)->Ended(upload);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
}

TEST_CASE("what a dead mount left is aborted, once, and nothing else") {
  const test::TempDirectory directory;
  test::FakeStore store;
  const s3::Upload lost = Create(store, "a/lost \xff\n");
  const s3::Upload ended = Create(store, "a/ended");
  const s3::Upload foreign = Create(store, "a/foreign");  // another client's
  const s3::Upload other = Create(store, "a/other-bucket");
  const s3::Upload live = Create(store, "a/live");
  const auto alive = OpenIn(directory);
  alive->Began(live);
  DieWith(directory, {lost, ended}, {ended});
  DieWith(directory, {other}, {}, 1u << 20, "another volume");

  const auto records = OpenIn(directory);
  const Leftovers leftovers = records->AbortLeftovers(store);
  CHECK(leftovers.aborted == 1);
  CHECK(leftovers.failures.empty());
  CHECK(store.open_uploads() == 4);
  CHECK_FALSE(store.UploadPart(lost, {1}, AsBytes("x")));
  CHECK(store.UploadPart(live, {1}, AsBytes("x")));
  CHECK(store.UploadPart(foreign, {1}, AsBytes("x")));
  CHECK(records->AbortLeftovers(store).aborted == 0);
  CHECK(OpenIn(directory, 1u << 20, "another volume")->AbortLeftovers(store).aborted == 1);
}

TEST_CASE("a record is on the disk, and private, when Began returns") {
  const test::TempDirectory directory;
  const auto records = OpenIn(directory);
  CHECK(Files(directory).empty());
  records->Began({"k", "id-1"});
  const auto files = Files(directory);
  REQUIRE(files.size() == 1);
  struct stat info {};
  REQUIRE(stat(files[0].c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  std::ifstream stream(files[0]);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  CHECK(text.find("id-1") != std::string::npos);
  records->Ended({"k", "id-1"});
  CHECK(std::filesystem::file_size(files[0]) == 0);
}

TEST_CASE("a clean end leaves no file") {
  const test::TempDirectory directory;
  {
    const auto records = OpenIn(directory);
    records->Began({"k", "1"});
    records->Began({"l", "2"});
    records->Ended({"k", "1"});
    records->Ended({"l", "2"});
    records->Ended({"m", "never began"});
  }
  CHECK(Files(directory).empty());
}

TEST_CASE("the file stays small however many uploads there were") {
  const test::TempDirectory directory;
  test::FakeStore store;
  const s3::Upload held = Create(store, "held");
  std::vector<s3::Upload> began{held};
  std::vector<s3::Upload> ended;
  for (int i = 0; i < 60; ++i) ended.push_back({"k", "upload-" + std::to_string(i)});
  {
    const auto records = OpenIn(directory, 1000);
    records->Began(held);
    for (const s3::Upload& upload : ended) {
      records->Began(upload);
      records->Ended(upload);
    }
    REQUIRE(Files(directory).size() == 1);
    CHECK(std::filesystem::file_size(Files(directory)[0]) < 1500);
    records->Ended(held);
  }
  // And what is held open survives each rewriting.
  for (const s3::Upload& upload : ended) began.push_back(upload);
  DieWith(directory, began, ended, 1000);
  CHECK(OpenIn(directory)->AbortLeftovers(store).aborted == 1);
  CHECK(store.open_uploads() == 0);
}

TEST_CASE("what cannot be aborted now is tried again at the next mount") {
  const test::TempDirectory directory;
  test::FakeStore store;
  DieWith(directory, {Create(store, "a"), Create(store, "b")}, {});
  store.SetHook([](test::Operation, std::string_view key) -> std::optional<test::Fault> {
    if (key == "b") return test::Fault{{Code::kUnavailable, "down"}, false};
    return std::nullopt;
  });
  const Leftovers first = OpenIn(directory)->AbortLeftovers(store);
  CHECK(first.aborted == 1);
  REQUIRE(first.failures.size() == 1);
  CHECK(first.failures[0].find("\"b\"") != std::string::npos);
  store.SetHook(nullptr);
  OpenIn(directory)->AbortLeftovers(store);
  CHECK(store.open_uploads() == 0);
  CHECK(Files(directory).empty());
}

TEST_CASE("a torn or foreign line does no harm") {
  const test::TempDirectory directory;
  test::FakeStore store;
  const s3::Upload lost = Create(store, "lost");
  DieWith(directory, {lost}, {});
  std::ofstream(Files(directory)[0], std::ios::app)
      << "[]\n{\"began\":5}\n{\"ended\":\"%\"}\nrubbish\n{\"began\":\"torn";
  CHECK(OpenIn(directory)->AbortLeftovers(store).aborted == 1);
  CHECK(store.open_uploads() == 0);
}

TEST_CASE("a record that cannot be written is told, and the state directory must be usable") {
  const test::TempDirectory directory;
  std::vector<std::string> told;
  auto records = UploadRecords::Open(
      {directory.path(), "v", [&](const std::string& line) { told.push_back(line); }});
  REQUIRE(records);
  std::filesystem::remove_all(directory.path() + "/uploads");
  (*records)->Began({"the key", "1"});
  REQUIRE(told.size() == 1);
  CHECK(told[0].find("\"the key\"") != std::string::npos);
  (*records)->Ended({"the key", "1"});

  std::ofstream(directory.path() + "/file") << "x";
  CHECK_FALSE(UploadRecords::Open({directory.path() + "/file", "v", nullptr}));
}

}  // namespace coffer::fs::upload_records_test
