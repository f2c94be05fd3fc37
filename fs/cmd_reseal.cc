#include "fs/cmd_reseal.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fs/exit_code.h"
#include "fs/interrupts.h"
#include "fs/json.h"
#include "fs/key_set.h"
#include "fs/reseal.h"
#include "fs/status_report.h"
#include "fs/upload_records.h"
#include "fs/volume_session.h"
#include "fs/volume_walk.h"

namespace coffer::fs {
namespace {

// Enough for what is under way: each holds a key of the arena.
constexpr std::size_t kMessagesKept = 256;
constexpr std::size_t kMessagesPerKey = 1'000;  // what one data key seals

// What was left as it is.
constexpr std::array kLeft = {resealing::kLocked,  resealing::kArchived, resealing::kPlaintext,
                              resealing::kForeign, resealing::kNoKey,    resealing::kChanged,
                              resealing::kUnbound, resealing::kFailed};

class ResealCommand {
 public:
  ResealCommand(const ResealOptions& options, Console& console)
      : options_(options), console_(console) {}
  Result<int> Run(const Environment& environment);

 private:
  Status Open(const Environment& environment);
  Status OpenOldKeys();
  Status OpenRecords();
  SealedVolume VolumeOf(BindingPolicy binding) const;
  Result<WalkReport> Walk(bool survey);
  Status Ask(const WalkReport& found);
  int Report(const WalkReport& report, bool survey);
  void ReportText(const WalkReport& report, bool survey);
  void ReportCost(const WalkReport& report);
  Json ReportJson(const WalkReport& report, bool survey) const;
  Status ShowFindings(VolumeWalk& walk);
  void Note(const std::string& note) {
    console_.err << "coffer reseal: " << Printable(note) << "\n";
  }

  const ResealOptions& options_;
  Console& console_;
  std::unique_ptr<Interrupts> interrupts_;  // first, since it starts before all threads
  std::unique_ptr<VolumeSession> session_;
  std::unique_ptr<MultiKeySource> keys_;  // of old files and new ones
  std::unique_ptr<KeyCache> cache_;
  std::unique_ptr<SealedStore> source_;
  std::unique_ptr<SealedStore> check_;
  std::unique_ptr<SealedStore> loose_;
  std::unique_ptr<UploadRecords> records_;
  ResealCost cost_;
  Json findings_ = Json::array();
};

Status ResealCommand::Open(const Environment& environment) {
  COFFER_ASSIGN(interrupts_, Interrupts::Watch());
  std::vector<std::string> notes;
  const VolumeSession::Request request{options_.volume, options_.keys, "yes", "", false};
  auto session = VolumeSession::Open(request, environment, notes);
  for (const std::string& note : notes) Note(note);
  if (!session) return std::move(session).error();
  session_ = std::move(session).value();
  if (session_->read_only() || session_->sealed() == nullptr) {
    return Error{Code::kUnsupported,
                 "a recovery key reads, and cannot seal: name a KMS or AES key"};
  }
  if (!session_->connection().target().capabilities.write) {
    return Error{Code::kUnsupported, "this kind of address only reads"};
  }
  COFFER_TRY(OpenOldKeys());
  if (options_.dry_run) return Ok();
  return OpenRecords();
}

SealedVolume ResealCommand::VolumeOf(BindingPolicy binding) const {
  SealedVolume volume = session_->sealed()->store().volume();
  volume.binding = binding;
  return volume;
}

// The volume's keys, and those that were named: removed ones among them.
Status ResealCommand::OpenOldKeys() {
  COFFER_ASSIGN(const auto given, NamedKeys(options_.keys, session_->arena()));
  std::vector<KeyName> names = session_->sealed()->descriptor().keys;
  for (const KeyMaterial& material : given) {
    const bool known = std::any_of(names.begin(), names.end(), [&](const KeyName& name) {
      return SameKey(name, material.name);
    });
    // What an RSA key opens is anybody's: it is not sealed again as true.
    if (!known && material.name.kind != KeyName::Kind::kRsa) names.push_back(material.name);
  }
  const KeyWorkshop workshop{session_->arena(), [this](const std::string& key) {
                               return session_->kms().MakeKeyring(key);
                             }};
  std::erase_if(names, [](const KeyName& name) { return name.kind == KeyName::Kind::kRsa; });
  COFFER_ASSIGN(auto rings, MakeKeyrings(names, given, workshop));
  keys_ = std::make_unique<MultiKeySource>(std::move(rings),
                                           [this] { return session_->clock().Steady(); });
  KeyCacheLimits limits;
  limits.max_entries = options_.keys.cache_entries / 2;
  cache_ = std::make_unique<KeyCache>(
      *keys_, limits, KeyCacheParties{[this] { return session_->clock().Steady(); }, {}});
  const SealedStore::Parts parts{.below = session_->stored(),
                                 .keys = *cache_,
                                 .arena = session_->arena(),
                                 .pool = session_->pool(),
                                 .messages_kept = kMessagesKept};
  // Whatever mounts tolerate: an object that has another's name would be sealed again as that one.
  source_ = std::make_unique<SealedStore>(parts, VolumeOf(BindingPolicy::kStrict));
  check_ = std::make_unique<SealedStore>(parts, VolumeOf(BindingPolicy::kStrict));
  loose_ = std::make_unique<SealedStore>(parts, VolumeOf(BindingPolicy::kOff));
  return Ok();
}

Status ResealCommand::OpenRecords() {
  UploadRecords::Options options;
  options.state_directory = session_->state_directory();
  options.volume = session_->connection().reached_bucket();
  options.warn = [this](const std::string& line) { Note(line); };
  COFFER_ASSIGN(records_, UploadRecords::Open(std::move(options)));
  const Leftovers leftovers = records_->AbortLeftovers(session_->stored());
  if (leftovers.aborted > 0) {
    Note("aborted " + std::to_string(leftovers.aborted) + " uploads that were left unfinished");
  }
  for (const std::string& failure : leftovers.failures) Note(failure);
  return Ok();
}

Result<WalkReport> ResealCommand::Walk(bool survey) {
  s3::NoUploads none;
  s3::UploadObserver& uploads = records_ ? static_cast<s3::UploadObserver&>(*records_) : none;
  Resealer resealer(
      {session_->stored(), *source_, session_->sealed()->store(), *check_, *loose_, uploads},
      {session_->sealed()->descriptor(), session_->prefix(), options_.adopt_plaintext, survey});
  WalkRequest request;
  request.prefix = session_->prefix();
  request.sorted = session_->connection().target().capabilities.sorted_list;
  request.journal = {session_->state_directory(), "reseal", VolumeAddress(session_->connection()),
                     survey ? "survey" : "change"};
  request.doing = survey ? "looked at" : "resealed";
  VolumeWalk walk(session_->stored(), session_->pool(), std::move(request));
  // What is under way ends unfinished: the old object stays, and the upload is on record.
  interrupts_->Set([&] {
    walk.Stop({Code::kInterrupted, "interrupted"});
    session_->connection().Interrupt();
  });
  WalkReport report = walk.Run(
      [&](const s3::ListedObject& object) {
        auto visited = resealer.Visit(object);
        if (visited) walk.Moved(visited->bytes);
        return visited;
      },
      console_);
  interrupts_->Clear();
  cost_ = resealer.Cost();
  if (!survey || options_.dry_run) COFFER_TRY(ShowFindings(walk));
  // What is done is seen from the headers: nothing has to be remembered.
  report.can_resume = false;
  COFFER_TRY(walk.Close());
  return report;
}

Status ResealCommand::ShowFindings(VolumeWalk& walk) {
  return walk.ForEachFinding([this](const WalkFinding& finding) {
    console_.err << "coffer reseal: " << finding.outcome << ": " << Printable(finding.key) << ": "
                 << Printable(finding.reason) << "\n";
    if (options_.json && findings_.size() < VolumeWalk::kFindingsAtHand) {
      findings_.push_back(
          {{"key", finding.key}, {"outcome", finding.outcome}, {"reason", finding.reason}});
    }
    return Ok();
  });
}

WalkCount CountOf(const WalkReport& report, const char* outcome) {
  const auto found = report.counts.find(outcome);
  return found == report.counts.end() ? WalkCount{} : found->second;
}

std::string Amount(const WalkCount& count) {
  return std::to_string(count.objects) + (count.objects == 1 ? " object, " : " objects, ") +
         HumanBytes(count.bytes);
}

Status ResealCommand::Ask(const WalkReport& found) {
  const WalkCount old = CountOf(found, resealing::kResealed);
  const WalkCount clear = CountOf(found, resealing::kAdopted);
  if (old.objects + clear.objects == 0) return Ok();
  std::string question = options_.volume.source + ": ";
  if (old.objects > 0) question += "seal again " + Amount(old) + ", under the present keys";
  if (clear.objects > 0) {
    question +=
        (old.objects > 0 ? "; " : "") + ("seal " + Amount(clear)) + ", that are in the clear";
    if (session_->versioned()) {
      question +=
          " (the bucket keeps old versions: the clear ones stay there until they are deleted)";
    }
  }
  question += "?";
  if (!console_.interactive) {
    return Error{Code::kInvalid, question + " Nobody can be asked: add --yes"};
  }
  if (Confirm(console_, Printable(question))) return Ok();
  return Error{Code::kInterrupted, "nothing was changed"};
}

void ResealCommand::ReportCost(const WalkReport& report) {
  const std::uint64_t sealed =
      CountOf(report, resealing::kResealed).objects + CountOf(report, resealing::kAdopted).objects;
  const std::uint64_t made = (sealed + kMessagesPerKey - 1) / kMessagesPerKey;
  std::size_t kms = 0;
  for (const KeyName& key : session_->sealed()->descriptor().keys) {
    kms += key.kind == KeyName::Kind::kKms ? 1 : 0;
  }
  console_.out << "To S3, about: " << report.objects() << " GET to look at all, " << cost_.reads
               << " GET, " << cost_.writes << " PUT or POST.\n";
  if (kms == 0) return;
  console_.out << "To KMS, about: " << cost_.data_keys << " Decrypt, " << made
               << " GenerateDataKey (and one for each 5 minutes)";
  if (kms > 1) console_.out << ", " << made * (kms - 1) << " Encrypt";
  console_.out << ".\n";
}

void ResealCommand::ReportText(const WalkReport& report, bool survey) {
  const auto line = [&](const char* outcome, const std::string& text) {
    const WalkCount count = CountOf(report, outcome);
    if (count.objects > 0) console_.out << text << ": " << Amount(count) << "\n";
  };
  const std::string would = survey ? "would be " : "";
  line(resealing::kResealed, would + "sealed again under the present keys");
  line(resealing::kAdopted, would + "sealed, in the clear before");
  console_.out << "under the present keys already: " << CountOf(report, resealing::kCurrent).objects
               << "\n";
  line(resealing::kLocked,
       "left, since Object Lock keeps them (they open by their old keys alone)");
  line(resealing::kArchived, "left, since they are archived");
  line(resealing::kPlaintext, "left in the clear (--adopt-plaintext takes them in)");
  line(resealing::kForeign, "left, of other tools");
  line(resealing::kNoKey, "left, since no key that was named opens them");
  line(resealing::kChanged, "left, since they were changed meanwhile");
  line(resealing::kUnbound, "left, since another tool moved them (coffer rebind adopts them)");
  line(resealing::kFailed, "left, since requests failed");
  line(resealing::kDamaged, "DAMAGED, and left");
  if (session_->versioned()) {
    console_.out
        << "The bucket keeps old versions: they stay as they were, under their old keys or "
           "in the clear.\n";
  }
  if (survey) ReportCost(report);
}

Json ResealCommand::ReportJson(const WalkReport& report, bool survey) const {
  Json json = {{"dry_run", survey},
               {"complete", !report.stopped},
               {"versioned", session_->versioned()},
               {"objects", Json::object()},
               {"findings", findings_},
               {"finding_count", report.finding_count}};
  for (const auto& [outcome, count] : report.counts) {
    json["objects"][outcome] = {{"objects", count.objects}, {"bytes", count.bytes}};
  }
  if (survey) {
    json["estimate"] = {
        {"reads", cost_.reads}, {"writes", cost_.writes}, {"data_keys", cost_.data_keys}};
  }
  if (report.stopped) json["error"] = report.stopped->what;
  return json;
}

int ResealCommand::Report(const WalkReport& report, bool survey) {
  if (options_.json) {
    console_.out << ToText(ReportJson(report, survey)) << "\n";
  } else {
    ReportText(report, survey);
  }
  if (report.objects(resealing::kDamaged) > 0) return kExitDamaged;
  if (report.stopped) {
    Note("stopped before the end: " + report.stopped->what + "; run it again to go on");
    return ExitCodeOf(*report.stopped);
  }
  const bool left = std::any_of(kLeft.begin(), kLeft.end(),
                                [&](const char* outcome) { return report.objects(outcome) > 0; });
  return left ? kExitPartial : kExitOk;
}

Result<int> ResealCommand::Run(const Environment& environment) {
  COFFER_TRY(Open(environment));
  if (options_.dry_run || !options_.yes) {
    COFFER_ASSIGN(const WalkReport found, Walk(true));
    if (options_.dry_run || found.stopped) return Report(found, true);
    COFFER_TRY(Ask(found));
  }
  COFFER_ASSIGN(const WalkReport report, Walk(false));
  return Report(report, false);
}

}  // namespace

int RunReseal(const ResealOptions& options, const Environment& environment, Console& console) {
  const auto done = ResealCommand(options, console).Run(environment);
  if (done) return *done;
  console.err << "coffer reseal: " << Printable(done.error().what) << "\n";
  if (options.json) console.out << ToText(Json{{"error", done.error().what}}) << "\n";
  return ExitCodeOf(done.error());
}

}  // namespace coffer::fs
