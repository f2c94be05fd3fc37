#include "fs/listing.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace coffer::fs::listing_test {

s3::ListedObject Object(const std::string& key) {
  s3::ListedObject object;
  object.key = key;
  object.etag = "e";
  object.sound = true;
  return object;
}

std::vector<std::string> NamesOf(const Listing& listing) {
  std::vector<std::string> names;
  for (const ListedName& row : listing.names) names.push_back(row.name);
  return names;
}

TEST_CASE("listing: what a server lists twice is shown once, in order or not") {
  s3::ListPage page;
  page.objects = {Object("d/a"), Object("d/a"), Object("d/b")};
  page.prefixes = {"d/s/", "d/s/"};
  s3::ListPage next;  // begins with what the page before ended with
  next.prefixes = {"d/s/"};
  next.objects = {Object("d/z")};
  ListingBuilder sorted("d/", 0);
  CHECK(sorted.Add(page) == 3);
  CHECK(sorted.Add(next) == 1);
  CHECK(NamesOf(sorted.listing()) == std::vector<std::string>{"a", "b", "s", "z"});
  std::swap(page.objects[1], page.objects[2]);
  ListingBuilder unsorted("d/", 0);
  (void)unsorted.Add(page);
  (void)unsorted.Add(next);
  unsorted.Sort();
  CHECK(NamesOf(unsorted.listing()) == std::vector<std::string>{"a", "b", "s", "z"});
}

}  // namespace coffer::fs::listing_test
