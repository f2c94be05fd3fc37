// The command line, the environment and the configuration file as plain structs; no other effect
// than reading the configuration files. The only door to CLI11 is options.cc.
//
// Precedence: flag (-o included), environment (COFFER_*, then the AWS SDKs' AWS_*), --config file
// or /etc/coffer.conf, the profile of ~/.aws/config, default. Secrets are never taken
// from the command line.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "crypto/result.h"
#include "fs/key_options.h"
#include "fs/lock_access.h"
#include "fs/lock_duration.h"
#include "fs/path_glob.h"
#include "s3client/target.h"

namespace coffer::fs {

// How long to try without any progress; nothing: forever.
using Deadline = std::optional<std::chrono::milliseconds>;

// What it takes to reach a bucket and to write objects into it: for every command with a SOURCE.
struct VolumeOptions {
  std::string source;
  s3::AddressOptions address;
  bool region_named = false;            // by the user, to coffer: then another Region is a mistake
  std::vector<std::string> connect_to;  // HOST:PORT:HOST:PORT, as curl's --connect-to
  std::string ca_bundle;

  std::string profile;
  bool profile_named = false;  // by a flag: then it comes before keys in the environment
  bool no_sign_request = false;

  bool requester_pays = false;
  std::string expected_bucket_owner;
  std::string storage_class;
  std::string sse;  // "", "AES256", "aws:kms", "aws:kms:dsse"
  std::string sse_kms_key_id;
  std::string sse_customer_key_file;
  bool unsigned_payload = false;
  std::string user_agent_prefix;
  std::string control_endpoint_url;  // of S3 Control, where it is not AWS's own

  Deadline deadline = std::chrono::seconds(300);
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds first_byte_timeout{20'000};
  std::chrono::milliseconds low_speed_time{30'000};
  std::uint64_t low_speed_limit = 1024;  // bytes per second

  std::size_t max_threads = 64;  // requests at once
  std::string state_dir;         // "": /var/lib/coffer, for users $XDG_STATE_HOME/coffer
};

enum class AttributeSource { kExact, kList };

struct MountOptions {
  VolumeOptions volume;
  std::string directory;

  KeyOptions keys;
  std::string sealed = "auto";  // "yes", "no"
  std::string name_binding;     // "": as the volume's descriptor says; "strict", "warn", "off"

  // Objects of the S3 Encryption Client in a plain volume: the oldest version that is read.
  std::string s3ec = "off";                       // "v3", "v2", "v1"
  std::uint64_t s3ec_max_size = 1u << 30;         // of an object, which is read whole
  std::vector<std::string> encryption_context{};  // NAME=VALUE that these objects have

  bool foreground = false;
  bool debug = false;
  std::string log_directory;  // "": standard error, after detaching syslog

  std::string at;  // the moment whose files are shown (fs/point_in_time.h); "": now
  bool read_only = false;
  bool read_only_named = false;  // either way, other than by fstab's "rw", which says nothing
  bool allow_other = false;
  bool allow_root = false;
  bool allow_non_empty = false;
  bool no_exec = false;
  bool no_symfollow = false;

  std::optional<std::uint32_t> uid;  // nothing: the user who mounts
  std::optional<std::uint32_t> gid;
  std::uint32_t umask = 0;
  std::uint32_t file_mode = 0644;
  std::uint32_t dir_mode = 0755;
  bool special_bits = false;

  AttributeSource attributes = AttributeSource::kExact;
  std::chrono::milliseconds metadata_ttl{1000};
  std::optional<std::chrono::milliseconds> negative_metadata_ttl;  // nothing: as metadata_ttl
  bool strict_excl = false;
  LockOptions locks;
  bool infer_content_type = false;

  std::uint64_t memory_limit = 256u << 20;
  std::uint64_t read_part_size = 8u << 20;
  std::uint64_t write_part_size = 8u << 20;
  std::uint64_t bucket_size = 1ull << 50;
  std::string rescue_dir;  // "": below the state directory
  std::string index_dir;   // "": /var/cache/coffer, for users $XDG_CACHE_HOME/coffer
  std::uint64_t index_limit = 1ull << 30;
};

struct UmountOptions {
  std::string directory;
};

struct StatusOptions {
  std::string directory;  // "": every coffer mount
  bool json = false;
};

struct DoctorOptions {
  VolumeOptions volume;
  KeyOptions keys;
  bool json = false;
  bool write_test = false;  // also tries what writes, and removes it again
};

struct ResolveOptions {
  std::string source;
  s3::AddressOptions address;
  bool json = false;
};

struct RemoveOptions {
  VolumeOptions volume;
  std::string path;  // below a coffer mount, or an address with a key
  bool recursive = false;
  bool whole_bucket = false;  // what "" as a prefix means is meant
  bool yes = false;           // do not ask
  bool json = false;
};

struct InitOptions {
  VolumeOptions volume;
  KeyOptions keys;
  std::string new_recovery_key;  // a file to make
  bool no_recovery_key = false;
  bool allow_non_empty = false;
  std::string header_size;  // "": as small as fits
  std::string name_binding = "strict";
  std::vector<std::string> encryption_context;  // NAME=VALUE
  std::vector<std::string> lock_rules;          // GLOB=MODE:DURATION, of every mount
  std::int64_t longest_lock_s = kLongestLockS;
  bool rebuild_descriptor = false;  // of a volume that has lost it
  bool yes = false;
};

enum class KeyAction { kList, kAdd, kRemove };

// `coffer key`.
struct KeyCommandOptions {
  VolumeOptions volume;
  KeyOptions keys;  // that are at hand
  KeyAction action = KeyAction::kList;
  std::vector<std::string> operands;  // keys to add or to remove (fs/key_operand.h)
  bool no_recovery_key = false;
  bool yes = false;
  bool json = false;
};

struct ResealOptions {
  VolumeOptions volume;
  KeyOptions keys;
  bool dry_run = false;
  bool adopt_plaintext = false;
  bool yes = false;
  bool json = false;
};

// `coffer seal` and `coffer open`.
struct MessageOptions {
  VolumeOptions volume;  // Region and credentials, for KMS
  KeyOptions keys;
  bool open = false;
  std::string input = "-";
  std::string output = "-";
  std::vector<std::string> encryption_context;
  std::string commitment_policy = "require-encrypt-require-decrypt";
  std::size_t max_encrypted_data_keys = 0;  // no limit
};

struct VerifyOptions {
  VolumeOptions volume;
  KeyOptions keys;
  std::string path;          // an address, or a directory of a mount
  std::string name_binding;  // "": as the volume's descriptor says
  bool resume = false;       // where an unfinished run stopped
  bool json = false;
};

struct InspectOptions {
  VolumeOptions volume;
  KeyOptions keys;
  std::string path;  // an address with a key, a path in a mount, a local file, or "-"
  bool json = false;
};

struct RebindOptions {
  VolumeOptions volume;
  KeyOptions keys;
  std::string path;  // an address, or a path in a mount
  bool recursive = false;
  bool dry_run = false;
  bool yes = false;  // do not ask
  bool json = false;
};

enum class LockAction { kLock, kExtend, kHold, kUnlock, kReport };

// --require GLOB=MODE:DURATION
struct LockRequirement {
  std::string text;
  PathGlob glob;
  LockTerm term;
};

// `coffer lock`, `coffer hold` and `coffer unlock`.
struct LockCommandOptions {
  VolumeOptions volume;
  LockAction action = LockAction::kLock;
  std::vector<std::string> names;        // addresses, paths in a mount, or patterns (kExtend)
  std::string mode;                      // "", "GOVERNANCE", "COMPLIANCE"
  std::optional<std::int64_t> until_s;   // --until
  std::optional<std::int64_t> period_s;  // --for, --extend
  std::int64_t if_less_than_s = 0;       // kExtend
  std::optional<bool> hold;
  std::int64_t longest_s = 0;             // --lock-max
  std::vector<LockRequirement> required;  // kReport
  bool recursive = false;
  bool dry_run = false;
  bool yes = false;  // compliance is meant
  bool csv = false;  // kReport
  bool json = false;
};

// `coffer share`.
struct ShareOptions {
  VolumeOptions volume;
  std::string path;  // an address with a key, or a file in a mount
  std::chrono::milliseconds expires = std::chrono::hours(1);
  std::string method = "GET";  // "PUT"
  std::string download_as;
  std::string version;  // "": the current one
  bool ciphertext = false;
  bool json = false;
};

enum class BucketSetting { kCors, kEncryption, kLogging, kVersioning, kLockDefault, kLifecycle };

// `coffer cors`, `encryption`, `logging`, `versioning`, `lock-default` and `lifecycle`.
struct SettingOptions {
  VolumeOptions volume;  // `sse` and `sse_kms_key_id` are what encryption sets
  BucketSetting setting = BucketSetting::kCors;
  std::string action;               // "show", "set", ...
  std::string retention;            // lock-default set: MODE:DURATION
  std::vector<std::string> origin;  // cors, and the next four
  std::vector<std::string> method;
  std::vector<std::string> header;
  std::vector<std::string> expose;
  std::chrono::milliseconds max_age{0};  // 0: the browser's own
  bool bucket_key = false;               // encryption
  std::string to;                        // logging: s3://BUCKET/PREFIX
  bool add_statement = false;            // logging: to the policy of that bucket
  bool enable_object_lock = false;       // lock-default
  bool dry_run = false;
  bool yes = false;
  bool json = false;
};

// `coffer policy`.
struct PolicyOptions {
  VolumeOptions volume;  // `sse` and `sse_kms_key_id` are what the rule encryption demands
  std::string action;    // "show", "add", "remove", "test"
  std::string rule;
  std::string account;  // of the bucket; "": the caller's own
  std::string min;
  std::string max;
  std::vector<std::string> except;
  bool lock_me_out = false;
  std::string principal;  // test, and the next five
  std::string s3_action;
  std::string key;
  std::string through;  // an access point
  bool insecure = false;
  std::vector<std::string> header;  // NAME=VALUE
  bool dry_run = false;
  bool yes = false;
  bool json = false;
};

// `coffer access-point`.
struct AccessPointOptions {
  VolumeOptions volume;   // without a source
  std::string action;     // "create", "list", "show", "delete", "grant", "revoke", "policy"
  std::string name;       // or an ARN; "" for list
  std::string bucket;     // create, list
  std::string account;    // of the access point; "": the caller's own
  std::string vpc;        // create
  std::string block;      // create: "", "all", "none", or AWS's names with commas between
  std::string principal;  // grant, revoke
  std::vector<std::string> allow;
  std::string prefix;
  std::string set;  // policy: the file that becomes it
  bool lock_me_out = false;
  bool dry_run = false;
  bool yes = false;
  bool json = false;
};

// `coffer versions`.
struct VersionsOptions {
  VolumeOptions volume;
  std::string file;               // an address, or a path in a mount, that need not be there now
  std::string restore;            // the version to make current again; "" to show them
  std::string locked = "refuse";  // "versioned": what lies over a locked current version
  bool hidden = false;            // what is hidden below the directory `file`
  bool json = false;
};

// `coffer restore`.
struct RestoreOptions {
  VolumeOptions volume;
  std::vector<std::string> names;  // addresses, or paths in a mount
  std::string version;             // "": the current one
  std::size_t days = 7;            // that what was restored stays readable for
  std::string tier = "Standard";   // "Bulk", "Expedited"
  bool recursive = false;
  bool wait = false;  // until all of it can be read
  bool dry_run = false;
  bool json = false;
};

// Print it to standard output, done: --help, --version.
struct ShowText {
  std::string text;
};

using Command = std::variant<ShowText, MountOptions, UmountOptions, StatusOptions, DoctorOptions,
                             ResolveOptions, RemoveOptions, InitOptions, KeyCommandOptions,
                             ResealOptions, MessageOptions, VerifyOptions, InspectOptions,
                             RebindOptions, LockCommandOptions, ShareOptions, SettingOptions,
                             PolicyOptions, AccessPointOptions, VersionsOptions, RestoreOptions>;

struct CommandLine {
  Command command;
  std::vector<std::string> notes;  // for people, one line each: what was accepted and needs nothing
};

using Environment = std::map<std::string, std::string>;

// `args` without the program's name. kInvalid (exit code 2) with what is wrong and what to type
// instead; kDenied for a profile that does not exist. `default_config` may be missing, a file named
// by --config may not.
Result<CommandLine> ParseCommandLine(const std::vector<std::string>& args,
                                     const Environment& environment,
                                     const std::string& default_config = "/etc/coffer.conf");

}  // namespace coffer::fs
