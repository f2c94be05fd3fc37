// Every input of the fuzz targets' corpus, once more, also where there is no libFuzzer: what a
// target found in the past is a regression test everywhere.

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace coffer::test {
namespace {

std::vector<std::filesystem::path> CorpusOf(std::string_view target) {
  std::vector<std::filesystem::path> files;
  const auto folder = std::filesystem::path("tests/fuzz/corpus") / target;
  REQUIRE(std::filesystem::is_directory(folder));
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string ContentOf(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("fuzz targets: their corpus, every input", "[fuzz]") {
  for (const FuzzTarget& target : FuzzTargets()) {
    CAPTURE(target.name);
    const auto files = CorpusOf(target.name);
    CHECK_FALSE(files.empty());
    for (const auto& file : files) {
      CAPTURE(file.string());
      CHECK_NOTHROW(target.run(AsBytes(ContentOf(file))));
    }
    CHECK_NOTHROW(target.run({}));
  }
}

TEST_CASE("fuzz targets: each has a corpus, and each corpus a target", "[fuzz]") {
  for (const auto& entry : std::filesystem::directory_iterator("tests/fuzz/corpus")) {
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    CHECK(std::any_of(FuzzTargets().begin(), FuzzTargets().end(),
                      [&](const FuzzTarget& target) { return target.name == name; }));
  }
}

}  // namespace coffer::test
