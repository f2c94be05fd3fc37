#include "fs/option_words.h"

#include <algorithm>

namespace coffer::fs {
namespace {

using ForeignKind = ForeignWord::Kind;

// Generic mount options, as mount(8) passes them on.
constexpr ForeignWord kMountWords[] = {
    {"ro", ForeignKind::kOption, false, "read-only"},
    {"rw", ForeignKind::kOption, false, "read-only=false"},
    {"noexec", ForeignKind::kOption, false, "noexec"},
    {"noatime", ForeignKind::kDrop, false, ""},
    {"nosymfollow", ForeignKind::kOption, false, "nosymfollow"},
    {"nonempty", ForeignKind::kOption, false, "allow-non-empty"},
    {"nosuid", ForeignKind::kDrop, false, ""},
    {"nodev", ForeignKind::kDrop, false, ""},
    {"default-permissions", ForeignKind::kDrop, false, ""},
    {"defaults", ForeignKind::kDrop, false, ""},
    {"exec", ForeignKind::kDrop, false, ""},
    {"atime", ForeignKind::kDrop, false, ""},
    {"relatime", ForeignKind::kDrop, false, ""},
    {"strictatime", ForeignKind::kDrop, false, ""},
    {"lazytime", ForeignKind::kDrop, false, ""},
    {"nodiratime", ForeignKind::kDrop, false, ""},
    {"async", ForeignKind::kDrop, false, ""},
    {"-netdev", ForeignKind::kDrop, false, ""},
    {"nofail", ForeignKind::kDrop, false, ""},
    {"auto", ForeignKind::kDrop, false, ""},
    {"noauto", ForeignKind::kDrop, false, ""},
    {"user", ForeignKind::kDrop, false, ""},
    {"users", ForeignKind::kDrop, false, ""},
    {"nouser", ForeignKind::kDrop, false, ""},
    {"owner", ForeignKind::kDrop, false, ""},
    {"group", ForeignKind::kDrop, false, ""},
    {"comment", ForeignKind::kDrop, true, ""},
    {"suid", ForeignKind::kRefuse, false,
     "a bucket must not bring setuid programs: nosuid stays on"},
    {"dev", ForeignKind::kRefuse, false, "a bucket must not bring device nodes: nodev stays on"},
    {"sync", ForeignKind::kNote, false, "every close() and fsync() waits for S3 anyway"},
    {"dirsync", ForeignKind::kNote, false, "every change of a directory waits for S3 anyway"},
    {"big-writes", ForeignKind::kNote, false, "writes are large anyway"},
    {"auto-cache", ForeignKind::kNote, false, "open() checks the version anyway"},
    {"kernel-cache", ForeignKind::kNote, false, "unchanged files keep their pages anyway"},
};

// As a flag or after -o.
constexpr ForeignWord kForeignWords[] = {
    // mountpoint-s3
    {"allow-delete", ForeignKind::kNote, false, "removing files is allowed unless --read-only"},
    {"allow-overwrite", ForeignKind::kNote, false, "overwriting is allowed unless --read-only"},
    {"incremental-upload", ForeignKind::kNote, false, "appending works on every bucket"},
    {"maximum-throughput-gbps", ForeignKind::kNote, true, "the network is used as far as it goes"},
    {"upload-checksums", ForeignKind::kNote, true, "every upload carries a checksum"},
    {"log-metrics", ForeignKind::kNote, false, "'coffer status' shows the counters"},
    {"auto-unmount", ForeignKind::kRefuse, false,
     "a mount whose process died stays visible as dead, so that nobody takes the empty directory "
     "for the bucket; the next 'coffer mount' detaches it"},
    {"memory-target", ForeignKind::kRefuse, true, "use --memory-limit SIZE, such as 512M"},
    {"part-size", ForeignKind::kRefuse, true, "use --read-part-size and --write-part-size"},
    {"cache", ForeignKind::kRefuse, true, "this version keeps no file content on the local disk"},
    {"max-cache-size", ForeignKind::kRefuse, true,
     "this version keeps no file content on the local disk"},
    {"no-log", ForeignKind::kRefuse, false, "failures are always logged, one line each"},
    {"debug-crt", ForeignKind::kRefuse, false, "use --debug"},
    // s3fs
    {"url", ForeignKind::kRefuse, true, "use --endpoint-url URL"},
    {"host", ForeignKind::kRefuse, true, "use --endpoint-url URL"},
    {"endpoint", ForeignKind::kRefuse, true,
     "use --region REGION, or --endpoint-url URL for a server"},
    {"use-path-request-style", ForeignKind::kRefuse, false, "use --force-path-style"},
    {"bucket", ForeignKind::kRefuse, true,
     "the bucket is the first operand: coffer mount BUCKET DIR"},
    {"passwd-file", ForeignKind::kRefuse, true,
     "keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or from ~/.aws/credentials"},
    {"iam-role", ForeignKind::kRefuse, true,
     "roles come from a profile of ~/.aws/config (role_arn) or from a web identity token"},
    {"public-bucket", ForeignKind::kRefuse, true, "use --no-sign-request"},
    {"use-sse", ForeignKind::kRefuse, true,
     "use --sse AES256 or --sse aws:kms --sse-kms-key-id ARN"},
    {"mp-umask", ForeignKind::kRefuse, true, "use --umask"},
    {"use-cache", ForeignKind::kRefuse, true, "no local copy is needed; leave it out"},
    {"ensure-diskfree", ForeignKind::kRefuse, true, "no local copy is needed; leave it out"},
    {"del-cache", ForeignKind::kRefuse, false, "no local copy is needed; leave it out"},
    {"multipart-size", ForeignKind::kRefuse, true, "use --write-part-size SIZE, such as 8M"},
    {"parallel-count", ForeignKind::kRefuse, true, "use --max-threads N"},
    {"max-thread-count", ForeignKind::kRefuse, true, "use --max-threads N"},
    {"stat-cache-expire", ForeignKind::kRefuse, true, "use --metadata-ttl SECS"},
    {"enable-content-md5", ForeignKind::kNote, false, "every upload carries a checksum"},
    {"mime", ForeignKind::kRefuse, true, "use --infer-content-type"},
    {"dbglevel", ForeignKind::kRefuse, true, "use --debug"},
    {"curldbg", ForeignKind::kRefuse, false, "use --debug"},
    {"logfile", ForeignKind::kRefuse, true, "use --log-directory DIR"},
    {"retries", ForeignKind::kRefuse, true, "use --deadline SECS"},
    {"readwrite-timeout", ForeignKind::kRefuse, true, "use --first-byte-timeout SECS"},
    // goofys, geesefs, rclone, JuiceFS
    {"subdomain", ForeignKind::kRefuse, false,
     "host names carry the bucket unless --force-path-style"},
    {"stat-cache-ttl", ForeignKind::kRefuse, true, "use --metadata-ttl SECS"},
    {"dir-cache-time", ForeignKind::kRefuse, true, "use --metadata-ttl SECS"},
    {"type-cache-ttl", ForeignKind::kRefuse, true, "use --metadata-ttl SECS"},
    {"s3-region", ForeignKind::kRefuse, true, "use --region REGION"},
    {"s3-endpoint", ForeignKind::kRefuse, true, "use --endpoint-url URL"},
    {"s3-force-path-style", ForeignKind::kRefuse, false, "use --force-path-style"},
    {"s3-profile", ForeignKind::kRefuse, true, "use --profile NAME"},
    {"s3-storage-class", ForeignKind::kRefuse, true, "use --storage-class CLASS"},
    {"file-perms", ForeignKind::kRefuse, true, "use --file-mode"},
    {"dir-perms", ForeignKind::kRefuse, true, "use --dir-mode"},
    {"log-file", ForeignKind::kRefuse, true, "use --log-directory DIR"},
    {"daemon", ForeignKind::kNote, false, "coffer goes to the background by itself"},
    {"access-key", ForeignKind::kRefuse, true,
     "secrets are never taken from the command line, where everybody can read them: use "
     "~/.aws/credentials or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"},
    {"secret-key", ForeignKind::kRefuse, true,
     "secrets are never taken from the command line, where everybody can read them: use "
     "~/.aws/credentials or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"},
};

const ForeignWord* FindForeign(std::span<const ForeignWord> words, std::string_view name) {
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
  static constexpr ForeignWord kPrivate{"x-", ForeignKind::kDrop, true, ""};
  if (name.starts_with("x-") || name.starts_with("X-")) return &kPrivate;
  if (const ForeignWord* word = FindForeign(kMountWords, name)) return word;
  return FindForeignOption(name);
}

const ForeignWord* FindForeignOption(std::string_view name) {
  return FindForeign(kForeignWords, name);
}
std::span<const ForeignWord> ForeignOptions() { return kForeignWords; }

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
