#include "fs/cmd_rebuild.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/encoding.h"
#include "crypto/header.h"
#include "crypto/multi_key_source.h"
#include "fs/descriptor_write.h"
#include "fs/key_match.h"
#include "fs/key_pins.h"
#include "fs/key_trial.h"
#include "fs/volume_session.h"
#include "fs/volume_signs.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kSamples = 100;
constexpr std::size_t kSamplesAtOnce = 16;
constexpr std::uint64_t kLargestSampleHeader = 8192;
constexpr std::uint64_t kShownBytes = 32;

// A file, and what its header says.
struct Sample {
  s3::ListedObject object;
  std::optional<Header> header;  // of a message of some sealed volume
};

class Rebuild {
 public:
  Rebuild(const InitOptions& options, Console& console) : options_(options), console_(console) {}
  Status Run(const Environment& environment);

 private:
  Status Open(const Environment& environment);
  Status LookAtPlace();
  Status NameKeys();
  Status TakeSamples();
  Status TakeFrom(std::vector<s3::ListedObject> objects);
  Status LookAt(Sample& sample);
  Status Agree();
  Status Authenticate();
  void ChooseKeys();
  Status Ask();
  Status Write();
  void Note(const std::string& note);
  Result<KeyTrial> Try(std::vector<KeyName>& keys);
  bool IsPinned(const KeyName& key) const;
  KeyWorkshop workshop() {
    return {session_->arena(), [this](const std::string& key) { return kms_->MakeKeyring(key); }};
  }

  const InitOptions& options_;
  Console& console_;
  std::unique_ptr<VolumeSession> session_;
  std::unique_ptr<KmsAccess> kms_;
  std::optional<KeyPin> pin_;
  s3::Condition condition_ = s3::Condition::Absent();
  std::vector<KeyMaterial> given_;
  std::vector<KeyName> allowed_;  // named or pinned
  std::vector<Sample> samples_;
  std::optional<Error> unread_;  // of a sample that could not be looked at
  EncryptionContext context_;    // of the descriptor, as the files have it
  Header proof_;                 // of the file that was authenticated
  VolumeDescriptor descriptor_;
  bool doubtful_ = false;  // so that somebody has to say yes
};

void Rebuild::Note(const std::string& note) {
  console_.err << "coffer init: " << Printable(note) << "\n";
}

bool Rebuild::IsPinned(const KeyName& key) const {
  return pin_ && std::any_of(pin_->keys.begin(), pin_->keys.end(),
                             [&](const KeyName& known) { return SameKey(known, key); });
}

Status Rebuild::Open(const Environment& environment) {
  std::vector<std::string> notes;
  const VolumeSession::Request request{options_.volume, options_.keys, "yes", "", true};
  COFFER_ASSIGN(session_, VolumeSession::Open(request, environment, notes));
  for (const std::string& note : notes) Note(note);
  kms_ = std::make_unique<KmsAccess>(
      QuickKms(session_->connection(), options_.keys, session_->arena()));
  COFFER_ASSIGN(pin_, LoadPin(session_->state_directory(), VolumeAddress(session_->connection())));
  if (pin_ || options_.keys.any()) return Ok();
  return Error{Code::kInvalid,
               "this machine does not know the volume, and the bucket does not choose the keys: "
               "name them (--kms-key, --key-file, --aes-key, --recovery-key)"};
}

// Lost, or damaged, or somebody else's?
Status Rebuild::LookAtPlace() {
  const std::string key = DescriptorKey(session_->prefix());
  auto there = session_->stored().Get(key, {0, kShownBytes}, {});
  if (!there && there.error().code == Code::kNotFound) return Ok();
  if (!there) return std::move(there).error().While("look at " + key);
  SealedFinding finding;
  const auto opened =
      SealedAccess::OpenDescriptor({session_->connection(), session_->pool(), session_->arena()},
                                   options_.keys, session_->state_directory(), finding);
  if (opened) {
    return Error{Code::kExists, "the descriptor is there and opens: there is nothing to rebuild"};
  }
  if (opened.error().code != Code::kCorrupt) {
    return Error(opened.error())
        .While("what stands at " + key +
               " is not known to be a damaged descriptor of this volume, so it is not replaced (to "
               "be rid of it, move it away first)");
  }
  Note("the descriptor is damaged: " + opened.error().what);
  Note("it has " + std::to_string(there->info.size) + " bytes and begins with " +
       HexEncode(there->body));
  condition_ = s3::Condition::Matches(there->info.etag);
  doubtful_ = true;
  return Ok();
}

// Named keys, and pinned ones; KMS keys that were named stand for those that are pinned.
Status Rebuild::NameKeys() {
  COFFER_ASSIGN(given_, NamedKeys(options_.keys, session_->arena()));
  const bool names_kms = !options_.keys.kms_keys.empty();
  for (const KeyName& key : pin_ ? pin_->keys : std::vector<KeyName>()) {
    if (key.kind == KeyName::Kind::kKms && names_kms) continue;
    allowed_.push_back(key);
  }
  for (const KeyMaterial& material : given_) {
    if (!IsPinned(material.name) || material.name.kind == KeyName::Kind::kKms) {
      allowed_.push_back(material.name);
    }
  }
  const bool none = std::all_of(allowed_.begin(), allowed_.end(),
                                [](const KeyName& key) { return key.kind == KeyName::Kind::kRsa; });
  if (none) return Error{Code::kInvalid, "name a KMS key or a local AES key that opens the files"};
  COFFER_TRY(Try(allowed_));  // an alias becomes the ARN that headers name
  return Ok();
}

Result<KeyTrial> Rebuild::Try(std::vector<KeyName>& keys) {
  auto trial = TryKeys(
      keys, given_, workshop(), [this] { return session_->clock().Steady(); }, context_);
  if (!trial) ShowMissingStatement(trial.error(), keys, console_);
  return trial;
}

Status Rebuild::LookAt(Sample& sample) {
  auto head = session_->stored().Get(sample.object.key, {0, kLargestSampleHeader},
                                     {.etag = sample.object.etag, .version_id = {}});
  if (!head) return std::move(head).error().While("look at \"" + sample.object.key + "\"");
  auto header = ParseHeader(head->body, kHeaderLimits);
  if (header && header->context.contains("coffer") && header->context.contains("vol")) {
    sample.header = std::move(header).value();
  }
  return Ok();
}

// The newest of the first objects, which are under the present keys; of the first thousand, or of
// the first in which there is any of the volume's.
Status Rebuild::TakeSamples() {
  s3::ListRequest request;
  request.prefix = session_->prefix();
  request.delimited = false;
  do {
    COFFER_ASSIGN(s3::ListPage page, session_->stored().List(request));
    request.token = page.next_token;
    COFFER_TRY(TakeFrom(std::move(page.objects)));
    const bool any = std::any_of(samples_.begin(), samples_.end(),
                                 [](const Sample& sample) { return sample.header.has_value(); });
    if (any) return Ok();
  } while (!request.token.empty());
  // What could not be looked at may have been all there was of it.
  if (unread_) return Error(*unread_);
  return Ok();
}

Status Rebuild::TakeFrom(std::vector<s3::ListedObject> objects) {
  const std::string own = session_->prefix() + std::string(kOwnDirectory);
  std::erase_if(objects, [&](const auto& object) { return object.key.starts_with(own); });
  std::stable_sort(objects.begin(), objects.end(), [](const auto& a, const auto& b) {
    return a.last_modified_s > b.last_modified_s;
  });
  if (objects.size() > kSamples) objects.resize(kSamples);
  samples_ = std::vector<Sample>(objects.size());
  std::vector<Status> looked(samples_.size(), Ok());
  TaskGroup group(session_->pool(), kSamplesAtOnce);
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    samples_[i].object = std::move(objects[i]);
    group.Add([this, &sample = samples_[i], &status = looked[i]] { status = LookAt(sample); });
  }
  group.Wait();
  for (const Status& status : looked) {
    if (status) continue;
    if (status.error().code == Code::kInterrupted) return status;
    if (!unread_) Note("not looked at: " + status.error().what);
    unread_ = status.error();
  }
  return Ok();
}

Status Rebuild::Agree() {
  const Header* first = nullptr;
  std::size_t others = 0;
  for (Sample& sample : samples_) {
    const bool foreign =
        !sample.header || (pin_ && sample.header->context.at("vol") != pin_->volume);
    if (foreign) {
      ++others;
      sample.header.reset();
      continue;
    }
    const Header& header = *sample.header;
    if (first == nullptr) first = &header;
    if (header.context == first->context && header.size == first->size &&
        header.frame_size == first->frame_size) {
      continue;
    }
    return Error{Code::kNotPermitted,
                 "the files here do not agree on the volume they belong to (" +
                     first->context.at("vol") + ", " + header.context.at("vol") + " for \"" +
                     sample.object.key +
                     "\"): move those away that do not belong here, or put back the descriptor"};
  }
  if (first == nullptr) {
    return Error{Code::kNotFound, "there is no file of a sealed volume here to make it again from"};
  }
  context_ = first->context;
  context_["kind"] = "volume";
  if (others != 0) {
    Note(std::to_string(others) + " of " + std::to_string(samples_.size()) +
         " objects are none of the volume's; mounts will refuse them");
  }
  return Ok();
}

// Nothing that a header says is believed before one of them, and the end of its file,
// authenticated.
Status Rebuild::Authenticate() {
  std::vector<KeyName> opening;
  for (const KeyName& key : allowed_) {
    if (key.kind != KeyName::Kind::kRsa) opening.push_back(key);
  }
  COFFER_ASSIGN(auto rings, MakeKeyrings(opening, given_, workshop()));
  MultiKeySource keys(std::move(rings), [this] { return session_->clock().Steady(); });
  const BindingPolicy binding = BindingOf(options_.name_binding).value_or(BindingPolicy::kStrict);
  std::optional<Error> failure;
  for (const Sample& sample : samples_) {
    if (!sample.header) continue;
    const Header& header = *sample.header;
    const std::string& id = header.context.at("vol");
    COFFER_ASSIGN(const Layout layout,
                  Layout::Make(static_cast<std::uint32_t>(header.size), header.frame_size));
    SealedStore store({session_->stored(), keys, session_->arena(), session_->pool()},
                      {id, session_->prefix(), layout, header.context, binding, false});
    const auto opened =
        store.Get(sample.object.key, {0, 1}, {.etag = sample.object.etag, .version_id = {}});
    if (!opened) {
      failure = opened.error();
      continue;
    }
    proof_ = header;
    descriptor_.id = id;
    descriptor_.header_size = layout.header_size();
    descriptor_.frame_size = layout.frame_size();
    descriptor_.context = header.context;
    for (const char* own : {"coffer", "vol"}) descriptor_.context.erase(own);
    descriptor_.binding = binding;
    return Ok();
  }
  return std::move(*failure).While("no file of the volume opens under the keys that were named");
}

// What is pinned was once the descriptor's own word; what was named must stand in a header.
void Rebuild::ChooseKeys() {
  for (const KeyName& key : allowed_) {
    const bool named = std::any_of(proof_.encrypted.begin(), proof_.encrypted.end(),
                                   [&](const auto& one) { return IsWrappedBy(one, key); });
    if (named || IsPinned(key)) descriptor_.keys.push_back(key);
    if (named) continue;
    if (IsPinned(key)) {
      doubtful_ = true;
      Note(
          "was a key of the volume when this machine used it last, and the newest file that "
          "opened is not sealed under it: " +
          Describe(key) + " (coffer key remove, if it was removed)");
      continue;
    }
    doubtful_ = true;
    Note("left out, since the newest file that opened is not sealed under it: " + Describe(key) +
         " (coffer key add)");
  }
  for (const EncryptedDataKey& one : proof_.encrypted) {
    const bool known = std::any_of(allowed_.begin(), allowed_.end(),
                                   [&](const KeyName& key) { return IsWrappedBy(one, key); });
    if (known) continue;
    doubtful_ = true;
    Note(
        "left out, since it was neither named nor pinned, though files are sealed under it: " +
        Describe(ClaimedKey(one)) +
        (one.provider == "aws-kms" ? "" : " (--recovery-key, --rsa-key, --aes-key or --key-file)"));
  }
}

Status Rebuild::Ask() {
  if (!doubtful_ || options_.yes) return Ok();
  std::string question = "Write a descriptor of the volume " + descriptor_.id + " under ";
  for (const KeyName& key : descriptor_.keys) {
    question += (&key == &descriptor_.keys.front() ? "" : ", ") + Describe(key);
  }
  question += "?";
  if (!console_.interactive) {
    return Error{Code::kInvalid, question + " Nobody can be asked: add --yes"};
  }
  if (Confirm(console_, Printable(question))) return Ok();
  return Error{Code::kInterrupted, "nothing was changed"};
}

Status Rebuild::Write() {
  COFFER_TRY(CheckKeySet(descriptor_.keys, options_.no_recovery_key));
  COFFER_TRY(Ask());
  COFFER_ASSIGN(const KeyTrial trial, Try(descriptor_.keys));
  const DescriptorPlace place{session_->stored(), session_->arena(), session_->pool(),
                              session_->prefix(), session_->connection().server_time()};
  descriptor_.lock_rules = options_.lock_rules;
  const auto written = WriteDescriptor(place, descriptor_, *trial.source, condition_);
  const bool lost =
      !written && (written.error().code == Code::kExists || written.error().code == Code::kChanged);
  if (lost) return Error{Code::kChanged, "somebody else wrote the descriptor just now"};
  COFFER_TRY(written);
  COFFER_TRY(SavePin(session_->state_directory(),
                     {VolumeAddress(session_->connection()), descriptor_.id, descriptor_.keys}));
  console_.out << "sealed volume " << descriptor_.id << " has a descriptor again, with headers of "
               << descriptor_.header_size << " bytes, under\n";
  for (const KeyName& key : descriptor_.keys) {
    console_.out << "  " << Printable(Describe(key)) << "\n";
  }
  return Ok();
}

Status Rebuild::Run(const Environment& environment) {
  COFFER_TRY(Open(environment));
  std::vector<std::string> doubts;
  COFFER_TRY(RefuseInside(session_->prefix(), session_->stored(), doubts));
  for (const std::string& doubt : doubts) Note(doubt);
  COFFER_TRY(LookAtPlace());
  COFFER_TRY(TakeSamples());
  COFFER_TRY(Agree());
  COFFER_TRY(NameKeys());
  COFFER_TRY(Authenticate());
  ChooseKeys();
  return Write();
}

}  // namespace

Status RebuildDescriptor(const InitOptions& options, const Environment& environment,
                         Console& console) {
  return Rebuild(options, console).Run(environment);
}

}  // namespace coffer::fs
