#include "fs/option_words.h"

#include <algorithm>

namespace coffer::fs {
namespace {

using Kind = ForeignWord::Kind;

// Generic mount options, as mount(8) passes them on.
constexpr ForeignWord kMountWords[] = {
    {"ro", Kind::kOption, false, "read-only"},
    {"rw", Kind::kOption, false, "read-only=false"},
    {"noexec", Kind::kOption, false, "noexec"},
    {"noatime", Kind::kDrop, false, ""},
    {"nosymfollow", Kind::kOption, false, "nosymfollow"},
    {"nonempty", Kind::kOption, false, "allow-non-empty"},
    {"nosuid", Kind::kDrop, false, ""},
    {"nodev", Kind::kDrop, false, ""},
    {"default-permissions", Kind::kDrop, false, ""},
    {"defaults", Kind::kDrop, false, ""},
    {"exec", Kind::kDrop, false, ""},
    {"atime", Kind::kDrop, false, ""},
    {"relatime", Kind::kDrop, false, ""},
    {"strictatime", Kind::kDrop, false, ""},
    {"lazytime", Kind::kDrop, false, ""},
    {"nodiratime", Kind::kDrop, false, ""},
    {"async", Kind::kDrop, false, ""},
    {"-netdev", Kind::kDrop, false, ""},
    {"nofail", Kind::kDrop, false, ""},
    {"auto", Kind::kDrop, false, ""},
    {"noauto", Kind::kDrop, false, ""},
    {"user", Kind::kDrop, false, ""},
    {"users", Kind::kDrop, false, ""},
    {"nouser", Kind::kDrop, false, ""},
    {"owner", Kind::kDrop, false, ""},
    {"group", Kind::kDrop, false, ""},
    {"comment", Kind::kDrop, true, ""},
    {"suid", Kind::kRefuse, false, "a bucket must not bring setuid programs: nosuid stays on"},
    {"dev", Kind::kRefuse, false, "a bucket must not bring device nodes: nodev stays on"},
    {"sync", Kind::kNote, false, "every close() and fsync() waits for S3 anyway"},
    {"dirsync", Kind::kNote, false, "every change of a directory waits for S3 anyway"},
    {"big-writes", Kind::kNote, false, "writes are large anyway"},
    {"auto-cache", Kind::kNote, false, "open() checks the version anyway"},
    {"kernel-cache", Kind::kNote, false, "unchanged files keep their pages anyway"},
};

// As a flag or after -o.
constexpr ForeignWord kForeign[] = {
    // mountpoint-s3
    {"allow-delete", Kind::kNote, false, "removing files is allowed unless --read-only"},
    {"allow-overwrite", Kind::kNote, false, "overwriting is allowed unless --read-only"},
    {"incremental-upload", Kind::kNote, false, "appending works on every bucket"},
    {"maximum-throughput-gbps", Kind::kNote, true, "the network is used as far as it goes"},
    {"upload-checksums", Kind::kNote, true, "every upload carries a checksum"},
    {"log-metrics", Kind::kNote, false, "'coffer status' shows the counters"},
    {"auto-unmount", Kind::kRefuse, false,
     "a mount whose process died stays visible as dead, so that nobody takes the empty directory "
     "for the bucket; the next 'coffer mount' detaches it"},
    {"memory-target", Kind::kRefuse, true, "use --memory-limit SIZE, such as 512M"},
    {"part-size", Kind::kRefuse, true, "use --read-part-size and --write-part-size"},
    {"cache", Kind::kRefuse, true, "this version keeps no file content on the local disk"},
    {"max-cache-size", Kind::kRefuse, true, "this version keeps no file content on the local disk"},
    {"no-log", Kind::kRefuse, false, "failures are always logged, one line each"},
    {"debug-crt", Kind::kRefuse, false, "use --debug"},
    // s3fs
    {"url", Kind::kRefuse, true, "use --endpoint-url URL"},
    {"host", Kind::kRefuse, true, "use --endpoint-url URL"},
    {"endpoint", Kind::kRefuse, true, "use --region REGION, or --endpoint-url URL for a server"},
    {"use-path-request-style", Kind::kRefuse, false, "use --force-path-style"},
    {"bucket", Kind::kRefuse, true, "the bucket is the first operand: coffer mount BUCKET DIR"},
    {"passwd-file", Kind::kRefuse, true,
     "keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or from ~/.aws/credentials"},
    {"iam-role", Kind::kRefuse, true,
     "roles come from a profile of ~/.aws/config (role_arn) or from a web identity token"},
    {"public-bucket", Kind::kRefuse, true, "use --no-sign-request"},
    {"use-sse", Kind::kRefuse, true, "use --sse AES256 or --sse aws:kms --sse-kms-key-id ARN"},
    {"mp-umask", Kind::kRefuse, true, "use --umask"},
    {"use-cache", Kind::kRefuse, true, "no local copy is needed; leave it out"},
    {"ensure-diskfree", Kind::kRefuse, true, "no local copy is needed; leave it out"},
    {"del-cache", Kind::kRefuse, false, "no local copy is needed; leave it out"},
    {"multipart-size", Kind::kRefuse, true, "use --write-part-size SIZE, such as 8M"},
    {"parallel-count", Kind::kRefuse, true, "use --max-threads N"},
    {"max-thread-count", Kind::kRefuse, true, "use --max-threads N"},
    {"stat-cache-expire", Kind::kRefuse, true, "use --metadata-ttl SECS"},
    {"enable-content-md5", Kind::kNote, false, "every upload carries a checksum"},
    {"mime", Kind::kRefuse, true, "use --infer-content-type"},
    {"dbglevel", Kind::kRefuse, true, "use --debug"},
    {"curldbg", Kind::kRefuse, false, "use --debug"},
    {"logfile", Kind::kRefuse, true, "use --log-directory DIR"},
    {"retries", Kind::kRefuse, true, "use --deadline SECS"},
    {"readwrite-timeout", Kind::kRefuse, true, "use --first-byte-timeout SECS"},
    // goofys, geesefs, rclone, JuiceFS
    {"subdomain", Kind::kRefuse, false, "host names carry the bucket unless --force-path-style"},
    {"stat-cache-ttl", Kind::kRefuse, true, "use --metadata-ttl SECS"},
    {"dir-cache-time", Kind::kRefuse, true, "use --metadata-ttl SECS"},
    {"type-cache-ttl", Kind::kRefuse, true, "use --metadata-ttl SECS"},
    {"s3-region", Kind::kRefuse, true, "use --region REGION"},
    {"s3-endpoint", Kind::kRefuse, true, "use --endpoint-url URL"},
    {"s3-force-path-style", Kind::kRefuse, false, "use --force-path-style"},
    {"s3-profile", Kind::kRefuse, true, "use --profile NAME"},
    {"s3-storage-class", Kind::kRefuse, true, "use --storage-class CLASS"},
    {"file-perms", Kind::kRefuse, true, "use --file-mode"},
    {"dir-perms", Kind::kRefuse, true, "use --dir-mode"},
    {"log-file", Kind::kRefuse, true, "use --log-directory DIR"},
    {"daemon", Kind::kNote, false, "coffer goes to the background by itself"},
    {"access-key", Kind::kRefuse, true,
     "secrets are never taken from the command line, where everybody can read them: use "
     "~/.aws/credentials or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"},
    {"secret-key", Kind::kRefuse, true,
     "secrets are never taken from the command line, where everybody can read them: use "
     "~/.aws/credentials or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"},
};

const ForeignWord* Find(std::span<const ForeignWord> words, std::string_view name) {
  const auto found = std::find_if(words.begin(), words.end(),
                                  [&](const ForeignWord& word) { return word.word == name; });
  return found == words.end() ? nullptr : &*found;
}

MountWord ToWord(const std::string& text) {
  MountWord word;
  const std::size_t equals = text.find('=');
  word.name = text.substr(0, equals);
  std::replace(word.name.begin(), word.name.end(), '_', '-');
  if (equals != std::string::npos) word.value = text.substr(equals + 1);
  return word;
}

// Damerau-Levenshtein (adjacent letters swapped count once).
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

const ForeignWord* FindMountWord(std::string_view name) {
  // For mount(8) and systemd alone: x-systemd.automount, X-mount.mkdir.
  static constexpr ForeignWord kPrivate{"x-", Kind::kDrop, true, ""};
  if (name.starts_with("x-") || name.starts_with("X-")) return &kPrivate;
  if (const ForeignWord* word = Find(kMountWords, name)) return word;
  return FindForeignOption(name);
}

const ForeignWord* FindForeignOption(std::string_view name) { return Find(kForeign, name); }
std::span<const ForeignWord> ForeignOptions() { return kForeign; }

Result<std::vector<MountWord>> SplitMountWords(std::string_view text) {
  std::vector<MountWord> words;
  std::string word;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      word += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      if (!word.empty()) words.push_back(ToWord(word));
      word.clear();
    } else {
      word += c;
    }
  }
  if (quoted) return Error{Code::kInvalid, "-o: a quote does not end"};
  if (!word.empty()) words.push_back(ToWord(word));
  return words;
}

std::string Nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = Distance(word, candidate);
    if (distance >= least) continue;
    least = distance;
    best = candidate;
  }
  return std::string(best);
}

}  // namespace coffer::fs
