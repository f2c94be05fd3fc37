#include "crypto/secret.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "crypto/bytes.h"

namespace coffer::secret_test {

TEST_CASE("a secret cannot be copied or printed") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Secret>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<Secret>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<Secret, std::string_view>);
}

TEST_CASE("a secret's memory is wiped when it is let go, and used again") {
  SecretArena arena(4);
  auto first = arena.Copy(AsBytes("0123456789abcdef"));
  REQUIRE(first);
  const std::byte* where = first->view().data();
  CHECK(AsText(first->view()) == "0123456789abcdef");
  Secret moved = std::move(*first);
  CHECK(first->empty());
  CHECK(arena.in_use() == 1);
  moved = Secret();
  CHECK(arena.in_use() == 0);
  CHECK(std::all_of(where, where + 16, [](std::byte b) { return b == std::byte{0}; }));
  CHECK(arena.Make(32)->view().data() == where);
}

TEST_CASE("a full arena and a key of no size are refused") {
  SecretArena arena(1);
  std::vector<Secret> all;
  for (auto made = arena.Make(kMaxSecret); made; made = arena.Make(kMaxSecret)) {
    all.push_back(std::move(*made));
  }
  CHECK(all.size() >= 1);
  CHECK(arena.Make(1).error().code == Code::kNoMemory);
  CHECK(arena.Make(0).error().code == Code::kInvalid);
  CHECK(arena.Make(kMaxSecret + 1).error().code == Code::kInvalid);
  all.pop_back();
  CHECK(arena.Make(1));
}

TEST_CASE("a buffer that held a key is wiped at the end of the scope, spare room included") {
  Bytes bytes;
  bytes.reserve(64);
  std::string text;
  text.reserve(64);
  const char* const at[] = {reinterpret_cast<const char*>(bytes.data()), text.data()};
  {
    const WipeAtEnd wipe_bytes(bytes);
    const WipeAtEnd wipe_text(text);
    bytes.assign(40, std::byte{'k'});
    bytes.resize(10);
    text.assign(40, 'k');
    text.resize(10);
    CHECK(at[0][39] == 'k');
  }
  CHECK(bytes.empty());
  CHECK(text.empty());
  // The memory is still theirs.
  for (const char* buffer : at) {
    CHECK(std::all_of(buffer + 1, buffer + 40, [](char c) { return c == 0; }));
  }
}

TEST_CASE("a forked child sees no keys") {
  SecretArena arena(4);
  auto key = arena.Random(32);
  REQUIRE(key);
  const auto zero = [](std::byte b) { return b == std::byte{0}; };
  CHECK_FALSE(std::all_of(key->view().begin(), key->view().end(), zero));
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(std::all_of(key->view().begin(), key->view().end(), zero) ? 0 : 1);
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

}  // namespace coffer::secret_test
