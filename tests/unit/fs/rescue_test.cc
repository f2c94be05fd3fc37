#include "fs/rescue.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "fs/json.h"
#include "tests/support/temp_directory.h"

namespace coffer::fs::rescue_test {

std::string Slurp(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

int Mode(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? static_cast<int>(info.st_mode & 07777) : -1;
}

std::size_t FilesIn(const std::string& directory) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    (void)entry;
    ++count;
  }
  return count;
}

TEST_CASE("rescued bytes lie beside their description, for the owner only") {
  const test::TempDirectory directory;
  Rescue rescue(directory.path() + "/state/rescue");
  const std::string bytes("line\n\0\xff", 7);
  const auto saved = rescue.Save(
      {"a b/re port\xff.txt", "etag1", "put \"x\": somebody was quicker"}, AsBytes(bytes));
  REQUIRE(saved);
  CHECK(Slurp(*saved) == bytes);
  CHECK(saved->find("re_port_.txt") != std::string::npos);
  CHECK(Mode(*saved) == 0600);
  CHECK(Mode(*saved + ".json") == 0600);
  CHECK(Mode(directory.path() + "/state/rescue") == 0700);
  const Json json = Json::parse(Slurp(*saved + ".json"), nullptr, false);
  REQUIRE(json.is_object());
  CHECK(json["key_escaped"] == "a%20b/re%20port%FF.txt");
  CHECK(json["expected_etag"] == "etag1");
  CHECK(json["reason"] == "put \"x\": somebody was quicker");
  CHECK(json["size"] == 7);
  CHECK(json["time"].get<std::string>().size() == 20);
  CHECK(json["sha256"].get<std::string>().size() == 64);
}

TEST_CASE("rescues of one moment and name do not meet; names are harmless") {
  const test::TempDirectory directory;
  Rescue rescue(directory.path());
  std::set<std::string> paths;
  for (int i = 0; i < 20; ++i) {
    const auto saved = rescue.Save({"d/f", "", "e"}, AsBytes(std::to_string(i)));
    REQUIRE(saved);
    CHECK(Slurp(*saved) == std::to_string(i));
    paths.insert(*saved);
  }
  CHECK(paths.size() == 20);
  for (const std::string& key : {std::string(), std::string("d/"), std::string("../../x"),
                                 std::string(1000, 'x'), std::string("\0\n\x1b[m", 5)}) {
    const auto saved = rescue.Save({key, "", "e"}, {});
    REQUIRE(saved);
    CHECK(std::filesystem::path(*saved).parent_path() == directory.path());
    CHECK(Slurp(*saved).empty());
  }
}

TEST_CASE("a full rescue directory says so and keeps what it has") {
  const test::TempDirectory directory;
  Rescue few(directory.path(), {2, 1000});
  REQUIRE(few.Save({"a", "", "e"}, AsBytes("1")));
  REQUIRE(few.Save({"b", "", "e"}, AsBytes("2")));
  const auto third = few.Save({"c", "", "e"}, AsBytes("3"));
  REQUIRE_FALSE(third);
  CHECK(third.error().code == Code::kNoSpace);
  CHECK(third.error().what.find(directory.path()) != std::string::npos);
  CHECK(third.error().what.find("remove what is not needed") != std::string::npos);
  CHECK(FilesIn(directory.path()) == 4);

  Rescue small(directory.path(), {100, 5});
  CHECK(small.Save({"d", "", "e"}, AsBytes("123")));
  CHECK_FALSE(small.Save({"e", "", "e"}, AsBytes("1")));
  CHECK_FALSE(small.Save({"e", "", "e"}, AsBytes("123456")));
  CHECK(FilesIn(directory.path()) == 6);
}

TEST_CASE("where nothing can be saved the error names the place") {
  const test::TempDirectory directory;
  std::ofstream(directory.path() + "/file") << "x";
  Rescue rescue(directory.path() + "/file/below");
  const auto saved = rescue.Save({"a", "", "e"}, AsBytes("1"));
  REQUIRE_FALSE(saved);
  CHECK(saved.error().code != Code::kNotFound);
  CHECK(saved.error().what.find("/file") != std::string::npos);

  std::filesystem::create_directory(directory.path() + "/open");
  chmod((directory.path() + "/open").c_str(), 0777);
  Rescue open(directory.path() + "/open");
  CHECK_FALSE(open.Save({"a", "", "e"}, AsBytes("1")));
}

}  // namespace coffer::fs::rescue_test
