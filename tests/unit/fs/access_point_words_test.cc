#include "fs/access_point_words.h"

#include <catch2/catch.hpp>

#include "fs/options.h"

namespace coffer::fs::access_point_words_test {

Result<CommandLine> Parse(std::vector<std::string> args, const Environment& environment = {}) {
  args.insert(args.begin(), "access-point");
  return ParseCommandLine(args, environment, "/nonexistent/coffer.conf");
}

AccessPointOptions Parsed(std::vector<std::string> args, const Environment& environment = {}) {
  auto line = Parse(std::move(args), environment);
  if (!line) FAIL(line.error().what);
  return std::get<AccessPointOptions>(line->command);
}

TEST_CASE("access_point_words: what is taken", "[options]") {
  const auto create = Parsed({"create", "ap", "--bucket", "b", "--vpc", "vpc-1", "-y"});
  CHECK(create.action == "create");
  CHECK(create.name == "ap");
  CHECK(create.bucket == "b");
  CHECK(create.vpc == "vpc-1");
  CHECK(create.yes);
  CHECK(Parsed({"list", "--bucket", "b", "--json"}).json);
  const auto grant = Parsed({"grant", "ap", "--principal", "p", "--allow", "read,list", "--allow",
                             "write", "--prefix", "a", "-n"});
  CHECK(grant.principal == "p");
  CHECK(grant.allow == std::vector<std::string>{"read,list", "write"});
  CHECK(grant.prefix == "a");
  CHECK(grant.volume.address.prefix.empty());
  CHECK(grant.dry_run);
  CHECK(Parsed({"policy", "ap"}).set.empty());
  CHECK(Parsed({"policy", "ap", "--set", "f", "--lock-me-out"}).lock_me_out);
}

TEST_CASE("access_point_words: where S3 Control is", "[options]") {
  const Environment both = {{"AWS_ENDPOINT_URL", "http://all"},
                            {"AWS_ENDPOINT_URL_S3_CONTROL", "http://control"},
                            {"AWS_ENDPOINT_URL_S3", "http://s3"}};
  const auto options = Parsed({"show", "ap"}, both);
  CHECK(options.volume.control_endpoint_url == "http://control");
  CHECK(options.volume.address.endpoint_url == "http://s3");
  CHECK(Parsed({"show", "ap"}, {{"AWS_ENDPOINT_URL", "http://all"}}).volume.control_endpoint_url ==
        "http://all");
  CHECK(Parsed({"show", "ap", "--control-endpoint-url", "http://mine"}, both)
            .volume.control_endpoint_url == "http://mine");
  CHECK(Parsed({"show", "ap"}, {{"AWS_ENDPOINT_URL_S3", "http://s3"}})
            .volume.control_endpoint_url.empty());
}

TEST_CASE("access_point_words: an option of another action is refused, not ignored", "[options]") {
  for (const std::vector<std::string>& bad :
       std::vector<std::vector<std::string>>{{"open", "ap"},
                                             {"create", "ap"},
                                             {"create", "--bucket", "b"},
                                             {"list"},
                                             {"list", "ap", "--bucket", "b"},
                                             {"list", "--bucket", "b", "--yes"},
                                             {"show"},
                                             {"show", "ap", "--bucket", "b"},
                                             {"show", "ap", "--dry-run"},
                                             {"delete", "ap", "--vpc", "v"},
                                             {"delete", "ap", "--block-public-access", "all"},
                                             {"grant", "ap", "--principal", "p"},
                                             {"grant", "ap", "--allow", "read"},
                                             {"show", "ap", "--principal", "p"},
                                             {"delete", "ap", "--allow", "read"},
                                             {"delete", "ap", "--prefix", "p"},
                                             {"policy", "ap", "--yes"},
                                             {"policy", "ap", "--lock-me-out"},
                                             {"revoke", "ap", "--principal", "p", "--set", "f"},
                                             {"show", "ap", "--account", "1"},
                                             {"show", "ap", "--through", "x"}}) {
    INFO(bad.front());
    CHECK(Parse(bad).error().code == Code::kInvalid);
  }
}

}  // namespace coffer::fs::access_point_words_test
