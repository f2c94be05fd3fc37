#include "fs/cmd_key.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fs/descriptor_write.h"
#include "fs/exit_code.h"
#include "fs/json.h"
#include "fs/key_operand.h"
#include "fs/key_pins.h"
#include "fs/key_trial.h"
#include "fs/private_file.h"
#include "fs/volume_session.h"

namespace coffer::fs {
namespace {

// By which reseal is given a key, FILE where it is one; "" for those that it does not open by.
std::string OptionFor(const KeyName& key) {
  if (key.kind == KeyName::Kind::kKms) return " --kms-key " + key.name;
  if (key.kind == KeyName::Kind::kRsa) return "";
  return " --aes-key " + key.provider + "/" + key.name + "=FILE";
}

class KeyCommand {
 public:
  KeyCommand(const KeyCommandOptions& options, Console& console)
      : options_(options), console_(console) {}
  ~KeyCommand();
  KeyCommand(const KeyCommand&) = delete;
  KeyCommand& operator=(const KeyCommand&) = delete;

  Status Run(const Environment& environment);

 private:
  Status Open(const Environment& environment);
  Status List();
  Status Add();
  Status Remove();
  Result<std::vector<KeyMaterial>> MaterialToAdd();
  // `keys` become the volume's. `question` is asked before; "" for none.
  Status Change(std::vector<KeyName> keys, const std::string& question);
  Status CheckRoom(const std::vector<EncryptedDataKey>& encrypted);
  Status Ask(const std::string& question);
  void Notes(const std::vector<std::string>& notes);
  void ShowKeys(const std::vector<KeyName>& keys);
  std::string shown() const { return Printable(options_.volume.source); }

  const KeyCommandOptions& options_;
  Console& console_;
  std::unique_ptr<VolumeSession> session_;
  OpenedDescriptor opened_;
  std::string made_recovery_key_;  // a file under whose key nothing was sealed yet
};

KeyCommand::~KeyCommand() {
  if (!made_recovery_key_.empty()) (void)RemoveFile(made_recovery_key_);
}

void KeyCommand::Notes(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) {
    console_.err << "coffer key: " << Printable(note) << "\n";
  }
}

Status KeyCommand::Open(const Environment& environment) {
  std::vector<std::string> notes;
  VolumeSession::Request request{options_.volume, options_.keys, "yes", "", true};
  COFFER_ASSIGN(session_, VolumeSession::Open(request, environment, notes));
  SealedFinding finding;
  auto opened =
      SealedAccess::OpenDescriptor({session_->connection(), session_->pool(), session_->arena()},
                                   options_.keys, session_->state_directory(), finding);
  notes.insert(notes.end(), finding.notes.begin(), finding.notes.end());
  Notes(notes);
  if (!opened) return std::move(opened).error();
  opened_ = std::move(opened).value();
  return Ok();
}

Status KeyCommand::Run(const Environment& environment) {
  COFFER_TRY(Open(environment));
  switch (options_.action) {
    case KeyAction::kAdd:
      return Add();
    case KeyAction::kRemove:
      return Remove();
    default:
      return List();
  }
}

// ---- list ----

Json KeyJson(const KeyName& key, bool pinned) {
  Json json = {{"type", key.kind == KeyName::Kind::kKms   ? "aws-kms"
                        : key.kind == KeyName::Kind::kAes ? "raw-aes"
                                                          : "raw-rsa"}};
  if (key.kind == KeyName::Kind::kKms) {
    json["arn"] = key.name;
  } else {
    json["namespace"] = key.provider;
    json["name"] = key.name;
  }
  if (key.kind == KeyName::Kind::kRsa) json["padding"] = key.padding;
  json["pinned"] = pinned;
  return json;
}

Status KeyCommand::List() {
  COFFER_ASSIGN(const std::optional<KeyPin> pin,
                LoadPin(session_->state_directory(), VolumeAddress(session_->connection())));
  const VolumeDescriptor& volume = opened_.descriptor;
  const auto pinned = [&](const KeyName& key) {
    return pin && std::any_of(pin->keys.begin(), pin->keys.end(),
                              [&](const KeyName& known) { return SameKey(known, key); });
  };
  if (options_.json) {
    Json json = {{"volume", volume.id},
                 {"header_size", volume.header_size},
                 {"header_used", volume.header_size - opened_.free},
                 {"header_free", opened_.free},
                 {"keys", Json::array()}};
    for (const KeyName& key : volume.keys) json["keys"].push_back(KeyJson(key, pinned(key)));
    console_.out << ToText(json) << "\n";
    return Ok();
  }
  console_.out << "sealed volume " << volume.id << "; new files are sealed under\n";
  for (const KeyName& key : volume.keys) {
    console_.out << "  " << Printable(Describe(key));
    if (key.kind == KeyName::Kind::kRsa) console_.out << ", " << key.padding;
    console_.out << (pinned(key) ? "" : " (not remembered by this machine)") << "\n";
  }
  console_.out << "Headers have " << volume.header_size << " bytes, of which "
               << volume.header_size - opened_.free << " are used and " << opened_.free
               << " are left for more keys\n(a KMS key takes about 272, RSA of 4,096 bits about "
                  "550, a local AES key about 100).\n";
  return Ok();
}

// ---- add, remove ----

Status KeyCommand::Ask(const std::string& question) {
  if (question.empty() || options_.yes) return Ok();
  if (!console_.interactive) {
    return Error{Code::kInvalid, question + " Nobody can be asked: add --yes"};
  }
  if (Confirm(console_, Printable(question))) return Ok();
  return Error{Code::kInterrupted, "nothing was changed"};
}

Status KeyCommand::CheckRoom(const std::vector<EncryptedDataKey>& encrypted) {
  COFFER_ASSIGN(const std::size_t needed, HeaderNeeded(opened_.descriptor, encrypted));
  const std::size_t size = opened_.descriptor.header_size;
  if (needed + kSmallestPad <= size) {
    opened_.free = static_cast<std::uint32_t>(size - needed - kSmallestPad);
    return Ok();
  }
  return Error{Code::kTooLarge,
               "the volume's headers have " + std::to_string(size) +
                   " bytes, and these keys need " + std::to_string(needed + kSmallestPad - size) +
                   " more: remove another key first, or make a new volume with a larger "
                   "--header-size"};
}

Status KeyCommand::Change(std::vector<KeyName> keys, const std::string& question) {
  COFFER_TRY(CheckKeySet(keys, options_.no_recovery_key));
  Connection& connection = session_->connection();
  KmsAccess kms = QuickKms(connection, options_.keys, session_->arena());
  const KeyWorkshop workshop{session_->arena(),
                             [&](const std::string& key) { return kms.MakeKeyring(key); }};
  auto trial = TryKeys(
      keys, opened_.given, workshop, [&] { return session_->clock().Steady(); },
      DescriptorContext(opened_.descriptor));
  if (!trial) {
    ShowMissingStatement(trial.error(), keys, console_);
    return std::move(trial).error();
  }
  COFFER_TRY(CheckKeySet(keys, options_.no_recovery_key));  // an alias may be a key that is there
  COFFER_TRY(CheckRoom(trial->encrypted));
  COFFER_TRY(Ask(question));
  opened_.descriptor.keys = keys;
  const DescriptorPlace place{session_->stored(), session_->arena(), session_->pool(),
                              session_->prefix(), session_->connection().server_time()};
  // From here on it may be a key of the volume, whatever is heard of the write: it stays.
  const std::string made = std::exchange(made_recovery_key_, std::string());
  Status written = WriteDescriptor(place, opened_.descriptor, *trial->source,
                                   s3::Condition::Matches(opened_.etag));
  if (!written && !made.empty()) {
    console_.err << "coffer key: keep " << Printable(made)
                 << ": it may be a key of the volume now; coffer key list tells\n";
  }
  if (!written && written.error().code == Code::kChanged) {
    return Error{Code::kChanged,
                 "somebody else has changed the volume's keys just now: see coffer key list, and "
                 "try again"};
  }
  if (!written) return written;
  return SavePin(session_->state_directory(),
                 {VolumeAddress(connection), opened_.descriptor.id, opened_.descriptor.keys});
}

void KeyCommand::ShowKeys(const std::vector<KeyName>& keys) {
  console_.out << "New files of the volume " << opened_.descriptor.id << " are sealed under\n";
  for (const KeyName& key : keys) console_.out << "  " << Printable(Describe(key)) << "\n";
  console_.out << "Mounts that run go on with the keys they know until they are mounted again.\n";
}

Result<std::vector<KeyMaterial>> KeyCommand::MaterialToAdd() {
  COFFER_ASSIGN(KeysToAdd added, ParseKeysToAdd(options_.operands));
  if (!added.new_recovery_key.empty()) {
    COFFER_TRY(MakeRecoveryKey(added.new_recovery_key));
    made_recovery_key_ = added.new_recovery_key;
    added.keys.recovery_key = added.new_recovery_key;
  }
  return NamedKeys(added.keys, session_->arena());
}

Status KeyCommand::Add() {
  COFFER_ASSIGN(std::vector<KeyMaterial> added, MaterialToAdd());
  std::vector<KeyName> keys = opened_.descriptor.keys;
  std::string question;
  for (KeyMaterial& material : added) {
    if (material.name.kind == KeyName::Kind::kAes) {
      question = "Add " + Describe(material.name) +
                 "? Every mount and command has to name its file from then on (--key-file, "
                 "--aes-key), and is refused where it does not.";
    }
    keys.push_back(material.name);
    opened_.given.push_back(std::move(material));
  }
  const std::string recovery = made_recovery_key_;
  COFFER_TRY(Change(std::move(keys), question));
  if (options_.json) return List();
  ShowKeys(opened_.descriptor.keys);
  console_.out << "Files that are there open under their old keys alone until\n  coffer reseal "
               << shown() << "\n";
  if (!recovery.empty()) {
    console_.out << "The recovery key is " << Printable(recovery)
                 << ": keep it where this machine is not, and take it away from here.\n";
  }
  return Ok();
}

Status KeyCommand::Remove() {
  std::vector<KeyName> keys = opened_.descriptor.keys;
  std::vector<KeyName> removed;
  for (const std::string& operand : options_.operands) {
    COFFER_ASSIGN(const std::size_t at, FindKey(keys, operand));
    removed.push_back(keys[at]);
    keys.erase(keys.begin() + static_cast<std::ptrdiff_t>(at));
  }
  if (keys.empty()) {
    return Error{Code::kInvalid,
                 "the last key of a volume cannot be removed: coffer key add another one first"};
  }
  std::string question = "Remove from " + options_.volume.source + " ";
  std::string named;
  for (const KeyName& key : removed) {
    question += (&key == &removed.front() ? "" : " and ") + Describe(key);
    named += OptionFor(key);
  }
  question += "? Files that are there stay sealed under it, and open by it, until coffer reseal;";
  question += " machines that know no other key of the volume refuse it then.";
  COFFER_TRY(Change(std::move(keys), question));
  if (options_.json) return List();
  ShowKeys(opened_.descriptor.keys);
  console_.out
      << "Files that are there stay sealed under their old keys. To move them, name the old "
         "keys too:\n  coffer reseal";
  for (const KeyName& key : opened_.descriptor.keys) console_.out << OptionFor(key);
  console_.out << named << " " << shown() << "\nKeep what was removed until then.\n";
  return Ok();
}

}  // namespace

int RunKey(const KeyCommandOptions& options, const Environment& environment, Console& console) {
  const Status done = KeyCommand(options, console).Run(environment);
  if (done) return kExitOk;
  console.err << "coffer key: " << Printable(done.error().what) << "\n";
  if (options.json) console.out << ToText(Json{{"error", done.error().what}}) << "\n";
  return ExitCodeOf(done.error());
}

}  // namespace coffer::fs
