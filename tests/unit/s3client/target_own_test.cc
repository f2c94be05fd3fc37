// Addresses beyond the published endpoint rules: what people paste, prefixes, Regions to be
// discovered, refusals that save a mount from failing later, and what follows from a Target.

#include <catch2/catch.hpp>
#include <sstream>
#include <string>

#include "s3client/target.h"
#include "tests/support/address_row.h"

namespace coffer::s3::target_own_test {

// SOURCE | OPTIONS | as in target_test.cc; reasons whole where they tell what to type instead.
constexpr char kOwn[] = R"(
s3://team-data | --region eu-west-1 | https://team-data.s3.eu-west-1.amazonaws.com sigv4 s3 eu-west-1
S3://team-data/ | --region eu-west-1 | https://team-data.s3.eu-west-1.amazonaws.com sigv4 s3 eu-west-1
s3://team-data/p/q | --region eu-west-1 | https://team-data.s3.eu-west-1.amazonaws.com sigv4 s3 eu-west-1
team-data | | https://team-data.s3.us-east-1.amazonaws.com sigv4 s3 -
team-data | --endpoint-url http://localhost:9000 | http://team-data.localhost:9000 sigv4 s3 -
reports-abcdefghij-s3alias | | https://reports-abcdefghij-s3alias.s3.us-east-1.amazonaws.com sigv4 s3 -
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | | https://reports-123456789012.s3-accesspoint.us-west-2.amazonaws.com sigv4 s3 us-west-2
s3://arn:aws:s3:us-west-2:123456789012:accesspoint/reports | | https://reports-123456789012.s3-accesspoint.us-west-2.amazonaws.com sigv4 s3 us-west-2
s3://arn:aws:s3:us-west-2:123456789012:accesspoint/reports/ | | https://reports-123456789012.s3-accesspoint.us-west-2.amazonaws.com sigv4 s3 us-west-2
s3://arn:aws:s3:us-west-2:123456789012:accesspoint:reports/a/b | | https://reports-123456789012.s3-accesspoint.us-west-2.amazonaws.com sigv4 s3 us-west-2
s3://arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/accesspoint/reports/a | | https://reports-123456789012.op-1.s3-outposts.us-west-2.amazonaws.com sigv4a s3-outposts *
s3://arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap/a | | https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com sigv4a s3 *
arn:aws:s3:us-gov-west-1:123456789012:accesspoint/reports | | refused: type arn:aws-us-gov:...
arn:aws:s3:us-west-2:12345678901:accesspoint/reports | | refused: the account id 12345678901 is not 12 digits
arn:aws:s3:us-west-2:12345678901:accesspoint/reports | --endpoint-url http://s3.example.net | http://reports-12345678901.s3.example.net sigv4 s3 us-west-2
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | --no-use-arn-region | refused: use --region us-west-2 or leave out --no-use-arn-region
arn:aws:s3::123456789012:accesspoint/reports | | refused: an access point's ARN needs its Region
arn:aws:s3::1234:accesspoint/mfzwi23gnjvgw.mrap | | refused: the account id 1234 is not 12 digits
arn:aws-xx:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap | | refused: unknown partition aws-xx
arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap | --endpoint-url https://s3.example.net | refused: leave out --endpoint-url
arn:aws:s3:us-west-2:123456789012:accesspoint/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx | | refused: must fit into 63 characters
arn:aws:s3:us-west-2:123456789012:accesspoint/reports/data | | refused: type s3://arn:aws:s3:us-west-2:123456789012:accesspoint/reports/PREFIX
s3://arn:aws:s3:us-west-2:123456789012:accesspoint:reports:more/a | | refused: more stands behind the access point's name: :more/a
arn:aws:s3:::team-data | | refused: the ARN of a bucket; type s3://team-data
arn:aws:s3:::team-data/p | | refused: the ARN of a bucket; type s3://team-data/p
arn:aws:s3express:us-east-1:123456789012:accesspoint/door--use1-az4--xa-s3 | | refused: type door--use1-az4--xa-s3 --region us-east-1
team-data/p | | refused: with a prefix, type s3://team-data/p
https://team-data.s3.amazonaws.com/p | | refused: not an S3 address; type s3://BUCKET/PREFIX
s3:// | | refused: the bucket is missing
s3:///p | | refused: the bucket is missing
fast--use1-az4--x-s3 | | refused: the Region is not part of the name; add --region
reports-o0fedcba9876543210xxxxxxxxxxxxxxxxxxxxusw20--op-s3 | | refused: an alias does not say its Region; add --region
reports-o0fedcba9876543210xxxxxxxxxxxxxxxxxxxxusw20--op-s3 | --region us-west-2 --endpoint-url http://s3.example.net:81 | http://reports-o0fedcba9876543210xxxxxxxxxxxxxxxxxxxxusw20--op-s3.op-0fedcba9876543210.s3.example.net:81 sigv4a s3-outposts *
reports-o0fedcba9876543210xxxxxxxxxxxxxxxxxxxxusw20--op-s3 | --region us-west-2 --endpoint-url http://192.0.2.7 | refused: is an IP address
reports-o0fedcba9876543210xxxxxxxxxxxxxxxxxxxxusw20--op-s3 | --region us-west-2 --fips | refused: S3 on Outposts does not work with --fips
short--op-s3 | --region us-west-2 | refused: not the alias of an access point on Outposts
reports-abcdefghij-s3alias | --region us-west-2 --transfer-acceleration | refused: an access point does not work with --transfer-acceleration
fast--usaz1--x-s3 | --region us-east-1 --endpoint-url https://s3.example.net | https://fast--usaz1--x-s3.s3.example.net sigv4-s3express s3express us-east-1
fast--use1-az4--x-s3 | --region us-east-1 --endpoint-url https://192.0.2.7/base | https://192.0.2.7/base/fast--use1-az4--x-s3 sigv4-s3express s3express us-east-1
a.b | --region eu-west-1 --endpoint-url http://192.0.2.7 | http://192.0.2.7/a.b sigv4 s3 eu-west-1
team-data | --region us-east-1 --endpoint-url HTTPS://s3.example.net:443/ | https://team-data.s3.example.net sigv4 s3 us-east-1
team-data | --region us-east-1 --endpoint-url http://s3.example.net:80 | http://team-data.s3.example.net sigv4 s3 us-east-1
team-data | --region us-east-1 --endpoint-url https://s3.example.net:80/a/b/ | https://team-data.s3.example.net:80/a/b sigv4 s3 us-east-1
team-data | --region us-east-1 --endpoint-url http://[::1]:9000/a --force-path-style | http://[::1]:9000/a/team-data sigv4 s3 us-east-1
team-data | --endpoint-url s3.example.net:9000 | refused: write it as https://s3.example.net:9000 (or with http://
team-data | --endpoint-url ftp://s3.example.net | refused: write it as https://s3.example.net
team-data | --endpoint-url https://s3.example.net?x=y | refused: leave out the query or fragment
team-data | --endpoint-url https://s3.example.net/#x | refused: leave out the query or fragment
team-data | --endpoint-url https://s3.example.net:0 | refused: the port must be a number from 1 to 65535
team-data | --endpoint-url https://s3.example.net:65536 | refused: the port must be a number from 1 to 65535
team-data | --endpoint-url https://s3.example.net:9x | refused: the port must be a number from 1 to 65535
team-data | --endpoint-url https://s3.example.net: | refused: the host is not a valid name or address
team-data | --endpoint-url https://::1 | refused: an IPv6 address stands in brackets
team-data | --endpoint-url https://[::1 | refused: an IPv6 address stands in brackets
team-data | --endpoint-url https://[::g]/ | refused: an IPv6 address stands in brackets
team-data | --endpoint-url https:// | refused: the host is not a valid name or address
team-data | --endpoint-url https://s3.example.net/a&b | refused: percent-encode the path
team-data | --region us-west-2 --endpoint-url https://accesspoint.vpce-0a-1b.s3.us-west-2.vpce.amazonaws.com | refused: is called bucket.vpce-0a-1b.s3.us-west-2.vpce.amazonaws.com
team-data | --region us-west-2 --endpoint-url https://vpce-0a-1b.s3.us-west-2.vpce.amazonaws.com | refused: is called bucket.vpce-0a-1b.s3.us-west-2.vpce.amazonaws.com
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | --endpoint-url https://bucket.vpce-0a-1b.s3.us-west-2.vpce.amazonaws.com | refused: is called accesspoint.vpce-0a-1b.s3.us-west-2.vpce.amazonaws.com
s3://team-data/p | --prefix q | refused: the address has a prefix of its own, p; give one of the two
)";

// One option per line in the message: the whole of it, so that it can be pasted.
TEST_CASE("an access point behind an IP address names --connect-to", "[target]") {
  AddressOptions options;
  const char* arn = "arn:aws:s3:us-west-2:123456789012:accesspoint/reports";
  const std::string host = "reports-123456789012.s3-accesspoint.us-west-2.amazonaws.com";

  options.endpoint_url = "https://192.0.2.7:8443";
  const auto tls = ParseTarget(arn, options);
  REQUIRE_FALSE(tls);
  CHECK_THAT(tls.error().what,
             Catch::EndsWith("leave it out and add --connect-to " + host + ":443:192.0.2.7:8443"));

  options.endpoint_url = "http://[::1]";
  const auto plain = ParseTarget(arn, options);
  REQUIRE_FALSE(plain);
  CHECK_THAT(plain.error().what,
             Catch::EndsWith("use --endpoint-url http://s3-accesspoint.us-west-2.amazonaws.com "
                             "--connect-to " +
                             host + ":80:[::1]:80"));

  // What the second message proposes is itself an address.
  options.endpoint_url = "http://s3-accesspoint.us-west-2.amazonaws.com";
  const auto proposed = ParseTarget(arn, options);
  REQUIRE(proposed);
  CHECK(proposed->host == host);
  CHECK_FALSE(proposed->https);
}

TEST_CASE("Coffer's own readings of an address", "[target]") {
  std::istringstream lines(kOwn);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.empty()) continue;
    INFO(line);
    const auto row = test::ParseAddressRow(line);
    REQUIRE(row);
    const auto target = ParseTarget(row->source, row->options);
    const std::string got = test::Summary(target);
    if (target) {
      CHECK(got == row->expected);
    } else {
      CHECK(target.error().code == Code::kInvalid);
      CHECK_THAT(row->expected, Catch::StartsWith("refused: "));
      CHECK_THAT(got, Catch::Contains(row->expected.substr(9)));
    }
  }
}

TEST_CASE("a password in --endpoint-url is not repeated", "[target]") {
  AddressOptions options;
  options.endpoint_url = "https://me:hunter2@s3.example.net";
  const auto target = ParseTarget("team-data", options);
  REQUIRE_FALSE(target);
  CHECK_THAT(target.error().what,
             Catch::Contains("leave out the user name") && !Catch::Contains("hunter2"));
}

TEST_CASE("control characters and an empty source are refused", "[target]") {
  CHECK_FALSE(ParseTarget("", {}));
  CHECK_FALSE(ParseTarget("team\ndata", {}));
  CHECK_FALSE(ParseTarget(std::string_view("team\0data", 9), {}));
}

std::string PrefixOf(std::string_view source, std::string_view option = "") {
  AddressOptions options;
  options.prefix = option;
  const auto target = ParseTarget(source, options);
  return target ? target->key_prefix : "refused: " + target.error().what;
}

TEST_CASE("prefixes end in a slash and are otherwise kept", "[target]") {
  CHECK(PrefixOf("s3://team-data").empty());
  CHECK(PrefixOf("s3://team-data/").empty());
  CHECK(PrefixOf("s3://team-data/p") == "p/");
  CHECK(PrefixOf("s3://team-data/p/") == "p/");
  CHECK(PrefixOf("s3://team-data/p//q") == "p//q/");
  CHECK(PrefixOf("s3://team-data//") == "/");
  CHECK(PrefixOf("s3://team-data/a b\xff") == "a b\xff/");
  CHECK(PrefixOf("team-data", "p/q") == "p/q/");
  CHECK(PrefixOf("s3://team-data/p", "p") == "p/");
  const std::string arn = "arn:aws:s3:us-west-2:123456789012:accesspoint/reports";
  CHECK(PrefixOf(arn, "p") == "p/");
  CHECK(PrefixOf("s3://" + arn + "/p:q/r") == "p:q/r/");
  CHECK(PrefixOf("s3://" + arn + "/object/key") == "object/key/");
  CHECK(PrefixOf("s3://arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/accesspoint/r/p") ==
        "p/");
  CHECK(PrefixOf("s3://team-data/" + std::string(1022, 'p')).size() == 1023);
  CHECK_THAT(PrefixOf("s3://team-data/" + std::string(1023, 'p')), Catch::Contains("1022 bytes"));
}

Target Parsed(std::string_view source, const AddressOptions& options = {}) {
  auto target = ParseTarget(source, options);
  REQUIRE(target);
  return *std::move(target);
}

TEST_CASE("keys go into the path byte by byte", "[target]") {
  const Target host = Parsed("team-data");
  CHECK(host.UrlFor("").path == "/");
  CHECK(host.UrlFor("a/b").path == "/a/b");
  CHECK(host.UrlFor("../x").path == "/../x");
  CHECK(host.UrlFor("a//b/./").path == "/a//b/./");
  CHECK(host.UrlFor("/a").path == "//a");
  CHECK(host.UrlFor("a\nb").path == "/a%0Ab");
  CHECK(host.UrlFor("a b+c~d").path == "/a%20b%2Bc~d");
  CHECK(host.UrlFor("%41?#&=").path == "/%2541%3F%23%26%3D");
  CHECK(host.UrlFor("\xc3\xa9\xff").path == "/%C3%A9%FF");
  CHECK(host.UrlFor(std::string_view("\0", 1)).path == "/%00");

  AddressOptions options;
  options.endpoint_url = "http://192.0.2.7:9000/base";
  const Target path = Parsed("Team Data", options);
  CHECK(path.UrlFor("").ToString() == "http://192.0.2.7:9000/base/Team%20Data");
  CHECK(path.UrlFor("k").ToString() == "http://192.0.2.7:9000/base/Team%20Data/k");
}

TEST_CASE("copy sources name the door that the request goes through", "[target]") {
  CHECK(Parsed("team-data").CopySource("a b/c") == "team-data/a%20b/c");
  CHECK(Parsed("reports-abc-s3alias").CopySource("k") == "reports-abc-s3alias/k");
  CHECK(Parsed("arn:aws:s3:us-west-2:123456789012:accesspoint:reports").CopySource("a+b") ==
        "arn%3Aaws%3As3%3Aus-west-2%3A123456789012%3Aaccesspoint/reports/object/a%2Bb");
  CHECK(Parsed("arn:aws:s3-outposts:us-west-2:123456789012:outpost:op-1:accesspoint:r")
            .CopySource("k") ==
        "arn%3Aaws%3As3-outposts%3Aus-west-2%3A123456789012%3Aoutpost/op-1/accesspoint/r/object/k");
}

TEST_CASE("each kind of address knows what it cannot do", "[target]") {
  AddressOptions east;
  east.region = "us-east-1";
  const Target bucket = Parsed("team-data");
  CHECK(bucket.kind == TargetKind::kBucket);
  CHECK(bucket.capabilities.bucket_queries);
  CHECK_FALSE(bucket.alias);
  CHECK(bucket.aws_host);

  const Target point = Parsed("arn:aws:s3:us-west-2:123456789012:accesspoint/reports");
  CHECK(point.kind == TargetKind::kAccessPoint);
  CHECK(point.capabilities.list_versions);
  CHECK(point.capabilities.delete_objects);
  CHECK(point.capabilities.copy_source);
  CHECK_FALSE(point.capabilities.bucket_queries);

  const Target alias = Parsed("reports-abc-s3alias");
  CHECK(alias.kind == TargetKind::kBucket);
  CHECK(alias.alias);
  CHECK_FALSE(alias.capabilities.bucket_queries);
  CHECK_FALSE(Parsed("volume-abc-ext-s3alias").capabilities.object_lock);

  const Target lambda = Parsed("arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/s");
  CHECK_FALSE(lambda.capabilities.write);
  CHECK_FALSE(lambda.capabilities.copy_source);
  CHECK_FALSE(lambda.capabilities.ranged_get);
  CHECK_FALSE(Parsed("shrink-abc--ol-s3").capabilities.write);

  const Target outposts =
      Parsed("arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/accesspoint/r");
  CHECK_FALSE(outposts.capabilities.object_lock);
  CHECK_FALSE(outposts.capabilities.conditional_put);

  const Target global = Parsed("arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap");
  CHECK(global.region.empty());
  CHECK_FALSE(global.capabilities.list_versions);
  CHECK_FALSE(global.capabilities.head_bucket);
  CHECK_FALSE(global.capabilities.delete_objects);
  CHECK_FALSE(global.capabilities.copy_source);

  const Target directory = Parsed("door--use1-az4--xa-s3", east);
  CHECK(directory.kind == TargetKind::kDirectoryAccessPoint);
  CHECK(directory.capabilities.rename_object);
  CHECK_FALSE(directory.capabilities.sorted_list);
  CHECK_FALSE(directory.capabilities.list_versions);

  AddressOptions elsewhere;
  elsewhere.endpoint_url = "http://localhost:9000";
  CHECK_FALSE(Parsed("team-data", elsewhere).aws_host);
  CHECK(Parsed("team-data", elsewhere).custom_endpoint);
}

}  // namespace coffer::s3::target_own_test
