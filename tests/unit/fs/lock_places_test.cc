// Operands of the commands on locks, as far as they are addresses; paths are in
// tests/system/lock_commands.t.

#include "fs/lock_places.h"

#include <catch2/catch.hpp>

namespace coffer::fs::lock_places_test {

LockPlaces Find(std::vector<std::string> names, LockAction action = LockAction::kLock,
                const std::string& prefix = "") {
  LockCommandOptions options;
  options.action = action;
  options.names = std::move(names);
  options.volume.address.region = "eu-west-1";
  options.volume.address.prefix = prefix;
  auto places = FindLockPlaces(options, {});
  if (!places) FAIL(places.error().what);
  return std::move(*places);
}

TEST_CASE("lock_places: one bucket is one volume, from what all have in common") {
  const LockPlaces found = Find({"s3://b/p/x/1", "s3://b/p/y/", "s3://other/z", "s3://b/p/x/2"});
  CHECK(found.failures.empty());
  REQUIRE(found.volumes.size() == 2);
  const LockVolume& b = found.volumes[0];
  CHECK(b.volume.source == "s3://b");
  CHECK(b.volume.address.prefix == "p/");
  REQUIRE(b.places.size() == 3);
  CHECK(b.places[0].key == "p/x/1");
  CHECK_FALSE(b.places[0].directory);
  CHECK(b.places[0].maybe);
  CHECK(b.places[1].key == "p/y/");
  CHECK(b.places[1].directory);
  CHECK(b.Show("p/x/1") == "p/x/1");
  CHECK(found.volumes[1].volume.address.prefix.empty());
  CHECK(found.volumes[1].places[0].key == "z");
}

TEST_CASE("lock_places: access points and prefixes") {
  const std::string arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/ap";
  const LockPlaces found = Find({"s3://" + arn + "/d/f"});
  REQUIRE(found.volumes.size() == 1);
  CHECK(found.volumes[0].volume.source == "s3://" + arn);
  CHECK(found.volumes[0].places[0].key == "d/f");
  const LockPlaces below = Find({"s3://b"}, LockAction::kLock, "p");
  CHECK(below.volumes[0].places[0].key == "p/");
  CHECK(below.volumes[0].places[0].directory);
  CHECK(Find({"s3://b"}).volumes[0].places[0].directory);
  CHECK(Find({"s3://b"}).volumes[0].places[0].key.empty());
}

TEST_CASE("lock_places: patterns begin with the first component that has one") {
  const LockPlaces found = Find({"s3://b/p/q/da*/[x]"}, LockAction::kExtend);
  const LockPlace& place = found.volumes[0].places[0];
  CHECK(place.root == "p/q/");
  CHECK(place.key == "p/q/da");
  CHECK(place.directory);
  REQUIRE(place.glob);
  CHECK(place.glob->text() == "da*/[x]");
  CHECK(found.volumes[0].volume.address.prefix == "p/q/");
  CHECK_FALSE(Find({"s3://b/p/f"}, LockAction::kExtend).volumes[0].places[0].glob);
  // To all other commands it is a name.
  CHECK(Find({"s3://b/p/da*"}).volumes[0].places[0].key == "p/da*");
}

TEST_CASE("lock_places: the source of a report is a root, and may be a bucket's name") {
  const LockPlaces found = Find({"bucket-of-no-file"}, LockAction::kReport);
  CHECK(found.volumes[0].places[0].directory);
  CHECK(Find({"s3://b/p/q"}, LockAction::kReport).volumes[0].places[0].root == "p/q/");
}

TEST_CASE("lock_places: what is wrong in itself stops everything") {
  LockCommandOptions options;
  options.action = LockAction::kExtend;
  for (const char* name : {"s3://b/{a,b}", "s3://b/a*/", "s3://B*/x", "/nonexistent-mount"}) {
    INFO(name);
    options.names = {"s3://b/fine", name};
    const auto places = FindLockPlaces(options, {});
    REQUIRE_FALSE(places);
    CHECK(places.error().code == Code::kInvalid);
  }
}

}  // namespace coffer::fs::lock_places_test
