#include "s3client/credentials_chain.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <vector>

#include "s3client/refreshing_provider.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_transport.h"
#include "tests/support/temp_directory.h"

namespace coffer::s3::credentials_chain_test {

using Variables = std::map<std::string, std::string, std::less<>>;

class Notes : public SilentObserver {
 public:
  void OnNotice(std::string_view notice) override { lines.emplace_back(notice); }
  std::vector<std::string> lines;
};

// STS that says in the key it gives out who asked for which role: "ROLE<arn>BY<signer>".
Result<Response> Sts(const Request& request) {
  const std::string body(AsText(request.body));
  const auto field = [&body](const std::string& name) {
    const auto at = body.find("&" + name + "=");
    if (at == std::string::npos) return std::string();
    const auto begin = at + name.size() + 2;
    return body.substr(begin, body.find('&', begin) - begin);
  };
  const std::string authorization(request.headers.Get("Authorization"));
  const auto at = authorization.find("Credential=");
  const std::string signer =
      at == std::string::npos
          ? "token:" + field("WebIdentityToken")
          : authorization.substr(at + 11, authorization.find('/', at) - at - 11);
  const std::string action = body.substr(7, body.find('&') - 7);
  const std::string xml =
      "<" + action + "Response><" + action + "Result><Credentials><AccessKeyId>" +
      field("RoleArn") + "(" + signer + ")" + field("ExternalId") + field("DurationSeconds") +
      "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
      "<Expiration>2026-01-02T04:04:05Z</Expiration></Credentials></" +
      action + "Result></" + action + "Response>";
  return Reply(200, {}, xml);
}

struct Fixture {
  test::TempDirectory directory;
  Variables variables{{"HOME", directory.path()}};
  FakeClock clock;
  ServerTime time{clock};
  FakeTransport sts;
  Notes notes;
  ChainOptions options;

  Fixture() {
    REQUIRE(::mkdir((directory.path() + "/.aws").c_str(), 0700) == 0);
    sts.Then(Sts);
  }
  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = directory.path() + "/" + name;
    std::ofstream(path) << text;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    return path;
  }
  std::unique_ptr<CredentialsChain> Chain() {
    const Environment env = [this](std::string_view name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::string() : found->second;
    };
    return std::make_unique<CredentialsChain>(options, env, sts, time, notes);
  }
  // The access key id, or the error.
  std::string Key() {
    const auto got = Chain()->Fetch();
    if (got) return got->access_key_id;
    CHECK(got.error().code == Code::kDenied);
    return "error: " + got.error().what;
  }
};

constexpr auto kProcess =
    R"(credential_process = /bin/echo '{"Version":1,"AccessKeyId":"PROC","SecretAccessKey":"s"}')";

TEST_CASE_METHOD(Fixture, "credentials: who wins") {
  const std::string keys = "aws_access_key_id = FILE\naws_secret_access_key = s\n";
  const std::string config_keys = "aws_access_key_id = CONF\naws_secret_access_key = s\n";
  const std::string role = "role_arn = R\n";
  const std::string token_file = Write("token", "TOKEN\n", 0644);
  const Variables env_keys{{"AWS_ACCESS_KEY_ID", "ENV"}, {"AWS_SECRET_ACCESS_KEY", "s"}};
  const Variables env_token{{"AWS_WEB_IDENTITY_TOKEN_FILE", token_file}, {"AWS_ROLE_ARN", "W"}};
  Variables both = env_keys;
  both.insert(env_token.begin(), env_token.end());
  Variables keys_and_profile = env_keys;
  keys_and_profile["AWS_PROFILE"] = "p";
  struct Row {
    const char* name;
    Variables variables;
    std::string flag;
    std::string config;
    std::string credentials;
    std::string expected;
  };
  const Row rows[] = {
      {"environment keys first", both, "", "", "[default]\n" + keys, "ENV"},
      {"AWS_PROFILE does not skip them", keys_and_profile, "", "", "[p]\n" + keys, "ENV"},
      {"--profile does", both, "p", "", "[p]\n" + keys, "FILE"},
      {"the web identity next", env_token, "", "", "[default]\n" + keys, "W(token:TOKEN)"},
      {"then the profile", {}, "", "", "[default]\n" + keys, "FILE"},
      {"AWS_PROFILE", {{"AWS_PROFILE", "p"}}, "", "", "[p]\n" + keys, "FILE"},
      {"a role before keys of the same profile",
       {},
       "",
       "[default]\n" + role + "source_profile = b\n[profile b]\n" + config_keys,
       "[default]\n" + keys,
       "R(CONF)"},
      {"a role on its own keys",
       {},
       "p",
       "[profile p]\n" + role + "source_profile = p\n",
       "[p]\n" + keys,
       "R(FILE)"},
      {"a role on a role",
       {},
       "p",
       "[profile p]\nrole_arn = A\nsource_profile = q\nexternal_id = x\nduration_seconds = 900\n"
       "[profile q]\nrole_arn = B\nsource_profile = r\n",
       "[r]\n" + keys,
       "A(B(FILE))x900"},
      {"a role on the environment", env_keys, "p",
       "[profile p]\n" + role + "credential_source = Environment\n", "", "R(ENV)"},
      {"a role on a program",
       {},
       "p",
       "[profile p]\n" + role + "source_profile = q\n[profile q]\n" + kProcess,
       "",
       "R(PROC)"},
      {"a token file of the profile",
       {},
       "p",
       "[profile p]\n" + role + "web_identity_token_file = " + token_file,
       "[p]\n" + keys,
       "R(token:TOKEN)"},
      {"keys of the credentials file before a program",
       {},
       "p",
       std::string("[profile p]\n") + kProcess,
       "[p]\n" + keys,
       "FILE"},
      {"a program before keys of the config file",
       {},
       "p",
       "[profile p]\n" + config_keys + kProcess,
       "",
       "PROC"},
      {"SSO through a program",
       {},
       "p",
       std::string("[profile p]\nsso_session = s\n") + kProcess,
       "",
       "PROC"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    variables = row.variables;
    variables["HOME"] = directory.path();
    options.profile = row.flag;
    Write(".aws/config", row.config);
    Write(".aws/credentials", row.credentials);
    CHECK(Key() == row.expected);
  }
}

TEST_CASE_METHOD(Fixture, "credentials: every mistake says what and where") {
  struct Row {
    const char* name;
    Variables variables;
    std::string flag;
    std::string config;
    std::vector<std::string> said;
  };
  const Row rows[] = {
      {"nothing anywhere",
       {},
       "",
       "",
       {"no credentials", "AWS_ACCESS_KEY_ID", "/.aws/credentials", "aws configure",
        "--no-sign-request", "EC2"}},
      {"only a region",
       {},
       "",
       "[default]\nregion = r\n[profile x]\n",
       {"no credentials", "default, x"}},
      {"a container's role",
       {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://x"}},
       "",
       "",
       {"no credentials", "container's role", "credential_process"}},
      {"half a pair", {{"AWS_ACCESS_KEY_ID", "A"}}, "", "", {"AWS_SECRET_ACCESS_KEY is not"}},
      {"the other half", {{"AWS_SECRET_ACCESS_KEY", "A"}}, "", "", {"AWS_ACCESS_KEY_ID is not"}},
      {"half a pair in a profile",
       {},
       "p",
       "[profile p]\naws_access_key_id = A\n",
       {"profile p in ", "/.aws/config has aws_access_key_id but not aws_secret_access_key"}},
      {"an end that is no time",
       {{"AWS_ACCESS_KEY_ID", "A"},
        {"AWS_SECRET_ACCESS_KEY", "s"},
        {"AWS_CREDENTIAL_EXPIRATION", "soon"}},
       "",
       "",
       {"AWS_CREDENTIAL_EXPIRATION"}},
      {"a token without a role",
       {{"AWS_WEB_IDENTITY_TOKEN_FILE", "/x"}},
       "",
       "",
       {"AWS_ROLE_ARN is not"}},
      {"a token file that is not there",
       {{"AWS_WEB_IDENTITY_TOKEN_FILE", "/no/such"}, {"AWS_ROLE_ARN", "W"}},
       "",
       "",
       {"assume role W", "/no/such does not exist"}},
      {"a profile that is not there", {}, "p", "[profile x]\n", {"no profile p", "there are: x"}},
      {"AWS_PROFILE that is not there",
       {{"AWS_PROFILE", "p"}},
       "",
       "[profile x]\n",
       {"no profile p (named by AWS_PROFILE)", "there are: x"}},
      {"an empty profile", {}, "p", "[profile p]\n", {"profile p has no credentials"}},
      {"a source profile that is not there",
       {},
       "p",
       "[profile p]\nrole_arn = R\nsource_profile = q\n",
       {"no profile q, the source_profile of p"}},
      {"a loop",
       {},
       "p",
       "[profile p]\nrole_arn = R\nsource_profile = q\n[profile q]\nrole_arn = R\nsource_profile = "
       "r\n[profile r]\nrole_arn = R\nsource_profile = q\n",
       {"loop: p -> q -> r -> q"}},
      {"a role that nobody assumes",
       {},
       "p",
       "[profile p]\nrole_arn = R\n",
       {"neither source_profile nor credential_source"}},
      {"a role that two assume",
       {},
       "p",
       "[profile p]\nrole_arn = R\nsource_profile = q\ncredential_source = Environment\n",
       {"both source_profile and credential_source"}},
      {"a machine's role",
       {},
       "p",
       "[profile p]\nrole_arn = R\ncredential_source = Ec2InstanceMetadata\n",
       {"not supported yet", "credential_process"}},
      {"an environment without keys",
       {},
       "p",
       "[profile p]\nrole_arn = R\ncredential_source = Environment\n",
       {"AWS_ACCESS_KEY_ID is not set"}},
      {"a code that nobody can type",
       {},
       "p",
       "[profile p]\nrole_arn = R\nsource_profile = p\nmfa_serial = m\n",
       {"mfa_serial", "credential_process"}},
      {"SSO",
       {},
       "p",
       "[profile p]\nsso_session = s\n",
       {"SSO", "not supported yet", "aws configure export-credentials --profile p"}},
      {"aws login",
       {},
       "p",
       "[profile p]\nlogin_session = s\n",
       {"aws login", "export-credentials"}},
      {"a program that fails",
       {},
       "p",
       "[profile p]\ncredential_process = /bin/sh -c 'echo SECRET; echo why >&2; exit 1'\n",
       {"credential_process of profile p failed with status 1: why"}},
      {"a file that is none", {}, "", "nonsense\n", {"/.aws/config: line 1"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    variables = row.variables;
    variables["HOME"] = directory.path();
    options.profile = row.flag;
    Write(".aws/config", row.config);
    const std::string said = Key();
    CAPTURE(said);
    CHECK(said.starts_with("error: "));
    CHECK(said.find("SECRET\n") == std::string::npos);
    CHECK(said.find('\n') == std::string::npos);
    for (const auto& part : row.said) {
      CAPTURE(part);
      CHECK(said.find(part) != std::string::npos);
    }
  }
  CHECK(sts.seen().empty());
}

TEST_CASE_METHOD(Fixture, "credentials: everything the environment says of them is kept") {
  variables["AWS_ACCESS_KEY_ID"] = "A";
  variables["AWS_SECRET_ACCESS_KEY"] = "s";
  variables["AWS_SECURITY_TOKEN"] = "old";
  variables["AWS_CREDENTIAL_EXPIRATION"] = "2026-01-02T04:04:05Z";
  auto got = Chain()->Fetch();
  REQUIRE(got);
  CHECK(got->session_token == "old");
  CHECK(got->expires_at == clock.Now() + std::chrono::hours(1));
  CHECK(got->source == "environment");
  variables["AWS_SESSION_TOKEN"] = "new";
  CHECK(Chain()->Fetch()->session_token == "new");
}

TEST_CASE_METHOD(Fixture, "credentials: STS is asked in the region and at the address configured") {
  Write(".aws/config",
        "[profile p]\nrole_arn = R\nsource_profile = p\nregion = eu-west-1\n"
        "aws_access_key_id = A\naws_secret_access_key = s\nrole_session_name = mine\n");
  options.profile = "p";
  REQUIRE(Chain()->Fetch());
  options.region = "eu-north-1";
  REQUIRE(Chain()->Fetch());
  variables["AWS_ENDPOINT_URL_STS"] = "http://localhost:9";
  REQUIRE(Chain()->Fetch());
  REQUIRE(sts.seen().size() == 3);
  CHECK(sts.seen()[0].url.ToString() == "https://sts.eu-west-1.amazonaws.com/");
  CHECK(sts.seen()[1].url.ToString() == "https://sts.eu-north-1.amazonaws.com/");
  CHECK(sts.seen()[2].url.ToString() == "http://localhost:9/");
  CHECK(sts.seen()[0].body.find("RoleSessionName=mine") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "credentials: a token file is read anew at each renewal, as it is") {
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = Write("token", "one\n", 0644);
  variables["AWS_ROLE_ARN"] = "W";
  const auto chain = Chain();
  CHECK(chain->Fetch()->access_key_id == "W(token:one)");
  Write("token", " two ", 0644);
  CHECK(chain->Fetch()->access_key_id == "W(token:two)");
  CHECK(notes.lines.empty());
  Write("token", " \n");
  CHECK(chain->Fetch().error().what.find("is empty") != std::string::npos);
  CHECK(sts.seen()[0].body.find("RoleSessionName=coffer-1767323045") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "credentials: a file of keys that others can read is told once") {
  const auto path =
      Write(".aws/credentials", "[default]\naws_access_key_id=A\naws_secret_access_key=s\n", 0644);
  const auto chain = Chain();
  REQUIRE(chain->Fetch());
  REQUIRE(chain->Fetch());
  REQUIRE(notes.lines.size() == 1);
  CHECK(notes.lines[0].find("chmod 600 " + path) != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "credentials: an edited or replaced file is noticed without a remount") {
  const std::string text = "[default]\naws_access_key_id=ONE\naws_secret_access_key=s\n";
  const auto path = Write(".aws/credentials", text);
  RefreshingProvider provider(Chain(), clock, time, notes);
  const auto key = [&provider] { return (*provider.Get().value()).access_key_id; };
  CHECK(key() == "ONE");
  Write("other", "[default]\naws_access_key_id=TWO\naws_secret_access_key=s\n");
  REQUIRE(::rename((directory.path() + "/other").c_str(), path.c_str()) == 0);
  clock.Advance(std::chrono::seconds(6));
  CHECK(key() == "TWO");
  Write(".aws/credentials", "[default]\naws_access_key_id=THREE\naws_secret_access_key=s\n");
  const auto two = provider.Get().value();
  provider.Refused(*two);
  CHECK(key() == "THREE");
}

TEST_CASE_METHOD(Fixture, "credentials: files do not matter where the environment has the keys") {
  variables["AWS_ACCESS_KEY_ID"] = "A";
  variables["AWS_SECRET_ACCESS_KEY"] = "s";
  Write(".aws/config", "nonsense\n");
  const auto chain = Chain();
  REQUIRE(chain->Fetch());
  Write(".aws/config", "more nonsense\n");
  CHECK_FALSE(chain->Changed());
}

TEST_CASE_METHOD(Fixture, "credentials: a network that is down is not a refusal") {
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = Write("token", "one");
  variables["AWS_ROLE_ARN"] = "W";
  FakeTransport down;
  down.Then(Error{Code::kUnavailable, "connection refused"});
  const Environment env = [this](std::string_view name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  };
  CredentialsChain chain(options, env, down, time, notes);
  const auto got = chain.Fetch();
  REQUIRE_FALSE(got);
  CHECK(got.error().code == Code::kUnavailable);
  CHECK(got.error().what.find("connection refused") != std::string::npos);
}

}  // namespace coffer::s3::credentials_chain_test
