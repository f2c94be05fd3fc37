#include "crypto/key_refusals.h"

#include <catch2/catch.hpp>
#include <string>

namespace coffer::key_refusals_test {

using std::chrono::seconds;

const EncryptionContext kContext{{"vol", "v"}};

// How long a refusal stood, in seconds, when it was learned `times` times in a row.
int Pause(Code code, int times) {
  KeyRefusals refusals;
  KeyRefusals::SteadyTime now{};
  const Error error{code, "no"};
  for (int i = 0; i < times; ++i) {
    now += std::chrono::hours(i > 0 ? 1 : 0);
    refusals.Learn(KeyUse::kUnwrap, kContext, &error, now);
  }
  int pause = 0;
  while (refusals.Standing(KeyUse::kUnwrap, kContext, now + seconds(pause))) ++pause;
  return pause;
}

TEST_CASE("key refusals: denied for 5 to 30 seconds, missing and disabled for 30") {
  CHECK(Pause(Code::kDenied, 1) == 5);
  CHECK(Pause(Code::kDenied, 2) == 10);
  CHECK(Pause(Code::kDenied, 3) == 20);
  CHECK(Pause(Code::kDenied, 4) == 30);
  CHECK(Pause(Code::kDenied, 9) == 30);
  CHECK(Pause(Code::kKeyMissing, 1) == 30);
  CHECK(Pause(Code::kKeyDisabled, 3) == 30);
  for (const Code code : {Code::kCorrupt, Code::kUnavailable, Code::kTimeout, Code::kInterrupted}) {
    CHECK(Pause(code, 3) == 0);
  }
}

TEST_CASE("key refusals: a refusal stands for one use under one context, until it is granted") {
  KeyRefusals refusals;
  const KeyRefusals::SteadyTime now{};
  const Error error{Code::kDenied, "said so", "AccessDeniedException"};
  refusals.Learn(KeyUse::kUnwrap, kContext, &error, now);
  CHECK(refusals.Standing(KeyUse::kUnwrap, kContext, now)->what == "said so");
  CHECK_FALSE(refusals.Standing(KeyUse::kGenerate, kContext, now));
  CHECK_FALSE(refusals.Standing(KeyUse::kUnwrap, {}, now));
  refusals.Learn(KeyUse::kUnwrap, kContext, nullptr, now);
  CHECK_FALSE(refusals.Standing(KeyUse::kUnwrap, kContext, now));
  refusals.Learn(KeyUse::kUnwrap, kContext, &error, now);
  CHECK_FALSE(refusals.Standing(KeyUse::kUnwrap, kContext, now + seconds(5)));
}

TEST_CASE("key refusals: many contexts push out the refusal that ends first") {
  KeyRefusals refusals;
  const KeyRefusals::SteadyTime now{};
  const Error missing{Code::kKeyMissing, "no"};
  const Error denied{Code::kDenied, "no"};
  refusals.Learn(KeyUse::kUnwrap, {{"first", ""}}, &denied, now);
  for (int i = 0; i < 64; ++i) {
    refusals.Learn(KeyUse::kUnwrap, {{"n", std::to_string(i)}}, &missing, now);
  }
  CHECK_FALSE(refusals.Standing(KeyUse::kUnwrap, {{"first", ""}}, now));
  CHECK(refusals.Standing(KeyUse::kUnwrap, {{"n", "0"}}, now));
  CHECK(refusals.Standing(KeyUse::kUnwrap, {{"n", "63"}}, now));
}

}  // namespace coffer::key_refusals_test
