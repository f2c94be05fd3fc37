#include "fs/mount_assembly.h"

#include <unistd.h>

#include <algorithm>

#include "fs/cmd_resolve.h"
#include "fs/directories.h"
#include "fs/findings.h"
#include "fs/point_in_time.h"
#include "fs/sealed_report.h"
#include "fs/volume_json.h"
#include "fs/volume_session.h"
#include "fs/volume_signs.h"
#include "s3client/time_text.h"

namespace coffer::fs {
namespace {

// Of the memory limit: for messages that have to be held whole.
constexpr std::uint64_t kForeignShare = 8;
constexpr const char* kStateDirectory = "use the state directory (--state-dir names another)";
// For what the policy of an access point says, when all else is there; it was asked at the start.
constexpr std::chrono::milliseconds kPolicyPatience{300};
// Of names and attributes as they were.
constexpr std::chrono::milliseconds kPastTtl = std::chrono::hours(24);

std::uint64_t WholeFrames(std::uint64_t size, std::uint64_t frame) {
  return (size + frame - 1) / frame * frame;
}

// For mounts that never upload.
LocalPlaces PlacesFor(const MountOptions& options, const Environment& environment) {
  LocalPlaces places;
  places.state = StateDirectory(options.volume, environment);
  places.rescue = options.rescue_dir.empty() ? places.state + "/rescue" : options.rescue_dir;
  places.index =
      options.index_dir.empty() ? DefaultCacheDirectory(geteuid(), environment) : options.index_dir;
  return places;
}

FilesystemOptions ToFilesystem(const MountOptions& options, const s3::Target& target,
                               const LocalPlaces& places) {
  FilesystemOptions fs;
  fs.prefix = target.key_prefix;
  fs.source = options.volume.source;
  fs.defaults.file_mode = options.file_mode;
  fs.defaults.dir_mode = options.dir_mode;
  fs.defaults.uid = options.uid.value_or(geteuid());
  fs.defaults.gid = options.gid.value_or(getegid());
  fs.defaults.umask = options.umask;
  fs.defaults.special_bits = options.special_bits;
  fs.read_only = options.read_only;
  fs.exact_attributes = options.attributes == AttributeSource::kExact;
  fs.strict_exclusive = options.strict_excl;
  fs.infer_content_type = options.infer_content_type;
  fs.metadata_ttl = options.metadata_ttl;
  fs.negative_ttl = options.negative_metadata_ttl.value_or(options.metadata_ttl);
  fs.sorted_listings = target.capabilities.sorted_list;
  fs.rename_object = target.capabilities.rename_object;
  fs.bucket_size = options.bucket_size;
  fs.read.part_size = options.read_part_size;
  fs.read.first_window = std::min(fs.read.first_window, options.read_part_size);
  fs.read.max_window =
      std::max(options.read_part_size, std::min(fs.read.max_window, options.memory_limit / 2));
  fs.write.first_part = options.write_part_size;
  fs.write.largest_part =
      std::max(options.write_part_size, std::min(fs.write.largest_part, options.memory_limit / 4));
  fs.rescue_directory = places.rescue;
  return fs;
}

}  // namespace

MountAssembly::MountAssembly(MountOptions options, const Environment& environment, Log& log)
    : options_(std::move(options)),
      places_(PlacesFor(options_, environment)),
      log_(log),
      began_(std::chrono::steady_clock::now()),
      arena_(options_.keys.cache_entries + kOtherSecrets, options_.keys.require_mlock),
      pool_(options_.volume.max_threads) {}

Result<std::unique_ptr<MountAssembly>> MountAssembly::Open(const MountOptions& options,
                                                           const Environment& environment,
                                                           s3::SystemClock& clock, Log& log,
                                                           std::vector<std::string>& notes) {
  std::unique_ptr<MountAssembly> mount(new MountAssembly(options, environment, log));
  COFFER_ASSIGN(mount->connection_, Connection::Open(options.volume, environment, clock, log));
  COFFER_ASSIGN(const Preflight preflight, mount->connection_->Check());
  mount->NoteAddress(preflight, notes);
  COFFER_TRY(mount->CheckStrictExcl(preflight.facts, notes));
  COFFER_TRY(mount->FindLocks(preflight, notes));
  const bool reads =
      mount->options_.read_only || mount->reads_s3ec() || !mount->options_.at.empty();
  mount->withheld_ = WithheldQuestion::Ask(*mount->connection_, reads, mount->pool_, log);
  const std::string bucket = mount->connection_->reached_bucket();
  LoadFindings(mount->places_.state, bucket, mount->connection_->conditions());
  mount->saved_findings_ = mount->connection_->conditions().Export();
  COFFER_TRY(mount->GoBack(preflight, notes));
  COFFER_TRY(mount->OpenOwedLocks());
  s3::ObjectStore& stored = mount->connection_->store();
  mount->locking_ = std::make_unique<LockingStore>(stored, mount->connection_->server_time());
  mount->locking_->SetOwed(mount->owed_.get());
  COFFER_TRY(mount->OpenSealed(notes));
  COFFER_TRY(mount->OpenS3ec(notes));
  COFFER_TRY(mount->MakeRules(notes));
  COFFER_TRY(mount->OpenRecords());
  mount->OpenIndex();
  mount->renames_ =
      std::make_unique<TreeRenames>(mount->store(), mount->pool_,
                                    TreeRenames::Options{.state_directory = mount->places_.state,
                                                         .volume = bucket,
                                                         .uploads = mount->uploads_.get(),
                                                         .locks = mount->locks_});
  if (!mount->options_.read_only) mount->Recover(notes);
  mount->MakeFilesystem();
  if (!mount->options_.read_only) mount->TakeOverOwed(notes);
  if (mount->withheld_) {
    const std::vector<std::string> lines = mount->withheld_->Await(kPolicyPatience);
    notes.insert(notes.end(), lines.begin(), lines.end());
  }
  return mount;
}

// With --at: from here on the connection shows the bucket as it was.
Status MountAssembly::GoBack(const Preflight& preflight, std::vector<std::string>& notes) {
  if (options_.at.empty()) return Ok();
  const s3::Target& target = connection_->target();
  if (!target.capabilities.list_versions) {
    return Error{Code::kUnsupported,
                 "--at: versions cannot be listed through this kind of address (" +
                     KindInWords(target) + "); name the bucket itself"};
  }
  const s3::BucketFacts& facts = preflight.facts;
  if (facts.versioned == s3::Tri::kNo && !facts.versioning_suspended) {
    return Error{Code::kUnsupported,
                 "--at: this bucket keeps no versions, so nothing is left of what it was; turn "
                 "versioning on to be able to look back from then on"};
  }
  if (facts.versioning_suspended) {
    notes.push_back(
        "versioning of this bucket is suspended: what was written or deleted since then has "
        "replaced what was there, and cannot be shown");
  }
  const auto now = std::chrono::floor<std::chrono::seconds>(connection_->server_time().Now());
  COFFER_ASSIGN(const std::int64_t at,
                ParsePointInTime(options_.at, now.time_since_epoch().count()));
  options_.read_only = true;
  // What was does not change.
  options_.metadata_ttl = std::max(options_.metadata_ttl, kPastTtl);
  options_.negative_metadata_ttl = options_.metadata_ttl;
  connection_->ShowPast(at);
  notes.push_back("mounted read-only: the volume as it was at " + s3::IsoTime(at));
  return FindPastDescriptor(notes);
}

// Where a sealed volume had lost its descriptor at that time, or it was made again later, today's
// says what its files are; files of another volume do not open by it.
Status MountAssembly::FindPastDescriptor(std::vector<std::string>& notes) {
  if (options_.sealed == "no" || reads_s3ec()) return Ok();
  const std::string key = DescriptorKey(connection_->target().key_prefix);
  const auto then = connection_->store().Head(key, {});
  if (then || then.error().code != Code::kNotFound) return Ok();
  const auto today = connection_->present_store().Head(key, {});
  // What else it may be is told when the volume is opened.
  if (!today) return Ok();
  connection_->past_store()->ShowPresent(key);
  notes.push_back("the volume had no descriptor at that time; today's is used");
  return Ok();
}

Status MountAssembly::OpenSealed(std::vector<std::string>& notes) {
  COFFER_TRY(arena_.Usable());
  SealedFinding finding;
  // With --s3ec the keys are those of its objects, and say nothing of a sealed volume.
  const KeyOptions keys = reads_s3ec() ? KeyOptions() : options_.keys;
  const bool plain = reads_s3ec() && options_.sealed == "auto";
  COFFER_ASSIGN(
      sealed_,
      SealedAccess::Open({*connection_, pool_, arena_, locking_.get()}, keys,
                         {plain ? "plain" : options_.sealed, options_.name_binding, places_.state,
                          options_.memory_limit / kForeignShare, options_.at.empty()},
                         finding));
  notes.insert(notes.end(), finding.notes.begin(), finding.notes.end());
  if (sealed_->volume() && !arena_.locked()) notes.emplace_back(kUnlockedKeys);
  if (finding.read_only) options_.read_only = true;
  authentic_ = !finding.read_only;
  budget_ = std::make_unique<MemoryBudget>(options_.memory_limit);
  return Ok();
}

// Read-only: a write would leave in the clear what its owner had encrypted.
Status MountAssembly::OpenS3ec(std::vector<std::string>& notes) {
  if (!reads_s3ec()) return Ok();
  options_.read_only = true;
  notes.push_back("mounted read-only: objects of the S3 Encryption Client are only read (--s3ec=" +
                  options_.s3ec + ")");
  const std::uint64_t fetching = options_.memory_limit / 4;
  budget_ = std::make_unique<MemoryBudget>(options_.memory_limit - fetching);
  COFFER_ASSIGN(s3ec_, S3ecMount::Open({*connection_, pool_, arena_,
                                        [this](const std::string& line) { log_.Warn(line); }},
                                       options_, fetching, places_.state));
  return Ok();
}

s3::ObjectStore& MountAssembly::store() {
  if (s3ec_) return s3ec_->store();
  return sealed_->store();
}

// Ranges and parts of a sealed volume are whole frames.
FilesystemOptions MountAssembly::Options() const {
  FilesystemOptions fs = ToFilesystem(options_, connection_->target(), places_);
  fs.locks = locks_;
  fs.worm = worm_;
  fs.prove_at_open = s3ec_ != nullptr;
  if (!sealed_->volume()) {
    fs.sealed_below = options_.sealed == "no" ? SealedBelow::kReadOnly : SealedBelow::kRefused;
    return fs;
  }
  const std::uint64_t frame = sealed_->volume()->descriptor().frame_size;
  fs.rename_object = false;
  const BindingPolicy binding = sealed_->volume()->store().volume().binding;
  fs.bound_attributes = authentic_ && binding == BindingPolicy::kStrict;
  fs.read.granularity = frame;
  for (std::uint64_t* size : {&fs.read.first_window, &fs.read.part_size, &fs.read.max_window,
                              &fs.write.first_part, &fs.write.largest_part}) {
    *size = WholeFrames(*size, frame);
  }
  fs.write.alignment = frame;
  fs.write.copies = 2;
  return fs;
}

MountAssembly::~MountAssembly() {
  if (owed_) owed_->End();
  SaveFindings();
  // What is left on the network then is nobody's to wait for.
  if (withheld_ && withheld_->open()) connection_->Interrupt();
}

void MountAssembly::NoteAddress(const Preflight& preflight, std::vector<std::string>& notes) {
  notes.insert(notes.end(), preflight.notes.begin(), preflight.notes.end());
  const s3::Target& target = connection_->target();
  if (!target.capabilities.write && !options_.read_only) {
    options_.read_only = true;
    notes.push_back("mounted read-only: nothing can be written through this kind of address (" +
                    KindInWords(target) + ")");
  }
  if (target.kind == s3::TargetKind::kMultiRegion) NoteMultiRegion(notes);
  if (!preflight.empty) return;
  notes.push_back(target.key_prefix.empty()
                      ? "the bucket is empty"
                      : "there is nothing below the prefix " + target.key_prefix + " yet");
}

void MountAssembly::NoteMultiRegion(std::vector<std::string>& notes) {
  const std::string why =
      "a multi-Region access point may answer each request from another bucket, and what was "
      "written arrives in the others later";
  if (!options_.read_only_named) {
    options_.read_only = true;
    notes.push_back("mounted read-only: " + why + "; --read-only=false mounts it for writing");
  } else if (!options_.read_only) {
    notes.push_back(why +
                    ": a file just written may be missing, or be the old one, and of two "
                    "writers one may be lost untold");
  }
}

// The empty object that decides O_EXCL must not be one that stays.
Status MountAssembly::CheckStrictExcl(const s3::BucketFacts& facts,
                                      std::vector<std::string>& notes) const {
  if (!options_.strict_excl || options_.read_only) return Ok();
  const std::string first =
      "--strict-excl puts an empty object under the name of every new O_EXCL file first";
  if (!facts.lock.default_mode.empty()) {
    return Error{Code::kInvalid, first + ", and the default retention of this bucket (" +
                                     s3::Printable(facts.lock.default_mode) +
                                     ") would lock each of them; leave out --strict-excl: O_EXCL "
                                     "is then decided when the file is closed"};
  }
  if (facts.object_lock == s3::Tri::kUnknown) {
    notes.push_back(first + "; whether the bucket locks new objects cannot be seen from here (" +
                    facts.object_lock_unknown_why + "): where it does, leave out --strict-excl");
  }
  return Ok();
}

Status MountAssembly::FindLocks(const Preflight& preflight, std::vector<std::string>& notes) {
  const s3::Target& target = connection_->target();
  if (!target.capabilities.object_lock) return Ok();
  // Any key will do where there is none: whether it may be asked for is an answer too.
  const std::string key =
      preflight.first_key.empty() ? target.key_prefix + "none" : preflight.first_key;
  s3::Bucket bucket = connection_->MakeBucket();
  std::vector<std::string> told;
  COFFER_ASSIGN(locks_, FindLockPolicy(bucket, preflight.facts, key, options_.locks, told));
  // To who writes nothing only what cannot be seen matters.
  if (options_.read_only && locks_.visible) return Ok();
  notes.insert(notes.end(), told.begin(), told.end());
  return Ok();
}

Status MountAssembly::OpenOwedLocks() {
  OwedLocks::Parties parties{connection_->store(), pool_, connection_->clock()};
  if (!options_.read_only) {
    auto table = OwedTable::Open(places_.state, connection_->reached_bucket());
    if (!table) return std::move(table).error().While(kStateDirectory);
    parties.table = std::move(*table);
  }
  owed_ = std::make_unique<OwedLocks>(std::move(parties));
  return Ok();
}

// A mount that writes nothing locks nothing.
Status MountAssembly::MakeRules(std::vector<std::string>& notes) {
  if (options_.read_only) return Ok();
  const std::vector<std::string> none;
  const SealedMount* volume = sealed_->volume();
  COFFER_ASSIGN(MountRules made,
                MakeLockRules(options_.locks, volume ? volume->descriptor().lock_rules : none,
                              locks_, notes));
  COFFER_ASSIGN(const auto worm, WormTerm(options_.locks));
  worm_.snaplock = options_.locks.worm == "snaplock";
  worm_.shows_atime = options_.locks.worm_atime;
  if (worm) worm_.mode = worm->mode;
  if (worm) worm_.default_s = worm->period_s;
  if (!made.any()) return Ok();
  if (options_.strict_excl && !made.rules.empty()) {
    return Error{Code::kInvalid,
                 "--strict-excl puts an empty object under the name of every new O_EXCL file "
                 "first, and a lock rule (" +
                     made.rules.rules().front().text +
                     ") would lock it: leave out --strict-excl; O_EXCL is then decided when the "
                     "file is closed"};
  }
  const s3::Target& target = connection_->target();
  locking_->SetRules({target.key_prefix, std::move(made.rules), std::move(made.autolock), locks_,
                      target.aws_host});
  return Ok();
}

Status MountAssembly::OpenRecords() {
  if (options_.read_only) {
    uploads_ = std::make_unique<s3::NoUploads>();
    return Ok();
  }
  UploadRecords::Options options;
  options.state_directory = places_.state;
  options.volume = connection_->reached_bucket();
  options.warn = [this](const std::string& line) { log_.Warn(line); };
  auto records = UploadRecords::Open(std::move(options));
  if (!records) return std::move(records).error().While(kStateDirectory);
  uploads_ = std::move(*records);
  return Ok();
}

void MountAssembly::OpenIndex() {
  AttributeIndex::Options options;
  // What was shall not be taken for what is, by the next mount.
  if (options_.at.empty()) options.directory = places_.index;
  options.volume = connection_->reached_bucket();
  // Its rows say what a listing shows of an object, which is another size with --s3ec.
  if (s3ec_) options.volume += "+s3ec";
  options.limit_bytes = options_.index_limit;
  std::string notice;
  index_ = AttributeIndex::Open(options, &notice);
  if (!notice.empty()) log_.Warn(notice);
}

// Nothing is written into the bucket at mount but to finish this machine's own journal.
void MountAssembly::Recover(std::vector<std::string>& notes) {
  const RecoveredRenames renamed = renames_->Recover();
  notes.insert(notes.end(), renamed.lines.begin(), renamed.lines.end());
  auto* records = static_cast<UploadRecords*>(uploads_.get());
  const Leftovers leftovers = records->AbortLeftovers(connection_->store());
  if (leftovers.aborted > 0) {
    notes.push_back("aborted " + std::to_string(leftovers.aborted) +
                    " uploads that an earlier mount left unfinished");
  }
  notes.insert(notes.end(), leftovers.failures.begin(), leftovers.failures.end());
}

// Only now: what a dead mount was renaming has its names by now, and the filesystem keeps what is
// about to be locked from being renamed again.
void MountAssembly::TakeOverOwed(std::vector<std::string>& notes) {
  const std::vector<std::string> owed = owed_->TakeOver(options_.locks.allow_compliance);
  notes.insert(notes.end(), owed.begin(), owed.end());
}

void MountAssembly::MakeFilesystem() {
  const Filesystem::Parts parts{store(),
                                pool_,
                                *budget_,
                                *index_,
                                *uploads_,
                                *renames_,
                                connection_->clock(),
                                connection_->server_time(),
                                log_,
                                sealed_->volume() ? &sealed_->volume()->store() : nullptr,
                                [this](std::string_view field) { return VolumeField(field); },
                                owed_.get()};
  filesystem_ = std::make_unique<Filesystem>(parts, Options());
  owed_->SetHooks({[this](const auto& key) { return filesystem_->HoldUnused(key); },
                   [this](const auto& key) { filesystem_->LockedMeanwhile(key); },
                   [this](const std::string& line) { log_.Warn(line); }, locks_.visible});
}

// Commands on a path have to know whether it shows what is there now.
Json MountAssembly::Description() const {
  Json description = DescribeVolume(connection_->options());
  if (!options_.at.empty()) description["at"] = options_.at;
  return description;
}

// The counters that tell whether the quota of KMS is in danger, for who has no `coffer status`.
std::string MountAssembly::VolumeField(std::string_view field) const {
  const SealedMount* volume = sealed_->volume();
  if (field == "sealed") return volume == nullptr ? "no" : "yes";
  if (field == "connection") return ToText(Description(), -1);
  if (volume == nullptr) return "";
  if (field == "kms-calls") return std::to_string(KmsCalls(*volume));
  const KeyCacheCounts cache = volume->CacheCounts();
  if (field == "kms-hits") return std::to_string(cache.sealing.hits + cache.opening.hits);
  return "";
}

StatusFacts MountAssembly::Facts() const {
  StatusFacts facts;
  facts.version = COFFER_VERSION;
  facts.source = options_.volume.source;
  facts.address_kind = KindInWords(connection_->target());
  facts.capabilities = DescribeCapabilities(connection_->target().capabilities);
  facts.missing = MissingCapabilities(connection_->target().capabilities);
  facts.bucket_url = BucketUrl(connection_->target());
  facts.pid = getpid();
  facts.uptime_s =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began_)
          .count();
  facts.read_only = options_.read_only;
  facts.requests = connection_->counters().Snapshot();
  const ReadCounters& reads = filesystem_->read_counters();
  facts.bytes_fetched = reads.bytes_fetched;
  facts.bytes_returned = reads.bytes_returned;
  facts.bytes_in_vain = reads.bytes_in_vain;
  facts.files_ahead = reads.files_ahead;
  facts.files_in_vain = reads.files_in_vain;
  facts.lists_ahead = reads.lists_ahead;
  facts.lists_in_vain = reads.lists_in_vain;
  facts.memory_limit = budget_->limit();
  facts.memory_used = budget_->used();
  facts.memory_high_water = budget_->high_water();
  facts.process = ProcessMemory();
  facts.threads = pool_.threads();
  facts.queued = pool_.queued();
  facts.index = index_->stats();
  facts.files = filesystem_->stats();
  facts.owed_locks = owed_->counts();
  facts.recent_failure = connection_->failures().last();
  facts.connection = Description();
  if (sealed_->volume()) {
    facts.sealed = SealedReport(*sealed_->volume(), sealed_->KmsCounts());
  }
  return facts;
}

void MountAssembly::SaveFindings() {
  if (!connection_ || options_.read_only) return;
  const std::string findings = connection_->conditions().Export();
  if (findings == saved_findings_) return;
  const Status saved =
      fs::SaveFindings(places_.state, connection_->reached_bucket(), connection_->conditions());
  if (!saved) log_.Warn(saved.error().what);
  saved_findings_ = findings;
}

}  // namespace coffer::fs
