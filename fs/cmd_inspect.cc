#include "fs/cmd_inspect.h"

#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <system_error>
#include <utility>

#include "crypto/whole_message_opener.h"
#include "fs/exit_code.h"
#include "fs/findings.h"
#include "fs/key_pins.h"
#include "fs/message_check.h"
#include "fs/message_facts.h"
#include "fs/mounted_path.h"
#include "fs/named_key_source.h"
#include "fs/volume_place.h"
#include "fs/volume_session.h"
#include "fs/volume_signs.h"

namespace coffer::fs {
namespace {

constexpr std::uint64_t kStep = 2u << 20;  // more than any header has that is read
constexpr const char* kProved = "proved";
constexpr const char* kNotChecked = "present, not checked: needs a key";

// The next bytes of a message; none at its end.
using Source = std::function<Result<Bytes>()>;

class Inspection {
 public:
  Inspection(const InspectOptions& options, const Environment& environment, Console& console)
      : options_(options), environment_(environment), console_(console) {}

  Result<int> Run();

 private:
  Result<int> LookAtFile();
  Result<int> LookAtObject();
  Result<std::optional<VolumePlace>> PlaceOf() const;
  Status CheckInVolume(const VolumePlace& place, const std::string& key);
  Status CheckAlone(const Source& source);
  void Take(const CheckedObject& object);
  void Describe(ByteView head, std::uint64_t size, const s3::ObjectInfo* info);
  int Tell();

  const InspectOptions& options_;
  const Environment& environment_;
  Console& console_;
  Json object_;   // what S3 says
  Json message_;  // what the header says
  Json checked_;  // what was proved
  std::string kind_;
  int code_ = kExitOk;
};

// "plain" is an answer, not a failure: whoever asks wants to know what it is.
void Inspection::Describe(ByteView head, std::uint64_t size, const s3::ObjectInfo* info) {
  const auto header = ParseHeader(head, {});
  kind_ = header ? "message" : size == 0 ? "empty" : "plain";
  if (header) message_ = MessageFacts(*header, size);
  if (!header) checked_["not_a_message"] = header.error().what;
  if (info == nullptr || !header) return;
  const bool tag = IsBound(info->metadata);
  checked_["bind_tag"] = tag ? kNotChecked : "absent";
  checked_["sealed_xattrs"] = SealedMetadata::HasXattrs(info->metadata) ? kNotChecked : "absent";
}

// ---- A file or a pipe ----

Result<int> Inspection::LookAtFile() {
  const bool standard = options_.path == "-";
  const int fd = standard ? STDIN_FILENO : ::open(options_.path.c_str(), O_RDONLY | O_CLOEXEC);
  const auto failed = [&] {
    return Error{Code::kUnavailable, "read " + (standard ? "standard input" : options_.path) +
                                         ": " + std::generic_category().message(errno)};
  };
  if (fd < 0) return failed();
  const Source next = [&]() -> Result<Bytes> {
    Bytes bytes(kStep);
    std::size_t size = 0;
    while (size < bytes.size()) {
      const ssize_t got = ::read(fd, bytes.data() + size, bytes.size() - size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failed();
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
    }
    bytes.resize(size);
    return bytes;
  };
  std::uint64_t size = 0;
  Bytes head;
  const auto look = [&]() -> Status {
    COFFER_ASSIGN(head, next());
    size = head.size();
    bool first = true;
    const Source counted = [&]() -> Result<Bytes> {
      if (std::exchange(first, false)) return head;
      COFFER_ASSIGN(Bytes bytes, next());
      size += bytes.size();
      return bytes;
    };
    const bool message = ParseHeader(head, {}).has_value();
    if (message && options_.keys.any()) COFFER_TRY(CheckAlone(counted));
    // To its end, in any case: the size says how many frames there are.
    for (bool more = true; more;) {
      COFFER_ASSIGN(const Bytes bytes, counted());
      more = !bytes.empty();
    }
    return Ok();
  };
  const Status looked = look();
  if (!standard) ::close(fd);
  if (!looked) return Error(looked.error());
  object_["file"] = standard ? "standard input" : options_.path;
  object_["size"] = size;
  Describe(head, size, nullptr);
  return Tell();
}

// Under the keys that were named, whole: nothing is known of a volume.
Status Inspection::CheckAlone(const Source& source) {
  COFFER_ASSIGN(const auto named,
                NamedKeySource::Make(options_.volume, options_.keys, environment_));
  NoPlaintext nowhere;
  OpenRules rules;
  rules.policy = CommitmentPolicy::kRequireEncryptAllowDecrypt;
  WholeMessageOpener opener(named->keys(), named->arena(), std::move(rules), nowhere);
  Status opened = Ok();
  while (opened) {
    COFFER_ASSIGN(const Bytes bytes, source());
    opened = bytes.empty() ? opener.Finish() : opener.Write(bytes);
    if (bytes.empty()) break;
  }
  if (!opened && opened.error().code != Code::kCorrupt) return opened;
  const bool header = opener.header() != nullptr;
  checked_["header"] = header ? kProved : opened.error().what;
  if (header) checked_["all_frames"] = opened ? kProved : opened.error().what;
  if (!opened) code_ = kExitDamaged;
  return Ok();
}

// ---- An object ----

// Nothing for what is no object of a bucket.
Result<std::optional<VolumePlace>> Inspection::PlaceOf() const {
  if (options_.path == "-") return std::optional<VolumePlace>();
  if (!IsAddress(options_.path)) {
    VolumeOptions mount = options_.volume;
    auto path = FindMountedPath(options_.path, environment_, mount);
    if (!path && path.error().code == Code::kInvalid) return std::optional<VolumePlace>();
    if (!path) return std::move(path).error();
    COFFER_TRY(CheckShowsNow(path->at));
    const bool directory = path->below.empty() || path->below.ends_with('/');
    return std::optional(VolumePlace{std::move(mount), std::move(path->below), directory});
  }
  COFFER_ASSIGN(VolumePlace place, FindVolumePlace(options_.path, options_.volume, environment_));
  return std::optional(std::move(place));
}

void Inspection::Take(const CheckedObject& object) {
  switch (object.verdict) {
    case Verdict::kGood:
    case Verdict::kMoved:
    case Verdict::kUnbound:
      checked_["header"] = kProved;
      checked_["final_frame"] = kProved;
      break;
    case Verdict::kDamaged:
      checked_["header"] = object.opener ? kProved : object.reason;
      if (object.opener) checked_["damaged"] = object.reason;
      break;
    case Verdict::kForeign:
      checked_["foreign"] = object.reason;
      break;
    case Verdict::kUnreadable:
      checked_["not_checked"] = object.reason;
      if (options_.keys.any() && object.of_keys) code_ = kExitNoKey;
      break;
    default:
      break;
  }
  if (object.verdict == Verdict::kGood) checked_["bind_tag"] = kProved;
  if (object.verdict == Verdict::kMoved || object.verdict == Verdict::kUnbound) {
    checked_["bind_tag"] = object.reason;
  }
  const bool xattrs = SealedMetadata::HasXattrs(object.info.metadata);
  if (object.verdict == Verdict::kGood && xattrs) checked_["sealed_xattrs"] = kProved;
  if (kind_ == "message" && IsDamage(object.verdict, BindingPolicy::kStrict)) code_ = kExitDamaged;
}

// Where this machine knows the volume's keys, or some were named. Whoever only looks does not make
// a volume known.
Status Inspection::CheckInVolume(const VolumePlace& place, const std::string& key) {
  std::vector<std::string> notes;
  const auto session =
      VolumeSession::Open({place.volume, options_.keys, "auto", ""}, environment_, notes);
  if (!session) return Error(session.error());
  if ((*session)->sealed() == nullptr) return Ok();
  const MessageCheck check = CheckOf(**session, BindingPolicy::kStrict);
  COFFER_ASSIGN(const CheckedObject object, check.Check(key, MessageCheck::Depth::kEnds));
  Take(object);
  return Ok();
}

Result<int> Inspection::LookAtObject() {
  COFFER_ASSIGN(const auto found, PlaceOf());
  if (!found) return LookAtFile();
  const VolumePlace& place = *found;
  if (place.below.empty()) {
    return Error{Code::kInvalid, options_.path + " names no object: s3://BUCKET/KEY does"};
  }
  s3::SystemClock clock;
  COFFER_ASSIGN(const auto log, Log::Open({}, clock));
  log->ReportRequests(false);
  COFFER_ASSIGN(const auto connection, Connection::Open(place.volume, environment_, clock, *log));
  COFFER_TRY(connection->Check());
  const std::string key = connection->target().key_prefix + place.below;
  s3::ObjectStore& store = connection->store();
  auto fetched = store.Get(key, {0, kStep}, {});
  if (!fetched) return std::move(fetched).error().While(options_.path);
  object_ = ObjectFacts(key, fetched->info);
  Describe(fetched->body, fetched->info.size, &fetched->info);
  COFFER_ASSIGN(const auto pin,
                LoadPin(StateDirectory(place.volume, environment_), VolumeAddress(*connection)));
  if (kind_ != "message" || (!pin && !options_.keys.any())) return Tell();
  Status checked = CheckInVolume(place, key);
  if (!checked && checked.error().code == Code::kNotFound && options_.keys.any()) {
    // In no volume: the message by itself.
    std::uint64_t at = 0;
    checked = CheckAlone([&]() -> Result<Bytes> {
      if (at >= fetched->info.size) return Bytes{};
      COFFER_ASSIGN(s3::Fetched piece,
                    store.Get(key, {at, kStep}, {.etag = fetched->info.etag, .version_id = {}}));
      at += piece.body.size();
      return std::move(piece.body);
    });
  }
  if (!checked && options_.keys.any()) return Error(checked.error());
  if (!checked) checked_["not_checked"] = checked.error().what;
  return Tell();
}

int Inspection::Tell() {
  if (options_.json) {
    Json json;
    json["kind"] = kind_;
    json["object"] = object_;
    if (!message_.is_null()) json["message"] = message_;
    if (!checked_.is_null()) json["checked"] = checked_;
    console_.out << ToText(json) << "\n";
    return code_;
  }
  console_.out << FactsForPeople(Json{{"kind", kind_}}) << FactsForPeople(object_);
  if (!message_.is_null()) console_.out << FactsForPeople(message_);
  if (!checked_.is_null()) console_.out << FactsForPeople(checked_);
  return code_;
}

Result<int> Inspection::Run() {
  COFFER_TRY(HideProcessMemory());
  return LookAtObject();
}

}  // namespace

int RunInspect(const InspectOptions& options, const Environment& environment, Console& console) {
  const auto code = Inspection(options, environment, console).Run();
  if (code) return *code;
  console.err << "coffer inspect: " << Printable(code.error().what) << "\n";
  if (options.json) console.out << ToText(Json{{"error", code.error().what}}) << "\n";
  return ExitCodeOf(code.error());
}

}  // namespace coffer::fs
