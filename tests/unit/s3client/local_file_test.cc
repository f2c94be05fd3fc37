#include "s3client/local_file.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temp_directory.h"

namespace coffer::s3::local_file_test {

struct Fixture {
  test::TempDirectory directory;
  std::string path = directory.path() + "/file";

  void Write(const std::string& text, mode_t mode) {
    std::ofstream(path) << text;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
  }
};

TEST_CASE_METHOD(Fixture, "local files: missing is not unreadable") {
  auto file = ReadLocalFile(path);
  REQUIRE(file);
  CHECK_FALSE(*file);
  CHECK_FALSE(ReadLocalFile(path + "/below").value());
  CHECK(ReadLocalFile(directory.path()).error().code == Code::kDenied);
  CHECK(ReadLocalFile("/dev/zero").error().code == Code::kDenied);
  CHECK((*ReadLocalFile("/dev/null")).value().text.empty());
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(ReadLocalFile(path).error().code == Code::kDenied);
}

TEST_CASE_METHOD(Fixture, "local files: whole, bounded, and who can read them") {
  Write("one\ntwo", 0600);
  CHECK((*ReadLocalFile(path)).value().text == "one\ntwo");
  CHECK_FALSE((*ReadLocalFile(path)).value().others_can_read);
  for (const mode_t mode : {0640, 0604, 0644}) {
    Write("x", mode);
    CHECK((*ReadLocalFile(path)).value().others_can_read);
  }
  Write(std::string(kMaxLocalFileBytes, 'x'), 0600);
  CHECK((*ReadLocalFile(path)).value().text.size() == kMaxLocalFileBytes);
  Write(std::string(kMaxLocalFileBytes + 1, 'x'), 0600);
  CHECK(ReadLocalFile(path).error().code == Code::kDenied);
}

TEST_CASE_METHOD(Fixture, "secret files are their owner's alone") {
  Write("secret", 0600);
  CHECK(ReadSecretFile(path).value() == "secret");
  Write("secret", 0400);
  CHECK(ReadSecretFile(path).value() == "secret");
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0610}) {
    Write("secret", mode);
    const auto refused = ReadSecretFile(path);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::kDenied);
    CHECK(refused.error().what.find("chmod 600 " + path) != std::string::npos);
    CHECK(refused.error().what.find("secret") == std::string::npos);
  }
  CHECK(ReadSecretFile(path + "x").error().what.find("no file") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a stamp tells contents apart, also when a file is replaced") {
  CHECK(StampOf(path) == FileStamp{});
  Write("one", 0600);
  const FileStamp one = StampOf(path);
  CHECK(one != FileStamp{});
  CHECK(StampOf(path) == one);
  const std::string other = path + "2";
  std::ofstream(other) << "two";
  REQUIRE(::rename(other.c_str(), path.c_str()) == 0);
  CHECK(StampOf(path) != one);
}

}  // namespace coffer::s3::local_file_test
