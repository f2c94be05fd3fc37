#include "fs/options.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "fs/option_table.h"
#include "fs/option_words.h"

namespace coffer::fs::options_test {

constexpr char kNoConfig[] = "/nonexistent/coffer.conf";

Result<CommandLine> Parse(std::vector<std::string> args, const Environment& environment = {},
                          const std::string& config = kNoConfig) {
  return ParseCommandLine(args, environment, config);
}

MountOptions Mount(std::vector<std::string> args, const Environment& environment = {},
                   const std::string& config = kNoConfig) {
  args.insert(args.begin(), "mount");
  args.insert(args.end(), {"s3://bucket/prefix", "/mnt"});
  auto line = Parse(std::move(args), environment, config);
  if (!line) FAIL(line.error().what);
  return std::get<MountOptions>(line->command);
}

std::string Refusal(std::vector<std::string> args, const Environment& environment = {},
                    const std::string& config = kNoConfig) {
  const auto line = Parse(std::move(args), environment, config);
  REQUIRE_FALSE(line);
  CHECK(line.error().code == Code::kInvalid);
  return line.error().what;
}

std::string MountRefusal(std::vector<std::string> args) {
  args.insert(args.begin(), {"mount", "s3://bucket", "/mnt"});
  return Refusal(std::move(args));
}

class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text) {
    const int fd = mkstemp(path_);
    REQUIRE(fd >= 0);
    close(fd);
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { std::remove(path_); }
  std::string path() const { return path_; }

 private:
  char path_[32] = "/tmp/coffer-options-XXXXXX";
};

TEST_CASE("mount: defaults", "[options]") {
  const MountOptions mount = Mount({});
  CHECK(mount.volume.source == "s3://bucket/prefix");
  CHECK(mount.directory == "/mnt");
  CHECK(mount.memory_limit == 256u << 20);
  CHECK(mount.metadata_ttl == std::chrono::seconds(1));
  CHECK(mount.volume.deadline == Deadline(std::chrono::seconds(300)));
  CHECK(mount.file_mode == 0644);
  CHECK_FALSE(mount.uid);
  CHECK_FALSE(mount.read_only);
}

TEST_CASE("mount: every kind of value", "[options]") {
  const MountOptions mount = Mount({"--region",
                                    "eu-west-1",
                                    "--memory-limit=1G",
                                    "--read-part-size",
                                    "512K",
                                    "--write-part-size",
                                    "16MiB",
                                    "--deadline",
                                    "forever",
                                    "--connect-timeout",
                                    "0.25",
                                    "--first-byte-timeout",
                                    "200ms",
                                    "--umask",
                                    "022",
                                    "--uid",
                                    "7",
                                    "--attributes",
                                    "list",
                                    "--metadata-ttl",
                                    "minimal",
                                    "--negative-metadata-ttl",
                                    "indefinite",
                                    "--connect-to",
                                    "a:443:127.0.0.1:9000",
                                    "--connect-to",
                                    "b:443:127.0.0.1:9001",
                                    "--no-use-arn-region",
                                    "--sse",
                                    "aws:kms",
                                    "--sse-kms-key-id",
                                    "arn:x",
                                    "-f",
                                    "-d",
                                    "--locked-mode",
                                    "keep",
                                    "--lock-unknown",
                                    "unlocked",
                                    "--allow-compliance",
                                    "--special-bits"});
  CHECK(mount.locks.locked_mode == "keep");
  CHECK(mount.locks.unknown == "unlocked");
  CHECK(mount.locks.allow_compliance);
  CHECK(mount.volume.address.region == "eu-west-1");
  CHECK(mount.volume.region_named);
  CHECK(mount.memory_limit == 1u << 30);
  CHECK(mount.read_part_size == 512u << 10);
  CHECK(mount.write_part_size == 16u << 20);
  CHECK_FALSE(mount.volume.deadline);
  CHECK(mount.volume.connect_timeout == std::chrono::milliseconds(250));
  CHECK(mount.volume.first_byte_timeout == std::chrono::milliseconds(200));
  CHECK(mount.umask == 022);
  CHECK(mount.uid == 7u);
  CHECK(mount.attributes == AttributeSource::kList);
  CHECK(mount.metadata_ttl == kMinimal);
  CHECK(mount.negative_metadata_ttl == kIndefinite);
  CHECK(mount.volume.connect_to ==
        std::vector<std::string>{"a:443:127.0.0.1:9000", "b:443:127.0.0.1:9001"});
  CHECK_FALSE(mount.volume.address.use_arn_region);
  CHECK(mount.volume.sse_kms_key_id == "arn:x");
  CHECK(mount.foreground);
  CHECK(mount.debug);
  CHECK(mount.special_bits);
}

TEST_CASE("flag, then environment, then the SDKs' variables, then file", "[options]") {
  const TemporaryFile file(
      "# comment\nregion = from-file\nendpoint_url = \"http://file:1/#x\"\n"
      "read-only\nmemory-limit = 64M # small\n");
  const Environment sdk = {{"AWS_REGION", "from-sdk"}, {"AWS_DEFAULT_REGION", "from-default"}};
  Environment both = sdk;
  both["COFFER_REGION"] = "from-coffer";
  CHECK(Mount({}, {}, file.path()).volume.address.region == "from-file");
  CHECK(Mount({}, sdk, file.path()).volume.address.region == "from-sdk");
  CHECK_FALSE(Mount({}, sdk, file.path()).volume.region_named);
  CHECK(Mount({}, both, file.path()).volume.address.region == "from-coffer");
  CHECK(Mount({"--region", "flag"}, both, file.path()).volume.address.region == "flag");
  CHECK(Mount({"-o", "region=word"}, both, file.path()).volume.address.region == "word");

  const MountOptions mount = Mount({"--config", file.path()});
  CHECK(mount.read_only);
  CHECK(mount.memory_limit == 64u << 20);
  CHECK(mount.volume.address.endpoint_url == "http://file:1/#x");
  CHECK_FALSE(Mount({"-o", "rw"}, {}, file.path()).read_only);
  CHECK_FALSE(Mount({}, {{"COFFER_READ_ONLY", "no"}}, file.path()).read_only);
  CHECK(Mount({}, {{"COFFER_CONFIG", file.path()}}).read_only);
}

TEST_CASE("the SDKs' variables, and below everything the profile", "[options]") {
  const TemporaryFile file(
      "[profile work]\nregion = from-work\nuse_fips_endpoint = true\n"
      "[profile home]\nregion = from-home\n");
  const MountOptions mount = Mount({}, {{"AWS_ENDPOINT_URL", "http://all"},
                                        {"AWS_ENDPOINT_URL_S3", "http://s3"},
                                        {"AWS_CA_BUNDLE", "/ca.pem"},
                                        {"AWS_PROFILE", "work"},
                                        {"AWS_CONFIG_FILE", file.path()},
                                        {"AWS_USE_DUALSTACK_ENDPOINT", "true"},
                                        {"AWS_S3_USE_ARN_REGION", "false"}});
  CHECK(mount.volume.address.endpoint_url == "http://s3");
  CHECK(mount.volume.ca_bundle == "/ca.pem");
  CHECK(mount.volume.profile == "work");
  CHECK_FALSE(mount.volume.profile_named);
  CHECK(mount.volume.address.dual_stack);
  CHECK_FALSE(mount.volume.address.use_arn_region);
  CHECK(mount.volume.address.region == "from-work");
  CHECK(mount.volume.address.fips);
  const Environment env = {{"AWS_CONFIG_FILE", file.path()}, {"COFFER_FIPS", "no"}};
  const MountOptions home = Mount({"--profile", "home", "--dual-stack"}, env);
  CHECK(home.volume.profile_named);
  CHECK(home.volume.address.region == "from-home");
  const TemporaryFile config("region = from-coffer\nprofile = work\n");
  CHECK(Mount({}, env, config.path()).volume.address.region == "from-coffer");
  CHECK_FALSE(Mount({}, env, config.path()).volume.address.fips);
  const auto missing = Parse({"mount", "b", "/m", "--profile", "nobody"}, env);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Code::kDenied);
  const MountOptions ignoring = Mount(
      {}, {{"AWS_ENDPOINT_URL", "http://all"}, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"}});
  CHECK(ignoring.volume.address.endpoint_url.empty());
}

TEST_CASE("-o takes the same names and mount(8)'s", "[options]") {
  const MountOptions mount =
      Mount({"-o", "ro,nosuid,nodev,_netdev,nofail,noauto,user,x-systemd.requires=net.target", "-o",
             "allow_other,nonempty,noexec,nosymfollow,user_agent_prefix=a\\,b,\"ca_bundle=c,d\""});
  CHECK(mount.read_only);
  CHECK(mount.allow_other);
  CHECK(mount.allow_non_empty);
  CHECK(mount.no_exec);
  CHECK(mount.no_symfollow);
  CHECK(mount.volume.user_agent_prefix == "a,b");
  CHECK(mount.volume.ca_bundle == "c,d");
}

TEST_CASE("foreign words get a hint or a note", "[options]") {
  CHECK_THAT(MountRefusal({"-o", "url=http://x"}), Catch::Contains("--endpoint-url"));
  CHECK_THAT(MountRefusal({"-o", "use_path_request_style"}), Catch::Contains("--force-path-style"));
  CHECK_THAT(MountRefusal({"-o", "passwd_file=/x"}), Catch::Contains("~/.aws/credentials"));
  CHECK_THAT(MountRefusal({"-o", "suid"}), Catch::Contains("nosuid"));
  CHECK_THAT(MountRefusal({"--access-key", "AKIA"}), Catch::Contains("never taken"));
  CHECK_THAT(MountRefusal({"--memory-target=512"}), Catch::Contains("--memory-limit"));

  const auto line = Parse({"mount", "b", "/mnt", "--allow-delete", "--maximum-throughput-gbps",
                           "10", "-o", "allow_overwrite"});
  REQUIRE(line);
  CHECK(std::get<MountOptions>(line->command).volume.source == "b");
  CHECK(line->notes.size() == 3);
}

TEST_CASE("mistakes are named, with the nearest word", "[options]") {
  CHECK_THAT(MountRefusal({"--regoin", "x"}), Catch::Contains("did you mean --region?"));
  CHECK_THAT(MountRefusal({"--read-onyl"}), Catch::Contains("did you mean --read-only?"));
  CHECK_THAT(MountRefusal({"-o", "alow_other"}), Catch::Contains("did you mean -o allow-other?"));
  CHECK_THAT(MountRefusal({"--zzzzzzzz"}), Catch::Contains("coffer mount --help"));
  CHECK_THAT(MountRefusal({"--memory-limit", "lots"}), Catch::Contains("takes a size"));
  CHECK_THAT(MountRefusal({"--memory-limit", "1K"}), Catch::Contains("32M"));
  CHECK_THAT(MountRefusal({"--write-part-size", "1M"}), Catch::Contains("from 5M to 1G"));
  CHECK_THAT(MountRefusal({"--write-part-size", "200M"}), Catch::Contains("half"));
  CHECK_THAT(MountRefusal({"--file-mode", "0999"}), Catch::Contains("octal"));
  CHECK_THAT(MountRefusal({"--deadline", "never"}), Catch::Contains("forever"));
  CHECK_THAT(MountRefusal({"--sse", "aws"}), Catch::Contains("AES256"));
  CHECK_THAT(MountRefusal({"--sse-kms-key-id", "k"}), Catch::Contains("--sse aws:kms"));
  CHECK_THAT(MountRefusal({"--region"}), Catch::Contains("--region"));
  CHECK_THAT(MountRefusal({"-o", "region"}), Catch::Contains("needs a value"));
  CHECK_THAT(MountRefusal({"-o", "\"region=x"}), Catch::Contains("quote"));
  CHECK_THAT(MountRefusal({"extra"}), Catch::Contains("usage: coffer mount"));
  for (const char* nameless : {"---", "--=x", "-=x", "---=x"})
    CHECK_FALSE(MountRefusal({nameless}).empty());
  CHECK_THAT(MountRefusal({"--json"}), Catch::Contains("does not apply"));
  CHECK_THAT(Refusal({"mout"}), Catch::Contains("did you mean mount?"));
  CHECK_THAT(Refusal({"mount", "b"}), Catch::Contains("usage: coffer mount [OPTIONS] SOURCE DIR"));
  CHECK_THAT(Refusal({}), Catch::Contains("mount"));
  CHECK_THAT(Refusal({"mount", "b", "/m", "--config", kNoConfig}),
             Catch::Contains("cannot be read"));

  const TemporaryFile file("\nregoin = x\n");
  CHECK_THAT(Refusal({"mount", "b", "/m"}, {}, file.path()),
             Catch::Contains(file.path() + ":2: 'regoin' is no option; did you mean region?"));
  const TemporaryFile bad("umask = 9\n");
  CHECK_THAT(Refusal({"mount", "b", "/m"}, {}, bad.path()),
             Catch::Contains(bad.path() + ":1 takes"));
}

TEST_CASE("whether reading alone was asked for, either way", "[options]") {
  CHECK_FALSE(Mount({}).read_only_named);
  CHECK(Mount({"--read-only"}).read_only_named);
  CHECK(Mount({"--read-only=false"}).read_only_named);
  CHECK_FALSE(Mount({"--read-only=false"}).read_only);
  CHECK(Mount({"-o", "ro"}).read_only_named);
  // mount(8) gives this word to whatever is in fstab.
  CHECK_FALSE(Mount({"-o", "rw"}).read_only_named);
  CHECK(Mount({}, {{"COFFER_READ_ONLY", "no"}}).read_only_named);
}

TEST_CASE("COFFER_ variables that are no option", "[options]") {
  CHECK_THAT(Refusal({"mount", "b", "/m"}, {{"COFFER_READONLY", "1"}}),
             Catch::Contains("COFFER_READONLY is no option; did you mean COFFER_READ_ONLY?"));
  const auto other = Parse({"mount", "b", "/m"}, {{"COFFER_WORKING_COPY_OF_MINE", "x"}});
  REQUIRE(other);
  REQUIRE(other->notes.size() == 1);
  CHECK_THAT(other->notes[0], Catch::Contains("COFFER_WORKING_COPY_OF_MINE is no option"));
  const auto tests =
      Parse({"mount", "b", "/m"}, {{"COFFER_TEST_REGION", "x"}, {"COFFER_TEST_ENDPOINT_URL", "y"}});
  REQUIRE(tests);
  CHECK(tests->notes.empty());
  CHECK(std::get<MountOptions>(tests->command).volume.address.region.empty());
  // Of another command, or of one that must work whatever the environment holds.
  CHECK(Parse({"resolve", "b"}, {{"COFFER_READ_ONLY", "1"}})->notes.empty());
  CHECK(Parse({"umount", "/m"}, {{"COFFER_READONLY", "1"}}));
}

TEST_CASE("the other commands", "[options]") {
  const auto resolve = Parse({"resolve", "--json", "--fips", "bucket"});
  REQUIRE(resolve);
  CHECK(std::get<ResolveOptions>(resolve->command).json);
  CHECK(std::get<ResolveOptions>(resolve->command).address.fips);
  const auto status = Parse({"status"});
  REQUIRE(status);
  CHECK(std::get<StatusOptions>(status->command).directory.empty());
  const auto remove = Parse({"rm", "-r", "-y", "/mnt/a"});
  REQUIRE(remove);
  CHECK(std::get<RemoveOptions>(remove->command).recursive);
  CHECK(std::get<RemoveOptions>(remove->command).yes);
  CHECK(std::get<RemoveOptions>(remove->command).path == "/mnt/a");
  const auto dashed = Parse({"rm", "-r", "--", "--json"});
  REQUIRE(dashed);
  CHECK(std::get<RemoveOptions>(dashed->command).path == "--json");
  CHECK_FALSE(std::get<RemoveOptions>(dashed->command).json);
  const auto doctor = Parse({"doctor", "b", "--write-test"});
  REQUIRE(doctor);
  CHECK(std::get<DoctorOptions>(doctor->command).write_test);
  const auto umount = Parse({"umount", "/mnt"});
  REQUIRE(umount);
  CHECK(std::get<UmountOptions>(umount->command).directory == "/mnt");
  const auto key = Parse({"key", "add", "s3://b/v", "kms-key=arn", "-y", "--key-file", "/k"});
  REQUIRE(key);
  CHECK(std::get<KeyCommandOptions>(key->command).action == KeyAction::kAdd);
  CHECK(std::get<KeyCommandOptions>(key->command).volume.source == "s3://b/v");
  CHECK(std::get<KeyCommandOptions>(key->command).operands ==
        std::vector<std::string>{"kms-key=arn"});
  CHECK(std::get<KeyCommandOptions>(key->command).keys.key_file == "/k");
  CHECK(std::get<KeyCommandOptions>(key->command).yes);
  for (const std::vector<std::string>& bad : std::vector<std::vector<std::string>>{
           {"key", "b", "x"},
           {"key", "list", "b", "x"},
           {"key", "add", "b"},
           {"key", "list"},
           {"init", "b", "--yes"},
           {"init", "b", "--rebuild-descriptor", "--header-size=1024"}}) {
    CHECK(Parse(bad).error().code == Code::kInvalid);
  }
  const auto reseal = Parse({"reseal", "b", "--dry-run", "--adopt-plaintext"});
  REQUIRE(reseal);
  CHECK(std::get<ResealOptions>(reseal->command).dry_run);
  CHECK(std::get<ResealOptions>(reseal->command).adopt_plaintext);
  // A file for all commands may set what one of them does not know.
  const TemporaryFile file("memory-limit = 64M\nregion = x\n");
  CHECK(Parse({"resolve", "b"}, {}, file.path()));
}

TEST_CASE("the commands that look at sealed volumes", "[options]") {
  const auto verify = Parse({"verify", "s3://b/p", "--resume", "--json", "--kms-key", "alias/a",
                             "--name-binding=warn", "--max-threads", "3"});
  REQUIRE(verify);
  const auto& v = std::get<VerifyOptions>(verify->command);
  CHECK(v.path == "s3://b/p");
  CHECK(v.resume);
  CHECK(v.json);
  CHECK(v.keys.kms_keys == std::vector<std::string>{"alias/a"});
  CHECK(v.name_binding == "warn");
  CHECK(v.volume.max_threads == 3);
  const auto inspect = Parse({"inspect", "-", "--recovery-private-key", "k.pem"});
  REQUIRE(inspect);
  CHECK(std::get<InspectOptions>(inspect->command).path == "-");
  CHECK(std::get<InspectOptions>(inspect->command).keys.recovery_private_key == "k.pem");
  const auto rebind = Parse({"rebind", "-rny", "s3://b/p/f"});
  REQUIRE(rebind);
  const auto& r = std::get<RebindOptions>(rebind->command);
  CHECK(r.path == "s3://b/p/f");
  CHECK(r.recursive);
  CHECK(r.dry_run);
  CHECK(r.yes);
  CHECK_FALSE(Parse({"rebind", "s3://b/p", "--recovery-private-key", "k.pem"}));
  CHECK_FALSE(Parse({"verify", "s3://b/p", "--yes"}));
}

TEST_CASE("help fits a terminal and names every option", "[options]") {
  for (const CommandSpec& command : Commands()) {
    const auto line = Parse({std::string(command.name), "--help"});
    REQUIRE(line);
    const std::string text = std::get<ShowText>(line->command).text;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
      INFO(text.substr(begin, end - begin));
      CHECK(end - begin <= 80);
    }
    for (const OptionSpec& option : Options()) {
      if ((option.commands & command.bit) != 0)
        CHECK_THAT(text, Catch::Contains("--" + std::string(option.name)));
    }
  }
}

TEST_CASE("nearest name", "[options]") {
  const std::vector<std::string_view> words = {"region", "profile", "prefix"};
  CHECK(Nearest("regoin", words) == "region");
  CHECK(Nearest("prefx", words) == "prefix");
  CHECK(Nearest("qqqq", words).empty());
}

TEST_CASE("options: --s3ec takes keys, and goes with nothing that seals or writes") {
  const MountOptions off = Mount({});
  CHECK(off.s3ec == "off");
  CHECK(off.s3ec_max_size == 1u << 30);
  const MountOptions on = Mount({"--s3ec=v2", "--s3ec-max-size", "5M", "--kms-key", "alias/a",
                                 "--encryption-context", "a=b"});
  CHECK(on.s3ec == "v2");
  CHECK(on.s3ec_max_size == 5u << 20);
  CHECK(on.encryption_context == std::vector<std::string>{"a=b"});
  CHECK(Mount({"--s3ec=v1", "--aes-key", "n/m=f", "--sealed=no"}).s3ec == "v1");
  const auto refused = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"--s3ec=v3", "--key-file", "f"});
    return MountRefusal(std::move(more));
  };
  CHECK_THAT(MountRefusal({"--s3ec=v4"}), Catch::Contains("v3"));
  CHECK_THAT(MountRefusal({"--s3ec=v3"}), Catch::Contains("needs the keys"));
  CHECK_THAT(MountRefusal({"--s3ec-max-size", "1G"}), Catch::Contains("is for --s3ec"));
  CHECK_THAT(MountRefusal({"--encryption-context", "a=b"}), Catch::Contains("is for --s3ec"));
  CHECK_THAT(refused({"--sealed=yes"}), Catch::Contains("plain volume"));
  CHECK_THAT(refused({"--name-binding=off"}), Catch::Contains("sealed volumes"));
  CHECK_THAT(refused({"--recovery-private-key", "f"}), Catch::Contains("--rsa-key"));
  CHECK_THAT(refused({"--attributes=list"}), Catch::Contains("--attributes=exact"));
  CHECK_THAT(refused({"--read-only=false"}), Catch::Contains("only reads"));
}

TEST_CASE("options: locks that a mount sets, and how far they reach") {
  const LockOptions off = Mount({}).locks;
  CHECK(off.rules.empty());
  CHECK(off.longest_s == 400 * 86'400);
  CHECK(off.worm == "off");
  CHECK(off.locked == "refuse");
  const LockOptions on =
      Mount({"--lock-rule", "a=none", "--lock-rule=**=compliance:2y", "--lock-max", "1000d",
             "--allow-compliance", "--no-builtin-exemptions", "--lock-unverified=allow",
             "--autolock", "1h=governance:1d", "--worm=snaplock", "--worm-retention",
             "governance:7d", "--worm-atime", "--locked=versioned"})
          .locks;
  CHECK(on.rules == std::vector<std::string>{"a=none", "**=compliance:2y"});
  CHECK(on.longest_s == 1000 * 86'400);
  CHECK(on.no_builtin_exemptions);
  CHECK(on.unverified == "allow");
  CHECK(on.autolock == "1h=governance:1d");
  CHECK(on.worm == "snaplock");
  CHECK(on.worm_retention == "governance:7d");
  CHECK(on.worm_atime);
  CHECK(on.locked == "versioned");
  const std::vector<std::pair<std::vector<std::string>, std::string>> rows = {
      {{"--lock-rule", "**"}, "GLOB=MODE:DURATION"},
      {{"--lock-rule", "**=governance:401d"}, "--lock-max"},
      {{"--lock-rule", "**=compliance:1d"}, "--allow-compliance"},
      {{"--lock-max", "400"}, "is no duration"},
      {{"--autolock", "governance:1d"}, "IDLE=MODE:DURATION"},
      {{"--autolock", "5=governance:1d"}, "the time to rest"},
      {{"--autolock", "1h=governance:2y"}, "--lock-max"},
      {{"--worm-retention", "governance:1d"}, "--worm=snaplock"},
      {{"--worm-atime"}, "--worm=snaplock"},
      {{"--worm=snaplock", "--worm-retention", "compliance:1d"}, "--allow-compliance"},
  };
  for (const auto& [words, why] : rows) {
    INFO(words.front());
    CHECK_THAT(MountRefusal(words), Catch::Contains(why));
  }
  const auto init =
      Parse({"init", "s3://b", "--lock-rule", "**=governance:1d", "--lock-max", "2d"});
  REQUIRE(init);
  CHECK(std::get<InitOptions>(init->command).lock_rules.size() == 1);
  CHECK_THAT(Refusal({"init", "s3://b", "--lock-rule", "**=governance:3d", "--lock-max", "2d"}),
             Catch::Contains("--lock-max"));
}

TEST_CASE("options: versions") {
  const auto line = Parse({"versions", "s3://b/f", "--restore", "ID", "--locked=versioned"});
  REQUIRE(line);
  const auto& versions = std::get<VersionsOptions>(line->command);
  CHECK(versions.file == "s3://b/f");
  CHECK(versions.restore == "ID");
  CHECK(versions.locked == "versioned");
  CHECK_FALSE(versions.hidden);
  const auto hidden = Parse({"versions", "-r", "--hidden", "--json", "s3://b/d"});
  REQUIRE(hidden);
  CHECK(std::get<VersionsOptions>(hidden->command).hidden);
  CHECK(std::get<VersionsOptions>(hidden->command).locked == "refuse");
  CHECK(Refusal({"versions", "-r", "s3://b/d"}).find("go together") != std::string::npos);
  CHECK(Refusal({"versions", "--hidden", "s3://b/d"}).find("go together") != std::string::npos);
  CHECK(Refusal({"versions", "s3://b/d", "--restore", ""}).find("ID") != std::string::npos);
  CHECK(Refusal({"versions", "s3://b/d", "--restore", "a", "--restore", "b"}).find("once") !=
        std::string::npos);
}

}  // namespace coffer::fs::options_test
