#include "fs/withheld_words.h"

#include <catch2/catch.hpp>
#include <string>

#include "crypto/ascii.h"

namespace coffer::fs::withheld_words_test {

constexpr const char* kDoorArn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/team";

// `statements` with the ARN of the access point where they say DOOR.
Withheld Of(std::string statements, const std::string& prefix = "", bool read_only = false) {
  for (std::size_t at; (at = statements.find("DOOR")) != std::string::npos;) {
    statements.replace(at, 4, kDoorArn);
  }
  const auto policy =
      ParsePolicy(R"({"Version": "2012-10-17", "Statement": [)" + statements + "]}");
  REQUIRE(policy);
  return WithheldByPolicy(policy->statements, {kDoorArn, prefix, read_only});
}
std::string Words(const Withheld& withheld) { return Joined(withheld.lines, "\n"); }
bool Says(const Withheld& withheld, std::string_view words) {
  return Words(withheld).find(words) != std::string::npos;
}

const std::string kAll =
    R"({"Sid": "All", "Effect": "Allow", "Principal": {"AWS": "123456789012"},
        "Action": "s3:*", "Resource": ["DOOR", "DOOR/object/*"]})";
const std::string kReads =
    R"({"Sid": "R", "Effect": "Allow", "Principal": {"AWS": "123456789012"},
        "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["DOOR", "DOOR/object/team/*"],
        "Condition": {"StringLike": {"s3:prefix": ["team/", "team/*"]}}})";

TEST_CASE("withheld words: nothing where all may be given", "[policy]") {
  CHECK(Of(kAll).lines.empty());
  CHECK(Of(kAll, "team/").lines.empty());
  CHECK(WithheldByPolicy({}, {kDoorArn, "", false}).lines.empty());
}

TEST_CASE("withheld words: what is granted to nobody", "[policy]") {
  const std::string two_doors =
      R"({"Sid": "L", "Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket",
          "Resource": "DOOR", "Condition": {"StringLike": {"s3:prefix": ["team/", "team/*"]}}},
         {"Sid": "O", "Effect": "Allow", "Principal": "*", "Action": ["s3:getobject", "s3:Put*"],
          "Resource": "DOOR/object/team/*"})";
  const Withheld below = Of(two_doors, "team/");
  CHECK(Says(below, "grants deleting below team/ to nobody"));
  CHECK(below.operations.empty());  // IAM may allow it
  CHECK(Of(two_doors, "team/", true).lines.empty());
  // A part of what is mounted is granted.
  CHECK(Says(Of(two_doors), "grants deleting to nobody"));
  CHECK(Says(Of(two_doors, "team/sub/"), "grants deleting below team/sub/ to nobody"));
  CHECK(Says(Of(two_doors, "team-b/"), "grants reading, writing, deleting below team-b/"));
  // A condition of listings is never of an object.
  CHECK(Says(Of(kReads, "team/"), "grants reading, writing, deleting"));
}

TEST_CASE("withheld words: what is granted to some, or for some requests, is not nobody's") {
  for (const char* condition :
       {R"({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/red"}})",
        R"({"StringEquals": {"aws:PrincipalAccount": "123456789012"}})",
        R"({"StringEquals": {"s3:DataAccessPointAccount": "123456789012"}})",
        R"({"NumericGreaterThanEquals": {"s3:TlsVersion": "1.2"}})",
        R"({"StringEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}})",
        R"({"Bool": {"aws:SecureTransport": "true"}})",
        R"({"Null": {"s3:if-none-match": "false"}})"}) {
    CAPTURE(condition);
    CHECK(Of(R"({"Sid": "A", "Effect": "Allow", "Principal": "*", "Action": "s3:*",
                 "Resource": ["DOOR", "DOOR/object/*"], "Condition": )" +
             std::string(condition) + "}")
              .lines.empty());
  }
  CHECK(Of(R"({"Sid": "A", "Effect": "Allow", "Principal": "*", "Action": "S3:*",
               "Resource": "DOOR/object/${aws:PrincipalTag/team}/*"})",
           "bob/")
            .lines.empty());
}

TEST_CASE("withheld words: without any grant IAM decides, and only denials count", "[policy]") {
  const std::string deny =
      R"({"Sid": "Keep", "Effect": "Deny", "Principal": "*", "Action": "s3:Delete*",
          "Resource": "DOOR/object/*"})";
  for (const std::string& statements : {deny, deny + "," + kAll}) {
    const Withheld told = Of(statements, "team/");
    CHECK(Words(told) ==
          "the access point's policy denies deleting below team/ to everybody (Keep): 'Permission "
          "denied'");
    CHECK(told.operations == std::vector<s3::Operation>{s3::Operation::kDeleteObject});
    CHECK(Of(statements, "team/", true).lines.empty());
  }
}

TEST_CASE("withheld words: a denial that somebody, or something, escapes is none", "[policy]") {
  const auto deny = [](const std::string& rest) {
    return R"({"Sid": "D", "Effect": "Deny", "Action": "s3:DeleteObject", )" + rest + "}";
  };
  const std::string all = R"("Principal": "*", "Resource": "DOOR/object/*")";
  CHECK(Says(Of(deny(all)), "denies deleting to everybody"));
  for (const char* condition :
       {R"({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/admin"}})",
        R"({"StringEquals": {"aws:SourceVpc": "vpc-1"}})",
        R"({"Bool": {"aws:SecureTransport": "false"}})", R"({"Null": {"s3:x-amz-acl": "true"}})"}) {
    CAPTURE(condition);
    CHECK(Of(deny(all + R"(, "Condition": )" + std::string(condition))).lines.empty());
  }
  CHECK(Says(Of(deny(all + R"(, "Condition": {"Bool": {"aws:SecureTransport": "true"}})")),
             "denies deleting"));
  CHECK(Of(deny(R"("Principal": {"AWS": "123456789012"}, "Resource": "DOOR/object/*")"))
            .lines.empty());
  CHECK(Of(deny(R"("Principal": "*", "Resource": "DOOR/object/team/*")")).lines.empty());
  CHECK(Says(Of(deny(R"("Principal": "*", "Resource": "DOOR/object/team/*")"), "team/sub/"),
             "denies deleting below team/sub/"));
  CHECK(Of(deny(R"("Principal": "*", "NotResource": "DOOR/object/team/*")")).lines.empty());
  CHECK(Of(deny(R"("NotPrincipal": {"AWS": "*"}, "Resource": "DOOR/object/*")")).lines.empty());
  CHECK(Of(deny(R"("Principal": "*", "Resource": "DOOR/object/?")")).lines.empty());
  CHECK(Of(deny(R"("Principal": "*", "Resource": "DOOR/object/team??")"), "team/").lines.empty());
  CHECK(Of(deny(R"("Principal": "*", "Resource": "arn:aws:s3:*/team/object/*")")).lines.empty());
}

TEST_CASE("withheld words: what is excepted from a grant is not granted by it", "[policy]") {
  const std::string but_deleting =
      R"({"Sid": "B", "Effect": "Allow", "Principal": "*", "NotAction": "s3:Delete*",
          "Resource": ["DOOR", "DOOR/object/*"]})";
  CHECK(Says(Of(but_deleting), "grants deleting to nobody"));
  const std::string one_object =
      R"({"Sid": "B", "Effect": "Allow", "Principal": "*", "Action": "s3:*",
          "Resource": ["DOOR", "DOOR/object/team/file"]})";
  CHECK(Of(one_object).lines.empty());
  CHECK(Of(one_object, "team/").lines.empty());
  CHECK(Says(Of(one_object, "team/file/"), "grants reading, writing, deleting"));
}

}  // namespace coffer::fs::withheld_words_test
