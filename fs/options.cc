#include "fs/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "fs/access_point_words.h"
#include "fs/option_layers.h"
#include "fs/option_locks.h"
#include "fs/option_table.h"
#include "fs/option_words.h"
#include "fs/point_in_time.h"
#include "fs/policy_words.h"
#include "fs/setting_words.h"
#include "s3client/aws_config.h"

namespace coffer::fs {
namespace {

// Later than any time that is written out: what is not over yet is found when mounting.
constexpr std::int64_t kEndOfTime_s = 1LL << 40;

std::string Unknown(const std::string& written, std::string_view name, std::string_view prefix,
                    const CommandSpec& command) {
  if (FindOption(name) != nullptr)
    return written + " does not apply to 'coffer " + std::string(command.name) + "'";
  const std::string nearest = Nearest(name, Names(command.bit));
  if (!nearest.empty())
    return written + " is no option; did you mean " + std::string(prefix) + nearest + "?";
  return written + " is no option; 'coffer " + std::string(command.name) + " --help' lists them";
}

// The command line itself: flags, operands and -o words.
class ArgumentParser {
 public:
  ArgumentParser(const CommandSpec& command, std::vector<std::string>& notes)
      : command_(command), notes_(notes) {}

  Result<Layer> Parse(const std::vector<std::string>& args) {
    Register();
    try {
      // CLI11 takes the arguments from the end.
      app_.parse(std::vector<std::string>(args.rbegin(), args.rend()));
    } catch (const CLI::ArgumentMismatch& error) {
      return Usage(std::string(error.what()).substr(0, std::string_view(error.what()).find(':')) +
                   " needs a value");
    } catch (const CLI::ParseError& error) {
      return Usage(error.what());
    }
    help_ = app_.count("--help") > 0;
    if (help_) return layer_;
    for (const std::string& extra : app_.remaining())
      if (extra != kOperandsOnly) COFFER_TRY(Refuse(extra));
    for (const OptionSpec& option : Options()) Take(option);
    COFFER_TRY(TakeForeign());
    if (command_.bit == kForMount) COFFER_TRY(TakeMountWords());
    return std::move(layer_);
  }

  bool help() const { return help_; }
  std::vector<std::string> operands() { return app_.get_option("operands")->results(); }

 private:
  // Stands before operands that look like options; CLI11 leaves it among what it did not use.
  static constexpr std::string_view kOperandsOnly = "--";

  static std::string Flag(std::string_view name) { return "--" + std::string(name); }

  void Register() {
    app_.set_help_flag();
    app_.allow_extras();
    app_.add_flag("-h,--help");
    app_.add_option("operands")->expected(0, 1 << 20)->allow_extra_args();
    for (const OptionSpec& option : Options()) {
      if ((option.commands & command_.bit) == 0) continue;
      const std::string names =
          (option.letter ? std::string("-") + option.letter + "," : "") + Flag(option.name);
      Add(names, !option.argument.empty());
    }
    if (command_.bit != kForMount) return;
    Add("-o", true);
    for (const ForeignWord& word : ForeignOptions())
      if (word.kind == ForeignWord::Kind::kNote) Add(Flag(word.word), word.takes_value);
  }

  void Add(const std::string& names, bool takes_value) {
    CLI::Option* option = takes_value ? app_.add_option(names)->expected(1) : app_.add_flag(names);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  void Take(const OptionSpec& option) {
    if ((option.commands & command_.bit) == 0) return;
    for (const std::string& value : app_.get_option(Flag(option.name))->results())
      layer_[std::string(option.name)].push_back({value, Flag(option.name)});
  }

  Status TakeForeign() {
    if (command_.bit != kForMount) return Ok();
    for (const ForeignWord& word : ForeignOptions()) {
      if (word.kind == ForeignWord::Kind::kNote && app_.count(Flag(word.word)) > 0)
        Note(Flag(word.word), word);
    }
    return Ok();
  }

  Status TakeMountWords() {
    for (const std::string& text : app_.get_option("-o")->results()) {
      COFFER_ASSIGN(const std::vector<MountWord> words, SplitMountWords(text));
      for (const MountWord& word : words) COFFER_TRY(TakeMountWord(word));
    }
    return Ok();
  }

  Status TakeMountWord(const MountWord& word) {
    const std::string written = "-o " + word.name;
    const OptionSpec* option = FindOption(word.name);
    if (option != nullptr && (option->commands & kForMount) != 0) {
      if (!word.value && !option->argument.empty()) return Usage(written + " needs a value");
      layer_[word.name].push_back({word.value.value_or("true"), written});
      return Ok();
    }
    const ForeignWord* foreign = FindMountWord(word.name);
    if (foreign == nullptr) return Usage(Unknown(written, word.name, "-o ", command_));
    switch (foreign->kind) {
      case ForeignWord::Kind::kDrop:
        break;
      case ForeignWord::Kind::kNote:
        Note(written, *foreign);
        break;
      case ForeignWord::Kind::kRefuse:
        return Usage(written + ": " + std::string(foreign->text));
      case ForeignWord::Kind::kOption: {
        const std::string_view text = foreign->text;
        const std::size_t equals = text.find('=');
        const std::string value(equals == text.npos ? "true" : text.substr(equals + 1));
        layer_[std::string(text.substr(0, equals))].push_back({value, written});
      }
    }
    return Ok();
  }

  void Note(const std::string& written, const ForeignWord& word) {
    notes_.push_back(written + " is not needed: " + std::string(word.text));
  }

  Status Refuse(const std::string& extra) const {
    if (!extra.starts_with('-') || extra == "-") return Usage("unexpected operand '" + extra + "'");
    const std::string written = extra.substr(0, extra.find('='));
    const std::size_t begin = std::min(written.find_first_not_of('-'), written.size());
    const std::string name = WithDashes(written.substr(begin));
    if (const ForeignWord* foreign = FindForeignOption(name);
        foreign != nullptr && foreign->kind == ForeignWord::Kind::kRefuse)
      return Usage(written + ": " + std::string(foreign->text));
    return Usage(Unknown(written, name, "--", command_));
  }

  const CommandSpec& command_;
  std::vector<std::string>& notes_;
  CLI::App app_;
  Layer layer_;
  bool help_ = false;
};

using Layers = std::vector<const Layer*>;  // in order of precedence

// The first layer that names an option decides it.
const std::vector<Given>* DecidingLayer(const Layers& layers, std::string_view name) {
  for (const Layer* layer : layers) {
    const auto found = layer->find(name);
    if (found != layer->end()) return &found->second;
  }
  return nullptr;
}

Status ApplyLayers(const Layers& layers, const CommandSpec& command, Draft& draft) {
  for (const OptionSpec& option : Options()) {
    if ((option.commands & command.bit) == 0) continue;
    const std::vector<Given>* decided = DecidingLayer(layers, option.name);
    if (decided == nullptr) continue;
    for (const Given& given : *decided) {
      const Status assigned = Assign(option.slot(draft), given.value);
      if (!assigned)
        return Usage(given.origin + " " + assigned.error().what + ", not '" + given.value + "'");
    }
  }
  return Ok();
}

// The lowest layer, as the draft's defaults: the profile of ~/.aws/config.
Status TakeProfile(const Layers& layers, const Environment& environment, Draft& draft) {
  VolumeOptions& volume = draft.mount.volume;
  const auto named_to_coffer = [](const std::vector<Given>* given) {
    return given != nullptr && !given->back().origin.starts_with("AWS_");
  };
  const std::vector<Given>* named = DecidingLayer(layers, "profile");
  volume.profile_named = named_to_coffer(named);
  volume.region_named = named_to_coffer(DecidingLayer(layers, "region"));
  const s3::Environment env = [&](std::string_view name) {
    return std::string(Get(environment, std::string(name)));
  };
  COFFER_ASSIGN(const s3::SharedConfig config, s3::SharedConfig::Load(env));
  COFFER_ASSIGN(
      s3::AwsSettings settings,
      s3::ReadAwsSettings(config, volume.profile_named ? named->back().value : std::string(), env));
  volume.address.region = std::move(settings.region);
  volume.address.endpoint_url = std::move(settings.endpoint_url);
  volume.control_endpoint_url = std::move(settings.control_endpoint_url);
  volume.address.force_path_style = settings.force_path_style;
  volume.address.fips = settings.fips;
  volume.address.dual_stack = settings.dual_stack;
  volume.address.transfer_acceleration = settings.transfer_acceleration;
  volume.address.use_arn_region = settings.use_arn_region;
  volume.address.disable_multi_region_access_points = settings.disable_multi_region_access_points;
  volume.ca_bundle = std::move(settings.ca_bundle);
  return Ok();
}

Status CheckVolume(const VolumeOptions& volume) {
  const bool kms = volume.sse.starts_with("aws:kms");
  if (!volume.sse_kms_key_id.empty() && !kms)
    return Usage("--sse-kms-key-id needs --sse aws:kms or --sse aws:kms:dsse");
  if (!volume.sse.empty() && !volume.sse_customer_key_file.empty())
    return Usage("--sse and --sse-customer-key-file exclude each other");
  if (volume.no_sign_request && volume.profile_named)
    return Usage("--no-sign-request and --profile exclude each other");
  const std::string& owner = volume.expected_bucket_owner;
  if (!owner.empty() &&
      (owner.size() != 12 || owner.find_first_not_of("0123456789") != std::string::npos))
    return Usage("--expected-bucket-owner takes the 12 digits of an account");
  if (volume.unsigned_payload && volume.address.endpoint_url.starts_with("http://"))
    return Usage("--unsigned-payload needs https: on http nothing would protect the bytes");
  return Ok();
}

Status CheckLockRules(const LockOptions& locks) {
  const auto rules =
      ParseLockRules(locks.rules, LockRuleBounds{locks.longest_s, locks.allow_compliance});
  if (!rules) return Usage(rules.error().what);
  if (locks.worm == "off" && (!locks.worm_retention.empty() || locks.worm_atime)) {
    return Usage("--worm-retention and --worm-atime are for --worm=snaplock");
  }
  if (const auto worm = WormTerm(locks); !worm) return Usage(worm.error().what);
  if (locks.autolock.empty()) return Ok();
  const auto autolock = ParseAutolock(locks.autolock, {locks.longest_s, locks.allow_compliance});
  return autolock ? Ok() : Usage(autolock.error().what);
}

Status CheckMount(const MountOptions& mount) {
  if (mount.allow_other && mount.allow_root)
    return Usage("--allow-other lets root in too; leave out --allow-root");
  for (const auto& [name, size] : {std::pair{"--read-part-size", mount.read_part_size},
                                   std::pair{"--write-part-size", mount.write_part_size}}) {
    if (size > mount.memory_limit / 2)
      return Usage(std::string(name) + " may be half of --memory-limit at most");
  }
  COFFER_TRY(CheckLockRules(mount.locks));
  if (mount.at.empty()) return Ok();
  if (mount.read_only_named && !mount.read_only)
    return Usage("--at shows what was, which nobody can change: leave out --read-only=false");
  const auto at = ParsePointInTime(mount.at, kEndOfTime_s);
  return at ? Ok() : Status(at.error());
}

Status CheckS3ec(const MountOptions& mount, bool max_size_named) {
  const KeyOptions& keys = mount.keys;
  if (mount.s3ec == "off") {
    if (max_size_named) return Usage("--s3ec-max-size is for --s3ec=v3, v2 or v1");
    if (mount.encryption_context.empty()) return Ok();
    return Usage("--encryption-context of a mount is for --s3ec: a sealed volume has its own");
  }
  if (mount.sealed == "yes") {
    return Usage("--s3ec reads objects of a plain volume: leave out --s3ec or --sealed=yes");
  }
  if (!mount.name_binding.empty())
    return Usage("--name-binding is for sealed volumes: leave it out, or --s3ec");
  if (!keys.recovery_key.empty() || !keys.recovery_private_key.empty())
    return Usage("a recovery key is of a sealed volume: --s3ec takes --rsa-key");
  if (!keys.any())
    return Usage(
        "--s3ec needs the keys of the objects: --kms-key, --aes-key, --key-file, --rsa-key");
  if (mount.attributes == AttributeSource::kList)
    return Usage("--s3ec needs --attributes=exact: a listing does not tell sizes of plaintext");
  if (mount.read_only_named && !mount.read_only)
    return Usage("--s3ec only reads: leave out --read-only=false");
  return Ok();
}

Status CheckKeyOptions(const MountOptions& mount) {
  if (mount.sealed == "no" && mount.keys.any() && mount.s3ec == "off")
    return Usage("--sealed=no shows objects as they are: leave out the keys");
  if (mount.sealed == "no" && !mount.name_binding.empty())
    return Usage("--name-binding is for sealed volumes: leave out --sealed=no");
  return Ok();
}

Status CheckInit(const InitOptions& init, const Draft& draft) {
  if (!init.rebuild_descriptor) {
    const bool asks = draft.mount.locks.allow_compliance;
    if (draft.yes && !asks) {
      return Usage(
          "--yes is for --rebuild-descriptor, and for rules of compliance (--allow-compliance): "
          "init asks nothing else");
    }
    return Ok();
  }
  if (!init.new_recovery_key.empty() || !init.header_size.empty() || draft.mount.allow_non_empty ||
      !draft.message.encryption_context.empty()) {
    return Usage(
        "--rebuild-descriptor takes what the files say: leave out --new-recovery-key, "
        "--header-size, --allow-non-empty and --encryption-context");
  }
  return Ok();
}

std::optional<KeyAction> KeyActionOf(const std::string& word) {
  if (word == "list") return KeyAction::kList;
  if (word == "add") return KeyAction::kAdd;
  if (word == "remove") return KeyAction::kRemove;
  return std::nullopt;
}

Status CheckKeyWords(const std::vector<std::string>& words) {
  const auto action = KeyActionOf(words.front());
  if (!action) return Usage("coffer key: '" + words.front() + "' is none of list, add, remove");
  if (*action == KeyAction::kList && words.size() > 2) {
    return Usage("coffer key list takes a SOURCE alone");
  }
  if (*action != KeyAction::kList && words.size() < 3) {
    return Usage("usage: coffer key " + words.front() + " [OPTIONS] SOURCE KEY...");
  }
  return Ok();
}

Command BuildKey(Draft draft) {
  KeyCommandOptions key;
  key.action = *KeyActionOf(draft.positionals[0]);
  key.volume = std::move(draft.mount.volume);
  key.volume.source = draft.positionals[1];
  key.operands.assign(draft.positionals.begin() + 2, draft.positionals.end());
  key.keys = std::move(draft.mount.keys);
  key.no_recovery_key = draft.init.no_recovery_key;
  key.yes = draft.yes;
  key.json = draft.json;
  return key;
}

Result<VersionsOptions> BuildVersions(Draft draft) {
  const bool restores = !draft.restore.empty();
  if (draft.restore.size() > 1) return Usage("--restore: one version, and so once");
  if (restores && draft.restore.front().empty()) return Usage("--restore needs a version's ID");
  if (restores && (draft.hidden || draft.recursive)) {
    return Usage("--restore is of one file: it does not go with -r and --hidden");
  }
  if (draft.hidden != draft.recursive) {
    return Usage("-r and --hidden go together: coffer versions -r --hidden DIR");
  }
  VersionsOptions versions;
  versions.volume = std::move(draft.mount.volume);
  versions.file = draft.positionals.front();
  if (restores) versions.restore = draft.restore.front();
  versions.locked = std::move(draft.mount.locks.locked);
  versions.hidden = draft.hidden;
  versions.json = draft.json;
  return versions;
}

Result<RestoreOptions> BuildRestore(Draft draft) {
  RestoreOptions restore = std::move(draft.archive);
  restore.volume = std::move(draft.mount.volume);
  restore.volume.source.clear();
  restore.names = std::move(draft.positionals);
  restore.version = std::move(draft.share.version);
  restore.recursive = draft.recursive;
  restore.dry_run = draft.dry_run;
  restore.json = draft.json;
  if (!restore.version.empty() && (restore.recursive || restore.names.size() > 1)) {
    return Usage("--version is of one file: name that alone, without -r");
  }
  if (restore.wait && restore.dry_run) return Usage("--dry-run restores nothing to --wait for");
  return restore;
}

Command Build(const CommandSpec& command, Draft draft) {
  MountOptions& mount = draft.mount;
  const std::string first = draft.positionals.empty() ? "" : draft.positionals.front();
  mount.volume.source = first;
  switch (command.bit) {
    case kForUmount:
      return UmountOptions{first};
    case kForStatus:
      return StatusOptions{first, draft.json};
    case kForDoctor:
      return DoctorOptions{std::move(mount.volume), std::move(mount.keys), draft.json,
                           draft.write_test};
    case kForResolve:
      return ResolveOptions{first, std::move(mount.volume.address), draft.json};
    case kForRemove:
      mount.volume.source.clear();
      return RemoveOptions{std::move(mount.volume), first,     draft.recursive,
                           draft.whole_bucket,      draft.yes, draft.json};
    case kForInit:
      draft.init.volume = std::move(mount.volume);
      draft.init.keys = std::move(mount.keys);
      draft.init.allow_non_empty = mount.allow_non_empty;
      if (!mount.name_binding.empty()) draft.init.name_binding = std::move(mount.name_binding);
      draft.init.encryption_context = std::move(draft.message.encryption_context);
      draft.init.lock_rules = std::move(mount.locks.rules);
      draft.init.longest_lock_s = mount.locks.longest_s;
      draft.init.yes = draft.yes;
      return std::move(draft.init);
    case kForKey:
      return BuildKey(std::move(draft));
    case kForReseal:
      draft.reseal.volume = std::move(mount.volume);
      draft.reseal.keys = std::move(mount.keys);
      draft.reseal.yes = draft.yes;
      draft.reseal.dry_run = draft.dry_run;
      draft.reseal.json = draft.json;
      return std::move(draft.reseal);
    case kForSeal:
    case kForOpen:
      draft.message.volume = std::move(mount.volume);
      draft.message.keys = std::move(mount.keys);
      draft.message.open = command.bit == kForOpen;
      return std::move(draft.message);
    case kForVerify:
      return VerifyOptions{std::move(mount.volume),       std::move(mount.keys), first,
                           std::move(mount.name_binding), draft.resume,          draft.json};
    case kForInspect:
      return InspectOptions{std::move(mount.volume), std::move(mount.keys), first, draft.json};
    case kForAccessPoint:
      return BuildAccessPoint(std::move(draft));
    case kForPolicy:
      return BuildPolicy(std::move(draft));
    case kForShare:
      return BuildShare(std::move(draft));
    case kForCors:
    case kForEncryption:
    case kForLogging:
    case kForVersioning:
    case kForLockDefault:
    case kForLifecycle:
      return BuildSetting(command, std::move(draft));
    case kForRebind:
      return RebindOptions{std::move(mount.volume),
                           std::move(mount.keys),
                           first,
                           draft.recursive,
                           draft.dry_run,
                           draft.yes,
                           draft.json};
    default:
      mount.directory = draft.positionals.back();
      return std::move(mount);
  }
}

// What cannot be taken back is meant by whoever types it, not by a file or a variable that was set
// for another day.
Status CheckTyped(const Layers& layers, const CommandSpec& command) {
  if ((command.bit & (kForLock | kForUnlock | kChanging)) == 0) return Ok();
  for (const std::string_view name :
       {"yes", "bypass-governance-retention", "lock-me-out", "enable-object-lock"}) {
    const std::vector<Given>* given = DecidingLayer(layers, name);
    if (given == nullptr || (FindOption(name)->commands & command.bit) == 0) continue;
    const std::string flag = "--" + std::string(name);
    if (given->back().origin == flag) continue;
    return Usage(given->back().origin + " is not taken by coffer " + std::string(command.name) +
                 ": say " + flag + " on the command line, where it is meant");
  }
  return Ok();
}

Result<CommandLine> ParseCommand(const CommandSpec& command, const std::vector<std::string>& args,
                                 const Environment& environment,
                                 const std::string& default_config) {
  CommandLine line;
  ArgumentParser parser(command, line.notes);
  COFFER_ASSIGN(const Layer flags, parser.Parse(args));
  if (parser.help()) return CommandLine{ShowText{HelpFor(command)}, {}};
  Draft draft;
  draft.positionals = parser.operands();
  if (draft.positionals.size() < command.least || draft.positionals.size() > command.most) {
    return Usage("usage: coffer " + std::string(command.name) + " [OPTIONS] " +
                 std::string(command.operands));
  }
  if (command.bit == kForKey) COFFER_TRY(CheckKeyWords(draft.positionals));
  COFFER_TRY(CheckCofferVariables(environment, command, line.notes));
  const Layer variables = FromCofferVariables(environment);
  const Layer sdk = FromSdkVariables(environment);
  const std::vector<Given>* config = DecidingLayer({&flags, &variables}, "config");
  COFFER_ASSIGN(
      const Layer file,
      FromFile(config == nullptr ? default_config : config->back().value, config != nullptr));
  const Layers layers = {&flags, &variables, &sdk, &file};
  if (AsksService(command)) COFFER_TRY(TakeProfile(layers, environment, draft));
  COFFER_TRY(ApplyLayers(layers, command, draft));
  COFFER_TRY(CheckTyped(layers, command));
  const std::vector<Given>* access = DecidingLayer(layers, "read-only");
  draft.mount.read_only_named = access != nullptr && access->back().origin != "-o rw";
  COFFER_TRY(CheckVolume(draft.mount.volume));
  COFFER_TRY(CheckMount(draft.mount));
  COFFER_TRY(CheckKeyOptions(draft.mount));
  if (command.bit == kForMount) {
    draft.mount.encryption_context = draft.message.encryption_context;
    COFFER_TRY(CheckS3ec(draft.mount, DecidingLayer(layers, "s3ec-max-size") != nullptr));
  }
  if (command.bit == kForInit) COFFER_TRY(CheckInit(draft.init, draft));
  if ((command.bit & (kForLock | kForHold | kForUnlock)) != 0) {
    COFFER_ASSIGN(line.command, BuildLockCommand(command, std::move(draft)));
    return line;
  }
  COFFER_TRY(CheckSettingWords(command, draft));
  if (command.bit == kForPolicy) COFFER_TRY(CheckPolicyWords(draft));
  if (command.bit == kForAccessPoint) COFFER_TRY(CheckAccessPointWords(draft));
  if (command.bit == kForVersions) {
    COFFER_ASSIGN(line.command, BuildVersions(std::move(draft)));
    return line;
  }
  if (command.bit == kForRestore) {
    COFFER_ASSIGN(line.command, BuildRestore(std::move(draft)));
    return line;
  }
  line.command = Build(command, std::move(draft));
  return line;
}

}  // namespace

Result<CommandLine> ParseCommandLine(const std::vector<std::string>& args,
                                     const Environment& environment,
                                     const std::string& default_config) {
  if (args.empty()) return Usage("a command is missing\n\n" + Overview());
  const std::string& word = args.front();
  if (word == "--help" || word == "-h") return CommandLine{ShowText{Overview()}, {}};
  if (word == "--version" || word == "-V")
    return CommandLine{ShowText{"coffer " COFFER_VERSION "\n"}, {}};
  std::vector<std::string_view> names;
  for (const CommandSpec& command : Commands()) {
    if (command.name == word) {
      return ParseCommand(command, {args.begin() + 1, args.end()}, environment, default_config);
    }
    names.push_back(command.name);
  }
  const std::string nearest = Nearest(word, names);
  return Usage(
      "'" + word + "' is no command" +
      (nearest.empty() ? "; 'coffer --help' lists them" : "; did you mean " + nearest + "?"));
}

}  // namespace coffer::fs
