// Listings, of objects and of versions, up to the names that a directory shows.

#include "fs/listing.h"

#include "fs/path.h"
#include "s3client/s3_store.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/wire.h"

namespace coffer::test {
namespace {

// `sorted`: as S3 promises. What is not is shown all the same, and asked for by HEAD.
void CheckNames(const fs::Listing& listing, bool sorted) {
  const fs::ListedName* before = nullptr;
  for (const fs::ListedName& row : listing.names) {
    Must(fs::IsName(row.name), "what a directory shows is a name");
    Must(row.name.find('/') == std::string::npos && row.name.find('\0') == std::string::npos &&
             row.name != "." && row.name != "..",
         "no name leads elsewhere");
    Must(fs::IsVisibleKey("d/", "d/" + row.name), "a name is a visible key");
    if (sorted && before != nullptr) {
      Must(before->name != row.name || before->directory != row.directory, "a name stands once");
    }
    if (sorted && !row.hidden())
      Must(listing.Find(row.name) != nullptr, "a name that shows is found");
    before = &row;
  }
  for (const std::string& folder : listing.folders) Must(fs::IsName(folder), "a folder has a name");
}

}  // namespace

void FuzzListing(ByteView input) {
  s3::FakeTransport wire;
  s3::S3Store store(wire, BucketTarget(), {});
  wire.Then(s3::Reply(200, {{"Date", "Fri, 02 Jan 2026 03:04:05 GMT"}}, AsText(input)));
  if (auto page = store.List({.prefix = "d/"})) {
    for (const auto& object : page->objects) {
      Must(object.key.starts_with("d/"), "only what was asked for is listed");
      Must(!object.sound || !object.etag.empty(), "a sound row has an ETag");
      Must(object.size <= 0x7fffffffffffffff, "a size is a file's");
    }
    for (const bool sorted : {false, true}) {
      fs::ListingBuilder builder("d/", 0);
      (void)builder.Add(*page);
      if (sorted) builder.Sort();
      CheckNames(*std::move(builder).Finish(), sorted);
    }
  }
  if (const auto page = store.ListVersions("d/", "", "")) {
    for (const auto& version : page->versions)
      Must(version.key.starts_with("d/"), "only versions that were asked for are listed");
  }
}

}  // namespace coffer::test
