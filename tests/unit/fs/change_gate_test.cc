#include "fs/change_gate.h"

#include <catch2/catch.hpp>

namespace coffer::fs::change_gate_test {

TEST_CASE("change_gate: who does not wait is told that a name is taken, and takes nothing") {
  ChangeGate gate([](const std::string&) {});
  const auto is_free = [&](const char* key) {
    return ChangeGate::Hold(gate, {key}, ChangeGate::IfBusy::kLeave).held();
  };
  {
    const ChangeGate::Hold directory(gate, {"d/", "e"});
    CHECK(directory.held());
    for (const char* key : {"d/", "d/f", "d/sub/", "", "e"}) CHECK_FALSE(is_free(key));
    for (const char* key : {"d", "dd", "e/", "f"}) CHECK(is_free(key));
  }
  for (const char* key : {"d/", "d/f", "e"}) CHECK(is_free(key));
}

}  // namespace coffer::fs::change_gate_test
