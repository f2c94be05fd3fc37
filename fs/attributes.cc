#include "fs/attributes.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <utility>

#include "crypto/encoding.h"
#include "fs/json.h"

namespace coffer::fs {
namespace {

constexpr std::int64_t kEarliest_s = -(std::int64_t{1} << 31);  // ext4's
constexpr std::int64_t kLatest_s = std::numeric_limits<TimeNs>::max() / kSecond - 1;
constexpr std::uint32_t kMaxId = 0xfffffffe;  // 2^32 - 1 means "no change" to chown
constexpr std::uint32_t kPermissions = 0777;
constexpr std::uint32_t kSpecial = S_ISUID | S_ISGID | S_ISVTX;

std::optional<std::string_view> FieldOf(const s3::Metadata& metadata, const char* name) {
  const auto it = metadata.find(name);
  if (it == metadata.end()) return std::nullopt;
  return it->second;
}

template <typename T>
std::optional<T> ParseInteger(std::string_view text, int base = 10) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

TimeNs ClampSeconds(std::int64_t seconds) {
  return std::clamp(seconds, kEarliest_s, kLatest_s) * kSecond;
}

// Beyond the ends there are no fractions.
TimeNs ClampTime(std::int64_t seconds, std::int64_t fraction) {
  if (seconds < kEarliest_s || seconds >= kLatest_s) return ClampSeconds(seconds);
  return seconds * kSecond + fraction;
}

// Digits of a fraction as billionths; further digits are cut.
std::optional<std::int64_t> ParseFraction(std::string_view digits) {
  std::int64_t billionths = 0;
  std::int64_t place = kSecond / 10;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    billionths += (c - '0') * place;
    place /= 10;
  }
  return billionths;
}

// "[-]digits[.digits]" of a unit that has `unit_ns` nanoseconds. Any number of digits: what is too
// large is clamped, what is not a number is nothing.
std::optional<TimeNs> ParseDecimal(std::string_view text, std::int64_t unit_ns) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  if (whole.empty()) return std::nullopt;
  const auto billionths = dot == text.npos ? 0 : ParseFraction(text.substr(dot + 1));
  if (!billionths) return std::nullopt;
  const TimeNs limit = negative ? -kEarliest_s * kSecond : kLatest_s * kSecond;
  const std::int64_t most = limit / unit_ns;
  std::int64_t units = 0;
  for (const char c : whole) {
    if (c < '0' || c > '9') return std::nullopt;
    units = units > most / 10 ? most : units * 10 + (c - '0');
  }
  if (units >= most) return negative ? -limit : limit;
  const TimeNs time = units * unit_ns + *billionths / (kSecond / unit_ns);
  return negative ? -time : time;
}

// "2006-01-02T15:04:05[.999999999](Z|+07:00)"
std::optional<TimeNs> ParseRfc3339(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  if (text.size() <= kShape.size()) return std::nullopt;
  std::array<int, 6> fields{};
  std::size_t field = 0;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] != '0') {
      if (text[i] != kShape[i] && !(kShape[i] == 'T' && text[i] == 't')) return std::nullopt;
      ++field;
    } else if (digit) {
      fields.at(field) = fields.at(field) * 10 + (text[i] - '0');
    } else {
      return std::nullopt;
    }
  }
  const auto [year, month, day, hour, minute, second] = fields;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  std::int64_t seconds = std::int64_t{std::chrono::sys_days(date).time_since_epoch().count()};
  seconds = ((seconds * 24 + hour) * 60 + minute) * 60 + second;

  std::string_view rest = text.substr(kShape.size());
  std::int64_t fraction = 0;
  if (rest.starts_with('.')) {
    const std::size_t end = std::min(rest.find_first_of("Zz+-"), rest.size());
    const auto parsed = ParseFraction(rest.substr(1, end - 1));
    if (!parsed) return std::nullopt;
    fraction = *parsed;
    rest.remove_prefix(end);
  }
  if (rest == "Z" || rest == "z") return ClampTime(seconds, fraction);
  if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-') || rest[3] != ':') return std::nullopt;
  const auto hours = ParseInteger<unsigned>(rest.substr(1, 2));
  const auto minutes = ParseInteger<unsigned>(rest.substr(4, 2));
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::int64_t offset = (std::int64_t{*hours} * 60 + *minutes) * 60;
  return ClampTime(rest[0] == '+' ? seconds - offset : seconds + offset, fraction);
}

std::optional<TimeNs> TimeField(const s3::Metadata& metadata, const char* name,
                                const char* datasync_name) {
  if (const auto text = FieldOf(metadata, name)) {
    if (const auto time = ParseDecimal(*text, kSecond)) return time;
    if (const auto time = ParseRfc3339(*text)) return time;
  }
  if (datasync_name == nullptr) return std::nullopt;
  const auto text = FieldOf(metadata, datasync_name);
  if (!text) return std::nullopt;
  if (text->ends_with("ns")) return ParseDecimal(text->substr(0, text->size() - 2), 1);
  return ParseDecimal(*text, kSecond / 1000);
}

std::uint32_t IdField(const s3::Metadata& metadata, const char* name, const char* datasync_name,
                      std::uint32_t otherwise) {
  for (const char* field : {name, datasync_name}) {
    const auto text = FieldOf(metadata, field);
    const auto id = text ? ParseInteger<std::uint32_t>(*text) : std::nullopt;
    if (id && *id <= kMaxId) return *id;
  }
  return otherwise;
}

bool IsKnownType(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFLNK:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
      return true;
    default:
      return false;
  }
}

// A whole st_mode (its type may be absent). For a directory marker the only type that makes a
// number decimal is a directory: rclone's 41777 would read as a symlink's otherwise.
std::optional<std::uint32_t> ModeField(const s3::Metadata& metadata, bool marker) {
  constexpr std::uint32_t kMaxMode = 0xffff;
  if (const auto text = FieldOf(metadata, "mode")) {
    const auto decimal = ParseInteger<std::uint32_t>(*text);
    if (decimal && *decimal <= kMaxMode && (marker ? S_ISDIR(*decimal) : IsKnownType(*decimal))) {
      return decimal;
    }
    const auto octal = ParseInteger<std::uint32_t>(*text, 8);
    if (octal && *octal <= kMaxMode) return octal;
  }
  const auto text = FieldOf(metadata, "file-permissions");
  const auto octal = text ? ParseInteger<std::uint32_t>(*text, 8) : std::nullopt;
  if (!octal || *octal > kMaxMode) return std::nullopt;
  // Nothing says what the content of DataSync's links is, so they are files.
  return S_ISLNK(*octal) ? (*octal & ~static_cast<std::uint32_t>(S_IFMT)) : *octal;
}

std::string TimeText(TimeNs time) {
  // Written as a number, -1.5 is one and a half seconds before the epoch.
  const std::uint64_t magnitude =
      time < 0 ? 0 - static_cast<std::uint64_t>(time) : static_cast<std::uint64_t>(time);
  const auto second = static_cast<std::uint64_t>(kSecond);
  std::string text = (time < 0 ? "-" : "") + std::to_string(magnitude / second);
  if (magnitude % second != 0) {
    const std::string digits = std::to_string(magnitude % second);
    text += "." + std::string(9 - digits.size(), '0') + digits;
  }
  return text;
}

// The field's JSON; empty when there is none or it cannot be read.
Json ParseXattrField(const s3::Metadata& metadata) {
  const auto text = FieldOf(metadata, kXattrField);
  if (!text) return Json::object();
  const auto unescaped = UriUnescape(*text);
  if (!unescaped) return Json::object();
  Json json = Json::parse(*unescaped, nullptr, false);
  return json.is_object() ? json : Json::object();
}

}  // namespace

std::uint32_t TypeBits(FileType type) {
  switch (type) {
    case FileType::kFile:
      return S_IFREG;
    case FileType::kDirectory:
      return S_IFDIR;
    case FileType::kSymlink:
      return S_IFLNK;
  }
  return S_IFREG;
}

Attributes FromMetadata(std::string_view key, const s3::Metadata& metadata,
                        std::int64_t last_modified_s, const AttributeDefaults& defaults) {
  Attributes attributes;
  const bool marker = key.ends_with('/');
  attributes.type = marker ? FileType::kDirectory : FileType::kFile;
  attributes.mode = (marker ? defaults.dir_mode : defaults.file_mode) & (kSpecial | kPermissions);
  if (const auto mode = ModeField(metadata, marker)) {
    if (!marker && S_ISLNK(*mode)) attributes.type = FileType::kSymlink;
    attributes.mode = *mode & (kSpecial | kPermissions);
  }
  if (attributes.type == FileType::kSymlink) attributes.mode = kPermissions;
  attributes.uid = IdField(metadata, "uid", "file-owner", defaults.uid);
  attributes.gid = IdField(metadata, "gid", "file-group", defaults.gid);
  const TimeNs last_modified = ClampSeconds(last_modified_s);
  attributes.mtime = TimeField(metadata, "mtime", "file-mtime").value_or(last_modified);
  attributes.ctime = TimeField(metadata, "ctime", nullptr).value_or(last_modified);
  attributes.atime = TimeField(metadata, "atime", "file-atime").value_or(attributes.mtime);
  return attributes;
}

std::uint32_t ShownMode(const Attributes& attributes, const AttributeDefaults& defaults) {
  if (attributes.type == FileType::kSymlink) return kPermissions;
  const bool directory = attributes.type == FileType::kDirectory;
  std::uint32_t special = directory ? S_ISVTX : 0;
  // Who gives every object such a bit has asked for it.
  special |= (directory ? defaults.dir_mode : defaults.file_mode) & kSpecial;
  if (defaults.special_bits) special = kSpecial;
  return attributes.mode & (special | kPermissions) & ~defaults.umask;
}

Attributes ImplicitDirectory(const AttributeDefaults& defaults, TimeNs time) {
  Attributes attributes;
  attributes.type = FileType::kDirectory;
  attributes.mode = defaults.dir_mode & (kSpecial | kPermissions);
  attributes.uid = defaults.uid;
  attributes.gid = defaults.gid;
  attributes.mtime = attributes.ctime = attributes.atime = time;
  return attributes;
}

s3::Metadata WithoutAttributes(s3::Metadata metadata) {
  for (const char* name : {"mode", "uid", "gid", "mtime", "ctime", "atime", "file-permissions",
                           "file-owner", "file-group", "file-mtime", "file-atime"}) {
    metadata.erase(name);
  }
  return metadata;
}

s3::Metadata ToMetadata(s3::Metadata metadata, const Attributes& attributes) {
  metadata = WithoutAttributes(std::move(metadata));
  metadata["mode"] =
      std::to_string(TypeBits(attributes.type) | (attributes.mode & (kSpecial | kPermissions)));
  metadata["uid"] = std::to_string(attributes.uid);
  metadata["gid"] = std::to_string(attributes.gid);
  metadata["mtime"] = TimeText(attributes.mtime);
  metadata["ctime"] = TimeText(attributes.ctime);
  metadata["atime"] = TimeText(attributes.atime);
  return metadata;
}

bool IsXattrName(std::string_view name) {
  constexpr std::string_view kUser = "user.";
  constexpr std::size_t kLongest = 255;
  if (!name.starts_with(kUser) || name.size() == kUser.size() || name.size() > kLongest) {
    return false;
  }
  if (name.starts_with(kOwnXattrs) || name.find('\0') != name.npos) return false;
  // JSON replaces what is not UTF-8, which then does not compare equal.
  const std::string text =
      Json(std::string(name)).dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(text) == Json(std::string(name));
}

Xattrs XattrsFromMetadata(const s3::Metadata& metadata) {
  Xattrs xattrs;
  const Json json = ParseXattrField(metadata);
  for (const auto& [name, value] : json.items()) {
    const auto* text = value.get_ptr<const std::string*>();
    if (text == nullptr || !IsXattrName(name)) continue;
    const auto bytes = Base64Decode(*text);
    if (bytes) xattrs[name] = std::string(AsText(*bytes));
  }
  return xattrs;
}

void XattrsToMetadata(const Xattrs& xattrs, s3::Metadata& metadata) {
  Json json = Json::object();
  const Json before = ParseXattrField(metadata);
  for (const auto& [name, value] : before.items()) {
    if (value.is_string() && !name.starts_with("user.")) json[name] = value;
  }
  for (const auto& [name, value] : xattrs) {
    if (IsXattrName(name)) json[name] = Base64Encode(AsBytes(value));
  }
  if (json.empty()) {
    metadata.erase(kXattrField);
    return;
  }
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  metadata[kXattrField] = UriEscape(text, Slash::kEscape);
}

}  // namespace coffer::fs
