// Where libFuzzer comes in: one program for all targets, which its name tells apart.

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "tests/fuzz/fuzz.h"

namespace {

const coffer::test::FuzzTarget& ChosenTarget(const char* program) {
  const std::string name = std::filesystem::path(program).filename().string();
  for (const auto& target : coffer::test::FuzzTargets())
    if (target.name == name) return target;
  std::fprintf(stderr, "no fuzz target is called %s; there are:", name.c_str());
  for (const auto& target : coffer::test::FuzzTargets())
    std::fprintf(stderr, " %s", std::string(target.name).c_str());
  std::fputc('\n', stderr);
  std::exit(2);
}

// Kept here, since libFuzzer passes nothing but bytes.
const coffer::test::FuzzTarget*& Chosen() {
  static const coffer::test::FuzzTarget* chosen = nullptr;
  return chosen;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** argv) {
  Chosen() = &ChosenTarget((*argv)[0]);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Chosen()->run(std::as_bytes(std::span(data, size)));
  return 0;
}
