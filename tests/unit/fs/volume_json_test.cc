#include "fs/volume_json.h"

#include <catch2/catch.hpp>

namespace coffer::fs::volume_json_test {

VolumeOptions Mounted() {
  VolumeOptions mount;
  mount.source = "s3://b";
  mount.address.prefix = "p/";
  mount.address.endpoint_url = "https://there";
  mount.profile = "daemon";
  mount.profile_named = true;
  mount.no_sign_request = true;
  mount.ca_bundle = "/mount.pem";
  mount.expected_bucket_owner = "111111111111";
  mount.connect_to = {"a:1:b:2"};
  return mount;
}

TEST_CASE("volume json: a mount says how the bucket is reached, and not as whom") {
  VolumeOptions caller;
  caller.profile = "mine";
  caller.address.endpoint_url = "https://elsewhere";
  ApplyVolume(DescribeVolume(Mounted()), caller);
  CHECK(caller.source == "s3://b");
  CHECK(caller.address.prefix == "p/");
  CHECK(caller.address.endpoint_url == "https://there");
  CHECK(caller.profile == "mine");
  CHECK_FALSE(caller.profile_named);
  CHECK_FALSE(caller.no_sign_request);
  CHECK(caller.ca_bundle == "/mount.pem");
  CHECK(caller.expected_bucket_owner == "111111111111");
  CHECK(caller.connect_to == std::vector<std::string>{"a:1:b:2"});
  CHECK_FALSE(DescribeVolume(Mounted()).contains("profile"));
}

TEST_CASE("volume json: what the caller asks for and pays stays as he says") {
  VolumeOptions caller;
  caller.expected_bucket_owner = "222222222222";
  caller.connect_to = {"c:1:d:2"};
  caller.requester_pays = true;
  ApplyVolume(DescribeVolume(Mounted()), caller);
  CHECK(caller.expected_bucket_owner == "222222222222");
  CHECK(caller.connect_to == std::vector<std::string>{"c:1:d:2"});
  CHECK(caller.requester_pays);
}

}  // namespace coffer::fs::volume_json_test
