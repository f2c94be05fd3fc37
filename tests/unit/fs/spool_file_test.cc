#include "fs/spool_file.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/temp_directory.h"
#include "tests/support/writer_bench.h"

namespace coffer::test::spool_file_test {

std::string Read(const fs::SpoolFile& file, s3::Range range) {
  const auto bytes = file.Read(range);
  REQUIRE(bytes);
  return std::string(AsText(*bytes));
}

TEST_CASE("spool file: gives back what was put in, in any pieces and ranges") {
  const TempDirectory directory;
  SecretArena arena(4);
  for (const std::size_t size : {0ul, 1ul, 65'535ul, 65'536ul, 65'537ul, 200'000ul}) {
    for (const std::size_t piece : {1'000ul, 65'536ul, 200'000ul}) {
      const std::string plain = Noise(size);
      auto file = fs::SpoolFile::Make(directory.path(), arena);
      REQUIRE(file);
      for (std::size_t at = 0; at < size; at += piece) {
        REQUIRE(file->Append(AsBytes(std::string_view(plain).substr(at, piece))));
      }
      REQUIRE(file->Finish());
      CHECK(file->size() == size);
      CHECK(Read(*file, {0, size + 1}) == plain);
      CHECK(Read(*file, {size, 1}).empty());
      if (size < 100) continue;
      CHECK(Read(*file, {65'534, 5}) == plain.substr(65'534, 5));
      CHECK(Read(*file, {size - 1, 100}) == plain.substr(size - 1));
    }
  }
}

TEST_CASE("spool file: has no name, and its key goes with it") {
  const TempDirectory directory;
  SecretArena arena(1);
  {
    auto file = fs::SpoolFile::Make(directory.path(), arena);
    REQUIRE(file);
    CHECK(std::filesystem::is_empty(directory.path()));
    CHECK(arena.in_use() == 1);
  }
  CHECK(arena.in_use() == 0);
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("spool file: what lies on the disk is no plaintext, and is trusted by its tags alone") {
  const TempDirectory directory;
  SecretArena arena(4);
  auto file = fs::SpoolFile::Make(directory.path(), arena);
  REQUIRE(file);
  const std::string plain = Noise(100'000);
  REQUIRE(file->Append(AsBytes(plain)));
  REQUIRE(file->Finish());
  // The file is found through its descriptor: the last one that was opened.
  std::filesystem::path disk;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    const auto target = std::filesystem::read_symlink(entry.path(), ignored).string();
    if (target.starts_with(directory.path())) disk = entry.path();
  }
  REQUIRE_FALSE(disk.empty());
  CHECK(std::filesystem::file_size(disk) == fs::SpoolFile::DiskSize(plain.size()));
  CHECK((std::filesystem::status(disk).permissions() & std::filesystem::perms(0177)) ==
        std::filesystem::perms::none);
  FILE* opened = std::fopen(disk.c_str(), "r+b");
  REQUIRE(opened != nullptr);
  std::string stored(fs::SpoolFile::DiskSize(plain.size()), '\0');
  CHECK(std::fread(stored.data(), 1, stored.size(), opened) == stored.size());
  CHECK(stored.find(plain.substr(0, 16)) == std::string::npos);
  CHECK(std::fseek(opened, 70'000, SEEK_SET) == 0);
  CHECK(std::fputc(stored[70'000] ^ 1, opened) != EOF);
  CHECK(std::fclose(opened) == 0);
  CHECK(Read(*file, {0, 65'536}) == plain.substr(0, 65'536));
  CHECK(file->Read({65'536, 1}).error().code == Code::kCorrupt);
}

}  // namespace coffer::test::spool_file_test
