#include "fs/cmd_share.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "crypto/encoding.h"
#include "crypto/header.h"
#include "crypto/secret.h"
#include "fs/connection.h"
#include "fs/exit_code.h"
#include "fs/json.h"
#include "fs/key_match.h"
#include "fs/mount_point.h"
#include "fs/mounted_path.h"
#include "fs/volume_signs.h"
#include "s3client/sigv4.h"
#include "s3client/time_text.h"

namespace coffer::fs {
namespace {

constexpr std::uint64_t kLargestSharedHeader = 64u << 10;

// What a file in a mount of Coffer tells of itself; on any other filesystem whoever made the file
// could have written it.
class MountedFile {
 public:
  explicit MountedFile(const std::string& path) : file_(::open(path.c_str(), O_PATH | O_CLOEXEC)) {
    struct stat st = {};
    if (file_ < 0 || ::fstat(file_, &st) != 0) return;
    const std::string device =
        std::to_string(major(st.st_dev)) + ":" + std::to_string(minor(st.st_dev));
    const auto mounts = CofferMounts();
    ours_ = std::any_of(mounts.begin(), mounts.end(),
                        [&](const MountEntry& mount) { return mount.device == device; });
  }
  ~MountedFile() {
    if (file_ >= 0) ::close(file_);
  }
  MountedFile(const MountedFile&) = delete;
  MountedFile& operator=(const MountedFile&) = delete;

  std::optional<std::string> Attribute(const char* name) const {
    if (!ours_) return std::nullopt;
    std::array<char, 4096> value = {};
    const std::string path = "/proc/self/fd/" + std::to_string(file_);
    const ssize_t size = ::getxattr(path.c_str(), name, value.data(), value.size());
    if (size < 0) return std::nullopt;
    return std::string(value.data(), static_cast<std::size_t>(size));
  }

 private:
  const int file_;
  bool ours_ = false;
};

// A word as it would be typed into a shell.
std::string Quote(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.,:/=+@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == text.npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// The key option of `coffer open` that would name this key; the file is the reader's own.
std::string KeyOption(const EncryptedDataKey& encrypted) {
  const KeyName key = ClaimedKey(encrypted);
  switch (key.kind) {
    case KeyName::Kind::kKms:
      return "--kms-key " + Quote(Printable(key.name));
    case KeyName::Kind::kAes:
      return "--aes-key " + Quote(Printable(key.provider + "/" + key.name) + "=KEYFILE");
    case KeyName::Kind::kRsa:
      return "--rsa-key " +
             Quote(Printable(key.provider + "/" + key.name) + ":oaep-sha256=KEYFILE");
  }
  return "";
}

// One for each key that opens the message: whoever has the link may have only one of them.
std::string OpenLines(const Header& header) {
  std::string lines;
  for (const EncryptedDataKey& key : header.encrypted) {
    lines += "  coffer open -i DOWNLOADED -o FILE " + KeyOption(key) + "\n";
  }
  return lines;
}

class Share {
 public:
  Share(const ShareOptions& options, const Environment& environment, Console& console)
      : options_(options), environment_(environment), console_(console), volume_(options.volume) {}

  Status Run();

 private:
  bool fetches() const { return options_.method == "GET"; }
  Status FindObject();
  Status FindBehindPath();
  Status Connect();
  Status CheckSource();
  Status CheckTarget();
  Status Sign();
  Status CheckLife(const s3::Credentials& credentials) const;
  void Tell(const std::string& url, s3::WallTime until);
  void Note(const std::string& text) { console_.err << "coffer share: " << text << "\n"; }

  const ShareOptions& options_;
  const Environment& environment_;
  Console& console_;
  VolumeOptions volume_;
  std::optional<std::string> below_;  // of the mount's prefix; nothing for an address
  std::string key_;
  bool in_sealed_mount_ = false;
  s3::SystemClock clock_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Connection> connection_;
};

// Where the mount's own socket is closed to us, the file says where it is.
Status Share::FindBehindPath() {
  VolumeOptions mounted = volume_;
  auto place = FindMountedPath(options_.path, environment_, mounted);
  const MountedFile file(options_.path);
  const auto source = file.Attribute("user.coffer.source");
  const auto key = file.Attribute("user.coffer.key");
  if (!place && (!source || !key)) return std::move(place).error();
  if (place) {
    COFFER_TRY(CheckShowsNow(place->at));
    in_sealed_mount_ = place->sealed;
    below_ = place->below;
  } else {
    Note(Printable(place.error().what) + "; taking the address that the file itself tells");
    mounted.source = *source;
    in_sealed_mount_ = file.Attribute("user.coffer.sealed") == "yes";
  }
  if (key) key_ = *key;
  volume_ = std::move(mounted);
  return Ok();
}

Status Share::FindObject() {
  if (IsAddress(options_.path)) {
    volume_.source = options_.path;
    if (options_.path.ends_with('/')) {
      return Error{Code::kInvalid, options_.path + " is a directory: a link is for one file"};
    }
    return Ok();
  }
  COFFER_TRY(FindBehindPath());
  if (below_ && (below_->empty() || below_->ends_with('/'))) {
    return Error{Code::kInvalid, options_.path + " is a directory: a link is for one file"};
  }
  return Ok();
}

Status Share::Connect() {
  COFFER_ASSIGN(log_, Log::Open({}, clock_));
  log_->ReportRequests(false);
  COFFER_ASSIGN(connection_, Connection::Open(volume_, environment_, clock_, *log_));
  const std::string& prefix = connection_->target().key_prefix;
  if (below_) {
    key_ = prefix + *below_;
  } else if (key_.empty()) {
    key_ = prefix;
    if (key_.ends_with('/')) key_.pop_back();  // of which ParseTarget makes a prefix
  }
  if (key_.empty()) {
    return Error{Code::kInvalid, options_.path + " names no object: s3://BUCKET/KEY does"};
  }
  if (connection_->target().scheme == s3::Scheme::kSigV4S3Express) {
    return Error{Code::kUnsupported,
                 "links into a directory bucket end with its session, after minutes: none is made"};
  }
  return Ok();
}

// What a GET would give: it is asked for, so that a link that cannot work is not handed out.
Status Share::CheckSource() {
  s3::ReadCondition condition;
  condition.version_id = options_.version;
  auto got = connection_->quick_store().Get(key_, {0, kLargestSharedHeader}, condition);
  if (!got) return std::move(got).error().While("look at " + options_.path);
  const auto header = ParseHeader(got->body, {});
  const bool sealed = IsBound(got->info.metadata) || header.has_value();
  if (!sealed) {
    if (!options_.ciphertext) return Ok();
    return Error{Code::kInvalid, options_.path + " is not sealed: leave out --ciphertext"};
  }
  if (!options_.ciphertext) {
    return Error{Code::kNotPermitted,
                 options_.path +
                     " is sealed: a link would hand out ciphertext, which nobody can read without "
                     "its key; --ciphertext shares just that"};
  }
  if (!header) {
    return Error{Code::kCorrupt, options_.path + " says that it is sealed, but is no message"};
  }
  Note("whoever fetches it needs one of these, and the key:");
  console_.err << OpenLines(*header);
  return Ok();
}

// What is put by a link is stored as it comes: in the clear.
Status Share::CheckTarget() {
  bool sealed = in_sealed_mount_;
  for (std::size_t end = key_.rfind('/') + 1; !sealed; end = key_.rfind('/', end - 2) + 1) {
    const auto there = HoldsVolume(connection_->quick_store(), key_.substr(0, end));
    if (there) sealed = *there;
    if (!there && there.error().code != Code::kDenied) return there.error();
    if (!there) {
      Note("whether a sealed volume begins at \"" + Printable(key_.substr(0, end)) +
           "\" cannot be seen; there, what is put by this link would be refused to readers");
    }
    if (end < 2) break;
  }
  if (!sealed || options_.ciphertext) return Ok();
  return Error{Code::kNotPermitted,
               options_.path +
                   " is in a sealed volume: what is put by a link is stored in the clear; "
                   "--ciphertext says that a sealed message will be put"};
}

Status Share::CheckLife(const s3::Credentials& credentials) const {
  const s3::WallTime now = connection_->server_time().Now();
  if (credentials.expires_at && *credentials.expires_at < now + options_.expires) {
    return Error{Code::kDenied, "the credentials end at " + s3::IsoTime(*credentials.expires_at) +
                                    ", before the link would (" +
                                    s3::IsoTime(now + options_.expires) +
                                    "): --expires less, or use credentials that last longer"};
  }
  return Ok();
}

Status Share::Sign() {
  COFFER_ASSIGN(const auto credentials, connection_->credentials()->Get());
  COFFER_TRY(CheckLife(*credentials));
  if (!credentials->session_token.empty() && !credentials->expires_at) {
    Note(
        "these are temporary credentials, and nothing here tells when they end: the link ends "
        "with them, if not before");
  }
  s3::Request request;
  request.method = options_.method;
  request.url = connection_->target().UrlFor(key_);
  auto& query = request.url.query;
  if (!options_.version.empty()) query.emplace_back("versionId", options_.version);
  if (!options_.download_as.empty()) {
    COFFER_ASSIGN(std::string disposition, AttachmentNamed(options_.download_as));
    query.emplace_back("response-content-disposition", std::move(disposition));
  }
  if (volume_.requester_pays) query.emplace_back("x-amz-request-payer", "requester");
  const auto life = std::chrono::floor<std::chrono::seconds>(options_.expires);
  const s3::WallTime now = connection_->server_time().Now();
  COFFER_ASSIGN(const std::string url,
                s3::Presign(request, s3::ScopeOf(connection_->target()), *credentials, now, life));
  Tell(url, now + life);
  return Ok();
}

void Share::Tell(const std::string& url, s3::WallTime until) {
  if (options_.json) {
    Json json;
    json["url"] = url;
    json["method"] = options_.method;
    json["key"] = key_;
    json["expires"] = s3::IsoTime(until);
    console_.out << ToText(json) << "\n";
    return;
  }
  console_.out << url << "\n";
  if (console_.interactive) {
    Note("whoever has this link can use it until " + s3::IsoTime(until) +
         "; it cannot be taken back, but by the keys that signed it");
  }
}

Status Share::Run() {
  COFFER_TRY(HideProcessMemory());
  if (!options_.download_as.empty()) COFFER_TRY(AttachmentNamed(options_.download_as));
  COFFER_TRY(FindObject());
  COFFER_TRY(Connect());
  // First what costs no request.
  COFFER_ASSIGN(const auto credentials, connection_->credentials()->Get());
  COFFER_TRY(CheckLife(*credentials));
  COFFER_TRY(fetches() ? CheckSource() : CheckTarget());
  return Sign();
}

}  // namespace

Result<std::string> AttachmentNamed(const std::string& name) {
  std::string ascii;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '/') {
      return Error{Code::kInvalid,
                   "--download-as takes the name of a file: without / and without "
                   "control characters"};
    }
    // A quote or a backslash would end, or change, the quoted spelling.
    ascii += byte >= 0x80 || c == '"' || c == '\\' ? '_' : c;
  }
  return "attachment; filename=\"" + ascii + "\"; filename*=UTF-8''" +
         UriEscape(name, Slash::kEscape);
}

int RunShare(const ShareOptions& options, const Environment& environment, Console& console) {
  const Status shared = Share(options, environment, console).Run();
  if (shared) return kExitOk;
  console.err << "coffer share: " << Printable(shared.error().what) << "\n";
  if (options.json) console.out << ToText(Json{{"error", shared.error().what}}) << "\n";
  return ExitCodeOf(shared.error());
}

}  // namespace coffer::fs
