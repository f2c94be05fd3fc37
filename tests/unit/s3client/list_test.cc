#include <string>
#include <vector>

#include "tests/support/store_bench.h"

namespace coffer::s3::list_test {

TEST_CASE("List: keys of every kind come through, pages go forward") {
  StoreBench bench;
  bench.wire.Then(Listing(
      Listed("p/%20+%2B%01%0D%25") + "<CommonPrefixes><Prefix>p/d%C3%A9/</Prefix></CommonPrefixes>",
      ""));
  const auto page = bench.store.List({.prefix = "p/"});
  REQUIRE(page);
  REQUIRE(page->objects.size() == 1);
  CHECK(page->objects[0].key == "p/  +\x01\r%");
  CHECK(page->objects[0].etag == "e1");
  CHECK(page->objects[0].size == 7);
  CHECK(page->objects[0].last_modified_s == FakeClock::kStart_s);
  CHECK(page->prefixes == std::vector<std::string>{"p/d\xC3\xA9/"});
  CHECK(bench.Seen(0).Query("encoding-type") == "url");
  CHECK(bench.Seen(0).Query("delimiter") == "/");
}

TEST_CASE("List: what is not a listing of what was asked is an error") {
  const std::string begin = "<ListBucketResult><EncodingType>url</EncodingType>";
  for (const std::string& body : {
           std::string("<Other/>"),
           begin + "</ListBucketResult>",
           begin + "<IsTruncated>maybe</IsTruncated></ListBucketResult>",
           begin + "<IsTruncated>true</IsTruncated></ListBucketResult>",
           begin + "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
                   "</ListBucketResult>",
           begin + "<IsTruncated>false</IsTruncated>" + Listed("q/x") + "</ListBucketResult>",
           begin + "<IsTruncated>false</IsTruncated>" + Listed("p/%zz") + "</ListBucketResult>",
           begin + "<IsTruncated>false</IsTruncated>" + Listed("") + "</ListBucketResult>",
           begin + "<IsTruncated>false</IsTruncated><Contents><Size>1</Size></Contents>"
                   "</ListBucketResult>",
           begin + "<IsTruncated>false</IsTrunc",
       }) {
    CAPTURE(body);
    StoreBench bench;
    bench.wire.Then(Reply(200, {{"Date", kDate}}, body));
    CHECK(CodeOf(bench.store.List({.prefix = "p/", .token = "t"})) == Code::kUnavailable);
  }
}

TEST_CASE("List: a row that makes no sense is said to, and takes no other with it") {
  const auto row = [](const std::string& key, const std::string& size, const std::string& date) {
    return "<Contents><Key>p/" + key + "</Key><LastModified>" + date +
           "</LastModified><ETag>\"e\"</ETag>" + size + "</Contents>";
  };
  const std::string date = "2026-01-02T03:04:05Z";
  StoreBench bench;
  bench.wire.Then(Listing(row("largest", "<Size>9223372036854775807</Size>", date) +
                          row("larger", "<Size>9223372036854775808</Size>", date) +
                          row("minus", "<Size>-1</Size>", date) + row("none", "", date) +
                          row("nested", "<Size><a/></Size>", date) +
                          row("undated", "<Size>5</Size>", "tomorrow") +
                          "<Contents><Key>p/untagged</Key><Size>5</Size></Contents>"));
  const auto page = bench.store.List({.prefix = "p/"});
  REQUIRE(page);
  std::vector<std::string> unsound;
  for (const auto& object : page->objects) {
    if (!object.sound) unsound.push_back(object.key);
  }
  CHECK(page->objects.size() == 7);
  CHECK(unsound ==
        std::vector<std::string>{"p/larger", "p/minus", "p/none", "p/nested", "p/untagged"});
  CHECK(page->objects[0].size == 9223372036854775807u);
  CHECK(page->objects[1].size == 0);
  CHECK(page->objects[5].last_modified_s == 0);
}

TEST_CASE("ListVersions: versions and markers in order") {
  StoreBench bench;
  bench.wire.Then(Reply(
      200, {{"Date", kDate}},
      "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<NextKeyMarker>k%2B</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker>"
      "<DeleteMarker><Key>k</Key><VersionId>m</VersionId><IsLatest>true</IsLatest><LastModified>"
      "2026-01-02T03:04:05Z</LastModified></DeleteMarker><Version><Key>k</Key><VersionId>v1"
      "</VersionId><IsLatest>false</IsLatest><LastModified>2026-01-02T03:04:05Z</LastModified>"
      "<ETag>\"e\"</ETag><Size>1</Size></Version></ListVersionsResult>"));
  const auto page = bench.store.ListVersions("k", "", "");
  REQUIRE(page);
  REQUIRE(page->versions.size() == 2);
  CHECK(page->versions[0].delete_marker);
  CHECK(page->versions[0].latest);
  CHECK(page->versions[1].etag == "e");
  CHECK(page->next_key_marker == "k+");
}

TEST_CASE("ListVersions: a list that does not go forward is refused") {
  StoreBench bench;
  const auto page =
      Reply(200, {{"Date", kDate}},
            "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>"
            "<NextVersionIdMarker>v</NextVersionIdMarker></ListVersionsResult>");
  bench.wire.Then(page);
  CHECK(bench.store.ListVersions("k", "k", "u"));
  bench.wire.Then(page);
  const auto again = bench.store.ListVersions("k", "k", "v");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == Code::kUnavailable);
}

}  // namespace coffer::s3::list_test
