#include "crypto/frame_ledger.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

namespace coffer::frame_ledger_test {

TEST_CASE("frame ledger: a number burns once, in whatever order") {
  FrameLedger ledger;
  REQUIRE(ledger.Burn({5, 3}));  // 5 6 7
  REQUIRE(ledger.Burn({1, 2}));  // 1 2
  for (const FrameRun run : {FrameRun{5, 1}, FrameRun{7, 1}, FrameRun{1, 1}, FrameRun{2, 1},
                             FrameRun{4, 2}, FrameRun{7, 5}, FrameRun{1, 9}, FrameRun{2, 2}}) {
    CAPTURE(run.first, run.count);
    CHECK(ledger.Burn(run).error().code == Code::kInvalid);
  }
  // What was refused has burnt nothing: 3, 4 and 8 are still there.
  CHECK(ledger.BurnFinal(7).error().code == Code::kInvalid);
  REQUIRE(ledger.BurnFinal(8));
  CHECK_FALSE(ledger.complete());
  REQUIRE(ledger.Burn({3, 2}));
  CHECK(ledger.complete());
  CHECK(ledger.Burn({3, 1}).error().code == Code::kInvalid);
  CHECK(ledger.BurnFinal(9).error().code == Code::kInvalid);
  CHECK(ledger.BurnFinal(8).error().code == Code::kInvalid);
  CHECK(ledger.Burn({8, 1}).error().code == Code::kInvalid);
  CHECK(ledger.Burn({100, 1}).error().code == Code::kInvalid);
}

TEST_CASE("frame ledger: every order of five frames, each tried twice") {
  std::vector<FrameNumber> order{1, 2, 3, 4, 5};
  do {
    FrameLedger ledger;
    for (std::size_t i = 0; i < order.size(); ++i) {
      REQUIRE_FALSE(ledger.complete());
      if (i == 2) REQUIRE(ledger.BurnFinal(6));  // while others are under way
      REQUIRE(ledger.Burn({order[i], 1}));
      for (std::size_t j = 0; j <= i; ++j) REQUIRE_FALSE(ledger.Burn({order[j], 1}));
    }
    REQUIRE(ledger.complete());
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("frame ledger: the final frame of an empty message, and numbers that no frame has") {
  FrameLedger empty;
  CHECK(empty.BurnFinal(0).error().code == Code::kInvalid);
  CHECK(empty.Burn({0, 1}).error().code == Code::kTooLarge);
  CHECK(empty.Burn({1, 0}).error().code == Code::kTooLarge);
  CHECK(empty.Burn({0xffffffff, 1}).error().code == Code::kTooLarge);
  CHECK(empty.Burn({0xfffffffe, 2}).error().code == Code::kTooLarge);
  CHECK_FALSE(empty.complete());
  CHECK(empty.BurnFinal(1));
  CHECK(empty.complete());

  FrameLedger full;
  REQUIRE(full.Burn({1, 0xfffffffe}));
  CHECK(full.BurnFinal(0xffffffff));
  CHECK(full.complete());
}

}  // namespace coffer::frame_ledger_test
