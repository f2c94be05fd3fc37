#include "fs/reached_bucket.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "fs/findings.h"
#include "tests/support/temp_directory.h"

namespace coffer::fs::reached_bucket_test {

std::string Reached(const std::vector<std::string>& connect_to,
                    const std::string& source = "bucket") {
  s3::AddressOptions options;
  options.region = "us-east-1";
  const auto target = s3::ParseTarget(source, options);
  REQUIRE(target);
  return ReachedBucket(*target, connect_to);
}

TEST_CASE("reached bucket: --connect-to counts where it leads this host elsewhere") {
  const std::string host = "bucket.s3.us-east-1.amazonaws.com";
  const std::string plain = Reached({});
  CHECK(plain == "https://" + host);
  CHECK(Reached({host + ":443:127.0.0.1:9000"}) == plain + " at 127.0.0.1:9000");
  CHECK(Reached({"::127.0.0.1:9000"}) == plain + " at 127.0.0.1:9000");
  CHECK(Reached({"::[::1]:9000"}) == plain + " at [::1]:9000");
  CHECK(Reached({host + ":443::9000"}) == plain + " at " + host + ":9000");
  // The first that fits counts.
  CHECK(Reached({"other:443:h1:1", host + "::h2:", "::h3:3"}) == plain + " at h2:443");
  // Of others, or to where it goes anyway.
  CHECK(Reached({"other:443:127.0.0.1:9000"}) == plain);
  CHECK(Reached({host + ":80:127.0.0.1:9000"}) == plain);
  CHECK(Reached({host + ":443:" + host + ":443"}) == plain);
}

TEST_CASE("findings: two servers behind one name are two") {
  using Memory = s3::ConditionMemory;
  const test::TempDirectory state;
  const Memory::Case put{s3::ConditionalWrite::kPut, s3::Condition::Kind::kAbsent, false};
  Memory capable;
  capable.SawSuccess(put);
  capable.SawRefusal(put);
  REQUIRE(SaveFindings(state.path(), Reached({"::127.0.0.1:1"}), capable));
  Memory same;
  LoadFindings(state.path(), Reached({"::127.0.0.1:1"}), same);
  CHECK(same.Counts(put));
  Memory other;
  LoadFindings(state.path(), Reached({"::127.0.0.1:2"}), other);
  CHECK_FALSE(other.Counts(put));
}

}  // namespace coffer::fs::reached_bucket_test
