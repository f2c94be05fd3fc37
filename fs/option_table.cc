#include "fs/option_table.h"

namespace coffer::fs {
namespace {

constexpr unsigned kMessages = kForSeal | kForOpen;
constexpr unsigned kRekeying = kForKey | kForReseal;
constexpr unsigned kOnSealed = kForVerify | kForInspect | kForRebind;
constexpr unsigned kLocking = kForLock | kForHold | kForUnlock;
constexpr unsigned kOnPolicies = kForPolicy | kForAccessPoint;
constexpr unsigned kOnObjects = kForMount | kForDoctor | kForRemove | kForInit | kRekeying |
                                kOnSealed | kLocking | kForVersions | kForRestore;
constexpr unsigned kNetwork = kOnObjects | kForShare | kSetting;
constexpr unsigned kAddress = kNetwork | kForResolve;
constexpr unsigned kAsking = kNetwork | kMessages;  // KMS is asked without a bucket, too
constexpr unsigned kWriting = kForMount | kForDoctor | kForInit | kRekeying;
constexpr unsigned kReading = kForVerify | kForInspect;
constexpr unsigned kKeys = kForMount | kForDoctor | kForInit | kRekeying | kMessages | kOnSealed;
constexpr unsigned kEverything = ~0u;

constexpr std::uint64_t kKiB = 1u << 10;
constexpr std::uint64_t kMebibyte = 1u << 20;
constexpr std::uint64_t kGiB = 1u << 30;

constexpr std::string_view kWhere = "Where the bucket is";
constexpr std::string_view kWho = "Who asks";
constexpr std::string_view kObjects = "Objects that are written";
constexpr std::string_view kTheBucket = "Links and settings";
constexpr std::string_view kSealing = "Keys and sealing";
constexpr std::string_view kFiles = "What files look like";
constexpr std::string_view kAccess = "Who may what";
constexpr std::string_view kLocks = "Locked files";
constexpr std::string_view kTime = "Freshness and patience";
constexpr std::string_view kLimits = "Limits";
constexpr std::string_view kRunning = "Running";

constexpr std::string_view kEncryption[] = {"AES256", "aws:kms", "aws:kms:dsse"};
constexpr std::string_view kSealedModes[] = {"auto", "yes", "no"};
constexpr std::string_view kLockedFiles[] = {"refuse", "versioned"};
constexpr std::string_view kLockedModes[] = {"strip", "keep"};
constexpr std::string_view kUnseenLocks[] = {"locked", "unlocked"};
constexpr std::string_view kHoldStates[] = {"ON", "OFF"};
constexpr std::string_view kWormModes[] = {"off", "snaplock"};
constexpr std::string_view kUnverified[] = {"refuse", "allow"};
constexpr std::string_view kBindingWords[] = {"strict", "warn", "off"};
constexpr std::string_view kHeaderSizeWords[] = {"1024", "2048", "4096", "8192"};
constexpr std::string_view kS3ecModes[] = {"off", "v3", "v2", "v1"};
constexpr std::string_view kTiers[] = {"Bulk", "Standard", "Expedited"};
constexpr std::string_view kPolicies[] = {"forbid-encrypt-allow-decrypt",
                                          "require-encrypt-allow-decrypt",
                                          "require-encrypt-require-decrypt"};

constexpr CommandSpec kCommands[] = {
    {"mount", kForMount, "SOURCE DIR",
     "Show a bucket, or a prefix of it, as the directory DIR; SOURCE is a bucket name,\n"
     "s3://BUCKET/PREFIX, an access-point ARN or alias, or s3://ARN/PREFIX.",
     2, 2},
    {"umount", kForUmount, "DIR", "Store what is unsent, with progress, and unmount DIR.", 1, 1},
    {"status", kForStatus, "[DIR]",
     "How a mount (or every one) is doing.\nExit code 0: healthy, 1: degraded, 3: not alive.", 0,
     1},
    {"doctor", kForDoctor, "SOURCE", "What works with this address, what does not, what to change.",
     1, 1},
    {"resolve", kForResolve, "SOURCE", "What an address means; asks nobody.", 1, 1},
    {"rm", kForRemove, "PATH",
     "Remove a file, with -r a whole tree, many objects at a time.\nPATH is in a mount, or "
     "s3://BUCKET/KEY.",
     1, 1},
    {"init", kForInit, "SOURCE",
     "Make a sealed volume: every byte is encrypted here, under the keys named;\nwithout them it "
     "cannot be read again.",
     1, 1},
    {"key", kForKey, "list|add|remove SOURCE [KEY...]",
     "The keys that seal new files of a volume.\nKEY to add: kms-key=ARN, key-file=FILE, "
     "aes-key=NS/N=FILE, rsa-key=NS/N:P=FILE,\nrecovery-key=FILE or new-recovery-key=FILE; to "
     "remove: as list shows it.",
     2, 100},
    {"reseal", kForReseal, "SOURCE",
     "Move all files of a sealed volume to its present keys; can be interrupted and\nbegun again.",
     1, 1},
    {"seal", kForSeal, "",
     "Encrypt a file or a pipe as an AWS Encryption SDK message, under all keys named.", 0, 0},
    {"open", kForOpen, "", "Decrypt an AWS Encryption SDK message, by any of the keys named.", 0,
     0},
    {"verify", kForVerify, "SOURCE",
     "Read and authenticate a sealed volume, or what is below a prefix or a directory\nof it; name "
     "what is damaged. Changes nothing.",
     1, 1},
    {"inspect", kForInspect, "FILE",
     "What a sealed object says of itself; with a key, what of it is true.\nFILE is "
     "s3://BUCKET/KEY, "
     "a path in a mount, a local file with a message, or -.",
     1, 1},
    {"rebind", kForRebind, "PATH",
     "Take sealed objects for what they are called now, after another tool moved them.\nPATH is in "
     "a mount, or s3://BUCKET/KEY.",
     1, 1},
    {"lock", kForLock, "FILE...",
     "Lock the current versions of files by Object Lock, extend such locks, or report\nthem. FILE "
     "is in a mount, or s3://BUCKET/KEY; with --extend a pattern in quotes,\nwith --report any "
     "part "
     "of a volume.",
     1, 100'000},
    {"hold", kForHold, "on|off FILE...",
     "Put a legal hold on the current versions of files, or take it off.", 2, 100'000},
    {"unlock", kForUnlock, "FILE...",
     "Take governance retention off the current versions of files.", 1, 100'000},
    {"share", kForShare, "FILE",
     "A link that lets whoever has it fetch one file, for a while.\nFILE is in a mount, or "
     "s3://BUCKET/KEY.",
     1, 1},
    {"cors", kForCors, "show|allow|remove|check SOURCE",
     "Which web pages may load files of a bucket; check asks as a browser would and\nexplains the "
     "answer.",
     2, 2},
    {"encryption", kForEncryption, "show|set SOURCE",
     "How a bucket encrypts what is stored without further words.", 2, 2},
    {"logging", kForLogging, "show|set|off SOURCE", "Where a bucket's access log goes.", 2, 2},
    {"versioning", kForVersioning, "show|on SOURCE",
     "Whether a bucket keeps what is overwritten or deleted.", 2, 2},
    {"lock-default", kForLockDefault, "show|set SOURCE [MODE:DURATION]",
     "The retention that every new object of a bucket gets: governance:30d,\ncompliance:1y, or "
     "none.",
     2, 3},
    {"policy", kForPolicy, "show|add|remove|test SOURCE [RULE]",
     "What a bucket's policy says, and rules that are added to it.\nRULE: delegate, "
     "only-access-points, tls, encryption, names, versions,\nretention-bounds.",
     2, 3},
    {"access-point", kForAccessPoint, "create|list|show|delete|grant|revoke|policy [NAME]",
     "Doors to a bucket, and who may do what through each; NAME is a name or an ARN.\ncreate and "
     "list take --bucket, grant takes --principal and --allow.",
     1, 2},
    {"lifecycle", kForLifecycle, "suggest SOURCE",
     "The rule that bounds old versions and unfinished uploads; sets nothing.", 2, 2},
    {"versions", kForVersions, "FILE",
     "Show the versions of a file, removed or not, newest first; with --restore make\none current "
     "again; with -r --hidden DIR show what is hidden below a directory.\nFILE is in a mount, or "
     "s3://BUCKET/KEY.",
     1, 1},
    {"restore", kForRestore, "FILE...",
     "Make archived files readable again, for a while; it takes minutes to days.\nFILE is in a "
     "mount, or s3://BUCKET/KEY.",
     1, 100'000},
};

s3::AddressOptions& Address(Draft& draft) { return draft.mount.volume.address; }
VolumeOptions& VolumeOf(Draft& draft) { return draft.mount.volume; }
KeyOptions& Keys(Draft& draft) { return draft.mount.keys; }

Slot TextIn(std::string& field) { return TextSlot{&field}; }
Slot List(std::vector<std::string>& field) { return ListSlot{&field}; }
Slot ChoiceOf(std::string& field, std::span<const std::string_view> choices) {
  return ChoiceSlot{&field, choices};
}
Slot Switch(bool& field, bool on = true) { return SwitchSlot{&field, on}; }
Slot Size(std::uint64_t& field, std::uint64_t least, std::uint64_t most) {
  return SizeSlot{&field, least, most};
}
Slot Count(std::size_t& field, std::size_t most) { return CountSlot{&field, most}; }
Slot Mode(std::uint32_t& field, std::uint32_t most = 07777) { return ModeSlot{&field, most}; }

// One row an option. Help texts stay within the 80 columns of a terminal.
constexpr OptionSpec kOptions[] = {
    {"prefix", 0, kOnObjects | kForResolve | kForShare | kForCors | kForLifecycle | kOnPolicies,
     "PREFIX", kWhere, "use only keys below PREFIX",
     [](Draft& d) -> Slot { return TextIn(Address(d).prefix); }},
    {"region", 0, kAddress | kMessages, "REGION", kWhere,
     "AWS Region; found by itself if not given",
     [](Draft& d) -> Slot { return TextIn(Address(d).region); }},
    {"endpoint-url", 0, kAddress, "URL", kWhere, "another server than AWS's own",
     [](Draft& d) -> Slot { return TextIn(Address(d).endpoint_url); }},
    {"control-endpoint-url", 0, kSetting | kForMount, "URL", kWhere,
     "another S3 Control than AWS's own",
     [](Draft& d) -> Slot { return TextIn(VolumeOf(d).control_endpoint_url); }},
    {"force-path-style", 0, kAddress, "", kWhere, "bucket in the path, not in the host name",
     [](Draft& d) -> Slot { return Switch(Address(d).force_path_style); }},
    {"fips", 0, kAddress | kMessages, "", kWhere, "FIPS 140 endpoints",
     [](Draft& d) -> Slot { return Switch(Address(d).fips); }},
    {"dual-stack", 0, kAddress, "", kWhere, "endpoints with IPv6",
     [](Draft& d) -> Slot { return Switch(Address(d).dual_stack); }},
    {"transfer-acceleration", 0, kAddress, "", kWhere, "S3 Transfer Acceleration",
     [](Draft& d) -> Slot { return Switch(Address(d).transfer_acceleration); }},
    {"no-use-arn-region", 0, kAddress, "", kWhere, "refuse an ARN of another Region",
     [](Draft& d) -> Slot { return Switch(Address(d).use_arn_region, false); }},
    {"disable-multi-region-access-points", 0, kAddress, "", kWhere, "refuse them",
     [](Draft& d) -> Slot { return Switch(Address(d).disable_multi_region_access_points); }},
    {"connect-to", 0, kAsking, "H:P:H:P", kWhere, "for host:port connect to host:port (as curl)",
     [](Draft& d) -> Slot { return List(VolumeOf(d).connect_to); }},
    {"ca-bundle", 0, kAsking, "FILE", kWhere, "certificates to trust instead of the system's",
     [](Draft& d) -> Slot { return TextIn(VolumeOf(d).ca_bundle); }},

    {"profile", 0, kAddress | kMessages, "NAME", kWho, "profile of ~/.aws/config and credentials",
     [](Draft& d) -> Slot { return TextIn(VolumeOf(d).profile); }},
    {"no-sign-request", 0, kOnObjects, "", kWho, "no credentials: public buckets",
     [](Draft& d) -> Slot { return Switch(VolumeOf(d).no_sign_request); }},
    {"requester-pays", 0, kOnObjects | kForShare, "", kWho, "this account pays for requests",
     [](Draft& d) -> Slot { return Switch(VolumeOf(d).requester_pays); }},
    {"expected-bucket-owner", 0, kNetwork, "ACCOUNT", kWho, "refuse a bucket of anybody else",
     [](Draft& d) -> Slot { return TextIn(VolumeOf(d).expected_bucket_owner); }},
    {"user-agent-prefix", 0, kNetwork, "TEXT", kWho, "put before the User-Agent header",
     [](Draft& d) -> Slot { return TextIn(VolumeOf(d).user_agent_prefix); }},

    {"storage-class", 0, kWriting, "CLASS", kObjects, "STANDARD_IA, INTELLIGENT_TIERING, ...",
     [](Draft& d) -> Slot { return TextIn(VolumeOf(d).storage_class); }},
    {"sse", 0, kWriting | kForEncryption | kForPolicy, "KIND", kObjects,
     "AES256, aws:kms or aws:kms:dsse",
     [](Draft& d) -> Slot { return ChoiceOf(VolumeOf(d).sse, kEncryption); }},
    {"sse-kms-key-id", 0, kWriting | kForEncryption | kForPolicy, "ARN", kObjects,
     "KMS key for --sse aws:kms",
     [](Draft& d) -> Slot { return TextIn(VolumeOf(d).sse_kms_key_id); }},
    {"sse-customer-key-file", 0, kOnObjects, "FILE", kObjects, "SSE-C: 32 bytes, file mode 0600",
     [](Draft& d) -> Slot { return TextIn(VolumeOf(d).sse_customer_key_file); }},
    {"unsigned-payload", 0, kWriting, "", kObjects, "https only: a CRC instead of SHA-256",
     [](Draft& d) -> Slot { return Switch(VolumeOf(d).unsigned_payload); }},
    {"infer-content-type", 0, kForMount, "", kObjects, "Content-Type by the file's ending",
     [](Draft& d) -> Slot { return Switch(d.mount.infer_content_type); }},

    {"bucket-key", 0, kForEncryption, "", kObjects, "one KMS key for many objects: fewer requests",
     [](Draft& d) -> Slot { return Switch(d.setting.bucket_key); }},

    {"expires", 0, kForShare, "TIME", kTheBucket, "how long the link lives, 7d at most (1h)",
     [](Draft& d) -> Slot { return DurationSlot{&d.share.expires}; }},
    {"method", 0, kForShare | kForCors, "METHOD", kTheBucket,
     "GET or PUT; cors: also HEAD, POST, DELETE",
     [](Draft& d) -> Slot { return List(d.setting.method); }},
    {"download-as", 0, kForShare, "NAME", kTheBucket, "a browser saves it under that name",
     [](Draft& d) -> Slot { return TextIn(d.share.download_as); }},
    {"version", 0, kForShare | kForRestore, "ID", kTheBucket, "that version, not the current one",
     [](Draft& d) -> Slot { return TextIn(d.share.version); }},
    {"ciphertext", 0, kForShare, "", kTheBucket, "of a sealed file: the message as it is stored",
     [](Draft& d) -> Slot { return Switch(d.share.ciphertext); }},
    {"origin", 0, kForCors, "ORIGIN", kTheBucket, "of the page: https://www.example.com",
     [](Draft& d) -> Slot { return List(d.setting.origin); }},
    {"header", 0, kForCors | kForPolicy, "NAME", kTheBucket,
     "of the page's request; policy test: NAME=VALUE",
     [](Draft& d) -> Slot { return List(d.setting.header); }},
    {"expose", 0, kForCors, "NAME", kTheBucket, "reply header that the page may read",
     [](Draft& d) -> Slot { return List(d.setting.expose); }},
    {"max-age", 0, kForCors, "TIME", kTheBucket, "how long a browser keeps the answer",
     [](Draft& d) -> Slot { return DurationSlot{&d.setting.max_age}; }},
    {"to", 0, kForLogging, "s3://BUCKET/PREFIX", kTheBucket, "where the log is kept",
     [](Draft& d) -> Slot { return TextIn(d.setting.to); }},
    {"add-statement", 0, kForLogging, "", kTheBucket, "let the log into that bucket first",
     [](Draft& d) -> Slot { return Switch(d.setting.add_statement); }},
    {"enable-object-lock", 0, kForLockDefault, "", kTheBucket,
     "turn Object Lock on first; cannot be undone",
     [](Draft& d) -> Slot { return Switch(d.setting.enable_object_lock); }},

    {"account", 0, kOnPolicies, "ACCOUNT", kTheBucket, "whose it is; the caller's if not given",
     [](Draft& d) -> Slot { return TextIn(d.policy.account); }},
    {"min", 0, kForPolicy, "LIMIT", kTheBucket, "tls: 1.2 or 1.3; retention-bounds: 1d",
     [](Draft& d) -> Slot { return TextIn(d.policy.min); }},
    {"max", 0, kForPolicy, "DAYS", kTheBucket, "retention-bounds: 400d",
     [](Draft& d) -> Slot { return TextIn(d.policy.max); }},
    {"except", 0, kForPolicy, "ARN", kTheBucket, "only-access-points: not for that principal",
     [](Draft& d) -> Slot { return List(d.policy.except); }},
    {"lock-me-out", 0, kOnPolicies, "", kTheBucket, "although the caller is denied by it then",
     [](Draft& d) -> Slot { return Switch(d.policy.lock_me_out); }},
    {"principal", 0, kOnPolicies, "ARN", kTheBucket,
     "who asks, or is granted to; test: * is nobody",
     [](Draft& d) -> Slot { return TextIn(d.policy.principal); }},
    {"action", 0, kForPolicy, "ACTION", kTheBucket, "test: s3:GetObject, ...",
     [](Draft& d) -> Slot { return TextIn(d.policy.s3_action); }},
    {"key", 0, kForPolicy, "KEY", kTheBucket, "test: of which object",
     [](Draft& d) -> Slot { return TextIn(d.policy.key); }},
    {"through", 0, kForPolicy, "ACCESS-POINT", kTheBucket, "test: not by the bucket's own name",
     [](Draft& d) -> Slot { return TextIn(d.policy.through); }},
    {"insecure", 0, kForPolicy, "", kTheBucket, "test: over http",
     [](Draft& d) -> Slot { return Switch(d.policy.insecure); }},

    {"bucket", 0, kForAccessPoint, "BUCKET", kTheBucket, "create, list: behind the access point",
     [](Draft& d) -> Slot { return TextIn(d.access_point.bucket); }},
    {"vpc", 0, kForAccessPoint, "VPC", kTheBucket, "create: reached from that network alone",
     [](Draft& d) -> Slot { return TextIn(d.access_point.vpc); }},
    {"block-public-access", 0, kForAccessPoint, "WHAT", kTheBucket,
     "create: all (default), none, or AWS's names",
     [](Draft& d) -> Slot { return TextIn(d.access_point.block); }},
    {"allow", 0, kForAccessPoint, "WHAT", kTheBucket, "read,write,list,delete,lock",
     [](Draft& d) -> Slot { return List(d.access_point.allow); }},
    {"set", 0, kForAccessPoint, "FILE", kTheBucket, "policy: what it is from now on (JSON)",
     [](Draft& d) -> Slot { return TextIn(d.access_point.set); }},

    {"sealed", 0, kForMount, "auto|yes|no", kSealing, "yes: a sealed volume or nothing",
     [](Draft& d) -> Slot { return ChoiceOf(d.mount.sealed, kSealedModes); }},
    {"kms-key", 0, kKeys, "ARN", kSealing, "AWS KMS key; can stand several times",
     [](Draft& d) -> Slot { return List(Keys(d).kms_keys); }},
    {"key-file", 0, kKeys, "FILE", kSealing, "a local AES key, without KMS; file mode 0600",
     [](Draft& d) -> Slot { return TextIn(Keys(d).key_file); }},
    {"aes-key", 0, kKeys, "NS/N=FILE", kSealing, "a local AES key of that namespace and name",
     [](Draft& d) -> Slot { return List(Keys(d).aes_keys); }},
    {"rsa-key", 0, kKeys, "NS/N:P=FILE", kSealing, "an RSA key; P: pkcs1, oaep-sha256, ...",
     [](Draft& d) -> Slot { return List(Keys(d).rsa_keys); }},
    {"recovery-key", 0, kKeys, "FILE", kSealing, "public half of an RSA key kept elsewhere",
     [](Draft& d) -> Slot { return TextIn(Keys(d).recovery_key); }},
    {"recovery-private-key", 0, kForMount | kForDoctor | kForOpen | kReading, "FILE", kSealing,
     "its private half; a mount is read-only then",
     [](Draft& d) -> Slot { return TextIn(Keys(d).recovery_private_key); }},
    {"new-recovery-key", 0, kForInit, "FILE", kSealing, "make such a key; FILE is its private half",
     [](Draft& d) -> Slot { return TextIn(d.init.new_recovery_key); }},
    {"no-recovery-key", 0, kForInit | kForKey, "", kSealing,
     "one KMS key is meant to be all there is",
     [](Draft& d) -> Slot { return Switch(d.init.no_recovery_key); }},
    {"rebuild-descriptor", 0, kForInit, "", kSealing, "make a lost one again from the files",
     [](Draft& d) -> Slot { return Switch(d.init.rebuild_descriptor); }},
    {"adopt-plaintext", 0, kForReseal, "", kSealing, "also seal what is there in the clear",
     [](Draft& d) -> Slot { return Switch(d.reseal.adopt_plaintext); }},
    {"name-binding", 0, kForMount | kForInit | kForVerify, "strict|warn|off", kSealing,
     "objects that another tool moved or changed",
     [](Draft& d) -> Slot { return ChoiceOf(d.mount.name_binding, kBindingWords); }},
    {"s3ec", 0, kForMount, "off|v3|v2|v1", kSealing, "read S3 Encryption Client objects",
     [](Draft& d) -> Slot { return ChoiceOf(d.mount.s3ec, kS3ecModes); }},
    {"s3ec-max-size", 0, kForMount, "SIZE", kSealing, "of those that are read (1G)",
     [](Draft& d) -> Slot { return Size(d.mount.s3ec_max_size, 1, 64 * kGiB - 32); }},
    {"encryption-context", 0, kForMount | kForInit | kMessages, "NAME=VALUE", kSealing,
     "authenticated, and logged by KMS in the clear",
     [](Draft& d) -> Slot { return List(d.message.encryption_context); }},
    {"header-size", 0, kForInit, "BYTES", kSealing, "room for more keys: 1024 to 8192",
     [](Draft& d) -> Slot { return ChoiceOf(d.init.header_size, kHeaderSizeWords); }},
    {"commitment-policy", 0, kForOpen, "POLICY", kSealing,
     "require-encrypt-require-decrypt, or -allow-",
     [](Draft& d) -> Slot { return ChoiceOf(d.message.commitment_policy, kPolicies); }},
    {"max-encrypted-data-keys", 0, kForOpen, "N", kSealing, "refuse messages with more",
     [](Draft& d) -> Slot { return Count(d.message.max_encrypted_data_keys, 65'535); }},
    {"kms-endpoint-url", 0, kKeys, "URL", kSealing, "another KMS than AWS's own",
     [](Draft& d) -> Slot { return TextIn(Keys(d).kms_endpoint_url); }},
    {"kms-rate", 0, kKeys, "N", kSealing, "requests to KMS a second (50)",
     [](Draft& d) -> Slot { return Count(Keys(d).kms_rate, 100'000); }},
    {"key-max-age", 0, kForMount, "SECS", kSealing, "how long a data key serves (300)",
     [](Draft& d) -> Slot { return DurationSlot{&Keys(d).max_age}; }},
    {"key-max-messages", 0, kForMount, "N", kSealing, "how many files it seals (1000)",
     [](Draft& d) -> Slot { return Count(Keys(d).max_messages, 1u << 31); }},
    {"key-max-bytes", 0, kForMount, "SIZE", kSealing, "how much it seals (64G)",
     [](Draft& d) -> Slot { return Size(Keys(d).max_bytes, 1, 1ull << 60); }},
    {"key-cache-entries", 0, kForMount, "N", kSealing, "data keys kept for reading (16384)",
     [](Draft& d) -> Slot { return Count(Keys(d).cache_entries, 1u << 20); }},
    {"require-mlock", 0, kKeys, "", kSealing, "refuse where memory for keys cannot be locked",
     [](Draft& d) -> Slot { return Switch(Keys(d).require_mlock); }},
    {"input", 'i', kMessages, "FILE", kRunning, "what is read; - is standard input",
     [](Draft& d) -> Slot { return TextIn(d.message.input); }},
    {"output", 'o', kMessages, "FILE", kRunning, "what is written; - is standard output",
     [](Draft& d) -> Slot { return TextIn(d.message.output); }},

    {"uid", 0, kForMount, "N", kFiles, "owner of objects that name none",
     [](Draft& d) -> Slot { return IdSlot{&d.mount.uid}; }},
    {"gid", 0, kForMount, "N", kFiles, "group of objects that name none",
     [](Draft& d) -> Slot { return IdSlot{&d.mount.gid}; }},
    {"file-mode", 0, kForMount, "MODE", kFiles, "of objects that name none (0644)",
     [](Draft& d) -> Slot { return Mode(d.mount.file_mode); }},
    {"dir-mode", 0, kForMount, "MODE", kFiles, "of directories that name none (0755)",
     [](Draft& d) -> Slot { return Mode(d.mount.dir_mode); }},
    {"umask", 0, kForMount, "MODE", kFiles, "permission bits that are never shown",
     [](Draft& d) -> Slot { return Mode(d.mount.umask, 0777); }},
    {"special-bits", 0, kForMount, "", kFiles, "show setuid and setgid bits",
     [](Draft& d) -> Slot { return Switch(d.mount.special_bits); }},
    {"attributes", 0, kForMount, "exact|list", kFiles, "list: no HEAD for modes and owners",
     [](Draft& d) -> Slot { return AttributeSlot{&d.mount.attributes}; }},
    {"bucket-size", 0, kForMount, "SIZE", kFiles, "what df says (1P)",
     [](Draft& d) -> Slot { return Size(d.mount.bucket_size, kMebibyte, 1ull << 60); }},
    {"at", 0, kForMount, "TIME", kFiles, "as it was: 2026-11-29T16:00Z, or 2h, 3d ago",
     [](Draft& d) -> Slot { return TextIn(d.mount.at); }},

    {"read-only", 0, kForMount, "", kAccess, "refuse every change",
     [](Draft& d) -> Slot { return Switch(d.mount.read_only); }},
    {"allow-other", 0, kForMount, "", kAccess, "let all users in, by the modes of the files",
     [](Draft& d) -> Slot { return Switch(d.mount.allow_other); }},
    {"allow-root", 0, kForMount, "", kAccess, "let root in",
     [](Draft& d) -> Slot { return Switch(d.mount.allow_root); }},
    {"allow-non-empty", 0, kForMount | kForInit, "", kAccess, "although there is something already",
     [](Draft& d) -> Slot { return Switch(d.mount.allow_non_empty); }},
    {"noexec", 0, kForMount, "", kAccess, "run no program from DIR",
     [](Draft& d) -> Slot { return Switch(d.mount.no_exec); }},
    {"nosymfollow", 0, kForMount, "", kAccess, "follow no symbolic link (root only)",
     [](Draft& d) -> Slot { return Switch(d.mount.no_symfollow); }},
    {"strict-excl", 0, kForMount, "", kAccess, "O_EXCL decides at open, for one PUT more",
     [](Draft& d) -> Slot { return Switch(d.mount.strict_excl); }},

    {"locked", 0, kForMount | kForVersions, "refuse|versioned", kLocks,
     "versioned: changes lie over what is locked",
     [](Draft& d) -> Slot { return ChoiceOf(d.mount.locks.locked, kLockedFiles); }},
    {"locked-mode", 0, kForMount, "strip|keep", kLocks, "strip: a locked file shows no write bits",
     [](Draft& d) -> Slot { return ChoiceOf(d.mount.locks.locked_mode, kLockedModes); }},
    {"lock-unknown", 0, kForMount, "locked|unlocked", kLocks, "what a lock counts as, unseen",
     [](Draft& d) -> Slot { return ChoiceOf(d.mount.locks.unknown, kUnseenLocks); }},
    {"allow-compliance", 0, kForMount | kForInit, "", kLocks,
     "let rules and setfattr set what stays",
     [](Draft& d) -> Slot { return Switch(d.mount.locks.allow_compliance); }},
    {"until", 0, kForLock, "DATE", kLocks, "2030-01-01, or 2030-01-01T12:00:00Z",
     [](Draft& d) -> Slot { return TextIn(d.lock.until); }},
    {"for", 0, kForLock, "DURATION", kLocks, "from now: 30d, 12h, 1y6M (m minutes, M months)",
     [](Draft& d) -> Slot { return TextIn(d.lock.period); }},
    {"mode", 0, kForLock, "MODE", kLocks, "governance, or compliance, which none can undo",
     [](Draft& d) -> Slot { return TextIn(d.lock.mode); }},
    {"extend", 0, kForLock, "DURATION", kLocks, "what FILE, a pattern, matches: from now",
     [](Draft& d) -> Slot { return TextIn(d.lock.extend); }},
    {"if-less-than", 0, kForLock, "DURATION", kLocks, "where no more is left than this",
     [](Draft& d) -> Slot { return TextIn(d.lock.if_less_than); }},
    {"report", 0, kForLock, "", kLocks, "show the locks there are, change none",
     [](Draft& d) -> Slot { return Switch(d.lock.report); }},
    {"csv", 0, kForLock, "", kLocks, "the report as a table for programs",
     [](Draft& d) -> Slot { return Switch(d.lock.csv); }},
    {"require", 0, kForLock, "RULE", kLocks, "GLOB=MODE:DURATION; name what has less",
     [](Draft& d) -> Slot { return List(d.lock.required); }},
    {"bypass-governance-retention", 0, kForUnlock, "", kLocks, "this is what is meant",
     [](Draft& d) -> Slot { return Switch(d.lock.bypass); }},
    {"object-lock-mode", 0, kForLock, "MODE", kLocks, "as --mode",
     [](Draft& d) -> Slot { return TextIn(d.lock.object_lock_mode); }},
    {"object-lock-retain-until-date", 0, kForLock, "DATE", kLocks, "as --until",
     [](Draft& d) -> Slot { return TextIn(d.lock.object_lock_until); }},
    {"object-lock-legal-hold-status", 0, kForLock, "ON|OFF", kLocks, "as coffer hold",
     [](Draft& d) -> Slot { return ChoiceOf(d.lock.object_lock_hold, kHoldStates); }},
    {"lock-rule", 0, kForMount | kForInit, "GLOB=M:TIME", kLocks, "lock new files; see coffer(1)",
     [](Draft& d) -> Slot { return List(d.mount.locks.rules); }},
    {"lock-max", 0, kForMount | kForInit | kForLock, "TIME", kLocks, "refuse longer locks (400d)",
     [](Draft& d) -> Slot { return LockPeriodSlot{&d.mount.locks.longest_s}; }},
    {"no-builtin-exemptions", 0, kForMount, "", kLocks, "rules for temporary names, too",
     [](Draft& d) -> Slot { return Switch(d.mount.locks.no_builtin_exemptions); }},
    {"autolock", 0, kForMount, "IDLE=M:TIME", kLocks, "lock all others once they have rested",
     [](Draft& d) -> Slot { return TextIn(d.mount.locks.autolock); }},
    {"worm", 0, kForMount, "off|snaplock", kLocks, "chmod a-w locks a file until its atime",
     [](Draft& d) -> Slot { return ChoiceOf(d.mount.locks.worm, kWormModes); }},
    {"worm-retention", 0, kForMount, "M:TIME", kLocks, "of such locks where no atime is set",
     [](Draft& d) -> Slot { return TextIn(d.mount.locks.worm_retention); }},
    {"worm-atime", 0, kForMount, "", kLocks, "show as atime until when a file is locked",
     [](Draft& d) -> Slot { return Switch(d.mount.locks.worm_atime); }},
    {"lock-unverified", 0, kForMount, "refuse|allow", kLocks, "rules where locks cannot be read",
     [](Draft& d) -> Slot { return ChoiceOf(d.mount.locks.unverified, kUnverified); }},

    {"metadata-ttl", 0, kForMount, "SECS", kTime, "or minimal, indefinite (1)",
     [](Draft& d) -> Slot { return TtlSlot{&d.mount.metadata_ttl}; }},
    {"negative-metadata-ttl", 0, kForMount, "SECS", kTime, "of names that are not there",
     [](Draft& d) -> Slot { return OptionalTtlSlot{&d.mount.negative_metadata_ttl}; }},
    {"deadline", 0, kAsking, "SECS", kTime, "give up without progress; or forever (300)",
     [](Draft& d) -> Slot { return DeadlineSlot{&VolumeOf(d).deadline}; }},
    {"connect-timeout", 0, kAsking, "SECS", kTime, "of one attempt to connect (5)",
     [](Draft& d) -> Slot { return DurationSlot{&VolumeOf(d).connect_timeout}; }},
    {"first-byte-timeout", 0, kAsking, "SECS", kTime, "until a reply begins (20)",
     [](Draft& d) -> Slot { return DurationSlot{&VolumeOf(d).first_byte_timeout}; }},
    {"low-speed-time", 0, kNetwork, "SECS", kTime, "a transfer this long too slow is cut (30)",
     [](Draft& d) -> Slot { return DurationSlot{&VolumeOf(d).low_speed_time}; }},
    {"low-speed-limit", 0, kNetwork, "SIZE", kTime, "too slow: fewer bytes a second (1K)",
     [](Draft& d) -> Slot { return Size(VolumeOf(d).low_speed_limit, 1, kGiB); }},

    {"memory-limit", 0, kForMount, "SIZE", kLimits, "of all buffers together (256M)",
     [](Draft& d) -> Slot { return Size(d.mount.memory_limit, 32 * kMebibyte, 1024 * kGiB); }},
    {"read-part-size", 0, kForMount, "SIZE", kLimits, "largest range asked for (8M)",
     [](Draft& d) -> Slot { return Size(d.mount.read_part_size, 128 * kKiB, kGiB); }},
    {"write-part-size", 0, kForMount, "SIZE", kLimits, "first part of a large file (8M)",
     [](Draft& d) -> Slot { return Size(d.mount.write_part_size, 5 * kMebibyte, kGiB); }},
    {"max-threads", 0, kOnObjects, "N", kLimits, "requests at once (64)",
     [](Draft& d) -> Slot { return Count(VolumeOf(d).max_threads, 1024); }},
    {"index-limit", 0, kForMount, "SIZE", kLimits, "of the attribute index on disk (1G)",
     [](Draft& d) -> Slot { return Size(d.mount.index_limit, kMebibyte, 1024 * kGiB); }},

    {"foreground", 'f', kForMount, "", kRunning, "stay in front",
     [](Draft& d) -> Slot { return Switch(d.mount.foreground); }},
    {"debug", 'd', kForMount, "", kRunning, "log every request",
     [](Draft& d) -> Slot { return Switch(d.mount.debug); }},
    {"log-directory", 'l', kForMount, "DIR", kRunning, "log into a file there, not to syslog",
     [](Draft& d) -> Slot { return TextIn(d.mount.log_directory); }},
    {"state-dir", 0, kOnObjects, "DIR", kRunning, "what must survive a crash (/var/lib/coffer)",
     [](Draft& d) -> Slot { return TextIn(VolumeOf(d).state_dir); }},
    {"rescue-dir", 0, kForMount, "DIR", kRunning, "for bytes that S3 did not take",
     [](Draft& d) -> Slot { return TextIn(d.mount.rescue_dir); }},
    {"index-dir", 0, kForMount, "DIR", kRunning, "attribute index (/var/cache/coffer)",
     [](Draft& d) -> Slot { return TextIn(d.mount.index_dir); }},
    {"json", 0,
     kForStatus | kForDoctor | kForResolve | kForRemove | kRekeying | kOnSealed | kLocking |
         kForVersions | kForRestore | kForShare | kSetting,
     "", kRunning, "for programs", [](Draft& d) -> Slot { return Switch(d.json); }},
    {"restore", 0, kForVersions, "ID", kRunning, "make that version current again, by a copy",
     [](Draft& d) -> Slot { return List(d.restore); }},
    {"hidden", 0, kForVersions, "", kRunning, "with -r: versions under markers and newer ones",
     [](Draft& d) -> Slot { return Switch(d.hidden); }},
    {"days", 0, kForRestore, "N", kRunning, "how long files stay readable (7)",
     [](Draft& d) -> Slot { return Count(d.archive.days, 36'500); }},
    {"tier", 0, kForRestore, "TIER", kRunning, "Bulk, Standard (if not given) or Expedited",
     [](Draft& d) -> Slot { return ChoiceOf(d.archive.tier, kTiers); }},
    {"wait", 0, kForRestore, "", kRunning, "end when all of them can be read",
     [](Draft& d) -> Slot { return Switch(d.archive.wait); }},
    {"write-test", 0, kForDoctor, "", kRunning, "also try to write, and remove it again",
     [](Draft& d) -> Slot { return Switch(d.write_test); }},
    {"resume", 0, kForVerify, "", kRunning, "go on where an unfinished run stopped",
     [](Draft& d) -> Slot { return Switch(d.resume); }},
    {"dry-run", 'n', kForRebind | kForReseal | kLocking | kForRestore | kChanging, "", kRunning,
     "show what would be changed, change nothing",
     [](Draft& d) -> Slot { return Switch(d.dry_run); }},
    {"recursive", 'r', kForRemove | kForRebind | kLocking | kForVersions | kForRestore, "",
     kRunning, "directories and all below them",
     [](Draft& d) -> Slot { return Switch(d.recursive); }},
    {"whole-bucket", 0, kForRemove, "", kRunning, "with -r: every object of the bucket is meant",
     [](Draft& d) -> Slot { return Switch(d.whole_bucket); }},
    {"yes", 'y', kForRemove | kForInit | kRekeying | kForRebind | kForLock | kChanging, "",
     kRunning, "do not ask", [](Draft& d) -> Slot { return Switch(d.yes); }},
    {"config", 0, kEverything, "FILE", kRunning, "options, one NAME = VALUE a line",
     [](Draft& d) -> Slot { return TextIn(d.config); }},
};

constexpr std::string_view kGroups[] = {kWhere,  kWho,   kObjects, kTheBucket, kSealing, kFiles,
                                        kAccess, kLocks, kTime,    kLimits,    kRunning};

std::string Row(std::string left, std::string_view help) {
  constexpr std::size_t kColumn = 34;
  left = "  " + left;
  left += left.size() < kColumn ? std::string(kColumn - left.size(), ' ') : "  ";
  return left + std::string(help) + "\n";
}

std::string LeftColumn(const OptionSpec& option) {
  std::string left = option.letter ? std::string("-") + option.letter + ", " : "";
  left += "--" + std::string(option.name);
  if (!option.argument.empty()) left += " " + std::string(option.argument);
  return left;
}

}  // namespace

std::span<const CommandSpec> Commands() { return kCommands; }
std::span<const OptionSpec> Options() { return kOptions; }

const OptionSpec* FindOption(std::string_view name) {
  for (const OptionSpec& option : kOptions)
    if (option.name == name) return &option;
  return nullptr;
}

std::string HelpFor(const CommandSpec& command) {
  std::string text = "coffer " + std::string(command.name) + " [OPTIONS] " +
                     std::string(command.operands) + "\n" + std::string(command.help) + "\n";
  for (const std::string_view group : kGroups) {
    std::string rows;
    for (const OptionSpec& option : kOptions) {
      if (option.group == group && (option.commands & command.bit) != 0)
        rows += Row(LeftColumn(option), option.help);
    }
    if (group == kRunning) {
      if (command.bit == kForMount) rows += Row("-o WORD,...", "the same names, as in fstab");
      rows += Row("-h, --help", "this text");
    }
    text += "\n" + std::string(group) + ":\n" + rows;
    if (rows.empty()) text.resize(text.size() - group.size() - 3);
  }
  return text + "\nEvery option can stand in the environment (COFFER_" +
         "NAME, with _ for -) and in\n/etc/coffer.conf. See coffer(1).\n";
}

std::string Overview() {
  std::string text =
      "coffer COMMAND [OPTIONS] ...\nA bucket, mounted through an access point.\n\nSubcommands:\n";
  for (const CommandSpec& command : kCommands) {
    const std::string_view first = command.help.substr(0, command.help.find_first_of(";."));
    text += Row(std::string(command.name) + " " + std::string(command.operands), first);
  }
  return text + "\ncoffer COMMAND --help lists the options of a command; coffer --version.\n";
}

}  // namespace coffer::fs
