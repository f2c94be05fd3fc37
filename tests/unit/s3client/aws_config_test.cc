#include "s3client/aws_config.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <map>

#include "tests/support/temp_directory.h"

namespace coffer::s3::aws_config_test {

struct Fixture {
  test::TempDirectory directory;
  std::map<std::string, std::string, std::less<>> variables{{"HOME", directory.path()}};
  Environment env = [this](std::string_view name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  };

  Fixture() { REQUIRE(::mkdir((directory.path() + "/.aws").c_str(), 0700) == 0); }
  void Config(const std::string& text) { Write("config", text); }
  void Keys(const std::string& text) { Write("credentials", text); }
  void Write(const std::string& name, const std::string& text) {
    const std::string path = directory.path() + "/.aws/" + name;
    std::ofstream(path) << text;
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
  }
  AwsSettings Settings(const std::string& profile = "") {
    const auto config = SharedConfig::Load(env);
    REQUIRE(config);
    const auto settings = ReadAwsSettings(*config, profile, env);
    REQUIRE(settings);
    return *settings;
  }
};

TEST_CASE_METHOD(Fixture, "config files: none, elsewhere, and without a home") {
  auto config = SharedConfig::Load(env);
  REQUIRE(config);
  CHECK(config->ProfileNames().empty());
  CHECK(config->paths().config == directory.path() + "/.aws/config");
  Write("else", "[default]\nregion = r\n");
  variables["AWS_CONFIG_FILE"] = "~/.aws/else";
  CHECK(Settings().region == "r");
  variables["AWS_CONFIG_FILE"] = directory.path() + "/.aws/else";
  CHECK(Settings().region == "r");
  variables.clear();
  config = SharedConfig::Load(env);
  REQUIRE(config);
  CHECK(config->paths().config.empty());
}

TEST_CASE_METHOD(Fixture, "config files: which section is which profile's") {
  Config(
      "[default]\nregion = one\n[profile a]\nregion = two\nk = config\n[b]\nregion = ignored\n"
      "[sso-session s]\n[services v]\n[plugins]\n");
  Keys("[a]\nk = keys\n[c]\naws_access_key_id = AK\n");
  const auto config = SharedConfig::Load(env);
  REQUIRE(config);
  CHECK(config->ProfileNames() == std::vector<std::string>{"a", "c", "default"});
  CHECK_FALSE(config->Find("b"));
  CHECK_FALSE(config->Find("sso-session s"));
  CHECK(config->Find("default")->Get("region") == "one");
  CHECK(config->Find("a")->Get("region") == "two");
  CHECK(config->Find("a")->Get("k") == "keys");
  CHECK(config->Find("a")->InCredentialsFile("k"));
  CHECK_FALSE(config->Find("a")->InCredentialsFile("region"));
  CHECK(config->Find("c")->Get("absent").empty());
  Config("[default]\nregion = one\n[profile default]\nregion = two\n");
  CHECK(SharedConfig::Load(env)->Find("default")->Get("region") == "two");
}

TEST_CASE_METHOD(Fixture, "config files: what cannot be understood names file and line") {
  Config("[default]\nwhat\n");
  const auto config = SharedConfig::Load(env);
  REQUIRE_FALSE(config);
  CHECK(config.error().what.find("/.aws/config: line 2") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "config files: keys that others can read are seen") {
  const std::string path = directory.path() + "/.aws/credentials";
  Keys("[a]\naws_secret_access_key = s\n");
  CHECK(SharedConfig::Load(env)->exposed_file().empty());
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  CHECK(SharedConfig::Load(env)->exposed_file() == path);
  Keys("[a]\nregion = r\n");
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  CHECK(SharedConfig::Load(env)->exposed_file().empty());
}

TEST_CASE_METHOD(Fixture, "the profile that counts, and one that is not there") {
  CHECK(ProfileName("", env) == "default");
  variables["AWS_DEFAULT_PROFILE"] = "old";
  CHECK(ProfileName("", env) == "old");
  variables["AWS_PROFILE"] = "new";
  CHECK(ProfileName("", env) == "new");
  CHECK(ProfileName("flag", env) == "flag");
  Config("[profile a]\n[profile b]\n");
  const auto config = SharedConfig::Load(env);
  REQUIRE(config);
  const auto by_flag = RequireProfile(*config, "c", env);
  REQUIRE_FALSE(by_flag);
  CHECK(by_flag.error().code == Code::kDenied);
  CHECK(by_flag.error().what.find("no profile c in") != std::string::npos);
  CHECK(by_flag.error().what.find("there are: a, b") != std::string::npos);
  const auto by_variable = RequireProfile(*config, "", env);
  REQUIRE_FALSE(by_variable);
  CHECK(by_variable.error().what.find("new (named by AWS_PROFILE)") != std::string::npos);
  CHECK(RequireProfile(*config, "a", env));
  variables.erase("AWS_PROFILE");
  variables.erase("AWS_DEFAULT_PROFILE");
  CHECK(RequireProfile(*config, "", env));  // nobody asked for "default"
}

TEST_CASE_METHOD(Fixture, "settings: environment before profile, special before general") {
  Config(
      "[default]\nregion = p\nca_bundle = /p\nendpoint_url = http://all\nservices = v\n"
      "use_fips_endpoint = TRUE\nuse_dualstack_endpoint = true\ns3 =\n  use_arn_region = false\n"
      "  addressing_style = path\n  use_accelerate_endpoint = true\n"
      "[services v]\ns3 =\n  endpoint_url = http://s3\n[profile bare]\n");
  AwsSettings settings = Settings();
  CHECK(settings.region == "p");
  CHECK(settings.ca_bundle == "/p");
  CHECK(settings.endpoint_url == "http://s3");
  CHECK(settings.sts_endpoint_url == "http://all");
  CHECK_FALSE(settings.use_arn_region);
  CHECK(settings.fips);
  CHECK(settings.dual_stack);
  CHECK(settings.force_path_style);
  CHECK(settings.transfer_acceleration);

  variables["AWS_DEFAULT_REGION"] = "d";
  CHECK(Settings().region == "d");
  variables["AWS_REGION"] = "e";
  variables["AWS_ENDPOINT_URL"] = "http://env";
  variables["AWS_USE_FIPS_ENDPOINT"] = "false";
  variables["AWS_S3_USE_ARN_REGION"] = "true";
  variables["AWS_CA_BUNDLE"] = "/e";
  settings = Settings();
  CHECK(settings.region == "e");
  CHECK(settings.endpoint_url == "http://env");
  CHECK(settings.sts_endpoint_url == "http://env");
  CHECK_FALSE(settings.fips);
  CHECK(settings.use_arn_region);
  CHECK(settings.ca_bundle == "/e");
  variables["AWS_ENDPOINT_URL_S3"] = "http://env-s3";
  variables["AWS_ENDPOINT_URL_STS"] = "http://env-sts";
  CHECK(Settings().endpoint_url == "http://env-s3");
  CHECK(Settings().sts_endpoint_url == "http://env-sts");
  variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  CHECK(Settings().endpoint_url.empty());
  CHECK(Settings().sts_endpoint_url.empty());
}

TEST_CASE_METHOD(Fixture,
                 "settings: the defaults of a bare profile, and a word that is no switch") {
  Config("[profile bare]\n[profile bad]\ns3 =\n  use_arn_region = yes\n");
  const AwsSettings settings = Settings("bare");
  CHECK(settings.region.empty());
  CHECK(settings.endpoint_url.empty());
  CHECK(settings.use_arn_region);
  CHECK_FALSE(settings.disable_multi_region_access_points);
  CHECK_FALSE(settings.force_path_style);
  const auto bad = ReadAwsSettings(*SharedConfig::Load(env), "bad", env);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == Code::kInvalid);
  CHECK(bad.error().what ==
        "AWS_S3_USE_ARN_REGION or s3.use_arn_region of the profile must be true or false");
}

}  // namespace coffer::s3::aws_config_test
