#include "fs/cmd_resolve.h"

#include <catch2/catch.hpp>
#include <sstream>

namespace coffer::fs::cmd_resolve_test {

struct Answer {
  int code = 0;
  std::string out;
  std::string err;
};

Answer Resolve(const std::string& source, bool json, const s3::AddressOptions& options = {}) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = RunResolve(options, source, json, out, err);
  return {code, out.str(), err.str()};
}

TEST_CASE("resolve says in JSON what an address means", "[resolve]") {
  const auto answer = Resolve("s3://arn:aws:s3:us-west-2:123456789012:accesspoint/reports/q", true);
  CHECK(answer.code == 0);
  CHECK(answer.err.empty());
  const Json json = Json::parse(answer.out);
  CHECK(json["url"] == "https://reports-123456789012.s3-accesspoint.us-west-2.amazonaws.com");
  CHECK(json["scheme"] == "sigv4");
  CHECK(json["signing_name"] == "s3");
  CHECK(json["region"] == "us-west-2");
  CHECK_FALSE(json.contains("region_set"));
  CHECK(json["kind"] == "access-point");
  CHECK(json["key_prefix"] == "q/");
  CHECK(json["capabilities"]["write"] == true);
  CHECK(json["capabilities"]["bucket_queries"] == false);
}

TEST_CASE("resolve tells a region set from a region, and neither from null", "[resolve]") {
  const Json global = Json::parse(Resolve("arn:aws:s3::123456789012:accesspoint/m.mrap", true).out);
  CHECK(global["scheme"] == "sigv4a");
  CHECK(global["region_set"] == "*");
  CHECK_FALSE(global.contains("region"));
  CHECK(Json::parse(Resolve("team-data", true).out)["region"].is_null());
}

TEST_CASE("resolve keeps base path and port in the url and adds no slash", "[resolve]") {
  s3::AddressOptions options;
  options.region = "us-east-1";
  options.endpoint_url = "http://localhost:9000/base/";
  options.force_path_style = true;
  const Json json = Json::parse(Resolve("team-data", true, options).out);
  CHECK(json["url"] == "http://localhost:9000/base/team-data");
}

TEST_CASE("resolve shows a prefix that is not UTF-8 without failing", "[resolve]") {
  const auto answer = Resolve("s3://team-data/\xff", true);
  CHECK(answer.code == 0);
  CHECK(Json::parse(answer.out)["key_prefix"] == "\xef\xbf\xbd/");
}

TEST_CASE("a refused address is a usage error with its reason", "[resolve]") {
  const auto words = Resolve("team-data/p", false);
  CHECK(words.code == 2);
  CHECK(words.out.empty());
  CHECK(words.err == "coffer resolve: team-data/p: with a prefix, type s3://team-data/p\n");
  const auto json = Resolve("team-data/p", true);
  CHECK(json.code == 2);
  CHECK(Json::parse(json.out)["error"] == "team-data/p: with a prefix, type s3://team-data/p");
}

TEST_CASE("resolve tells people what this door cannot do", "[resolve]") {
  const auto answer = Resolve("arn:aws:s3:us-west-2:123456789012:accesspoint/reports", false);
  CHECK_THAT(answer.out, Catch::Contains("access point reports of account 123456789012"));
  CHECK_THAT(answer.out, Catch::Contains("not here:    reading the bucket's settings"));
  CHECK_THAT(Resolve("team-data", false).out, Catch::Contains("which is asked for at mount"));
}

}  // namespace coffer::fs::cmd_resolve_test
