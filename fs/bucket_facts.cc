#include "fs/bucket_facts.h"

#include <charconv>

#include "crypto/ascii.h"

namespace coffer::fs {
namespace {

constexpr int kMostDays = 36'500;
constexpr int kMostYears = 100;
constexpr int kOldVersionDays = 30;
constexpr int kUploadDays = 7;

std::string ShortPeriod(const s3::BucketLock& lock) {
  if (lock.default_years > 0) return std::to_string(lock.default_years) + "y";
  return std::to_string(lock.default_days) + "d";
}

}  // namespace

Json Describe(const s3::DefaultEncryption& encryption) {
  Json json;
  json["sse"] = encryption.sse;
  if (!encryption.kms_key_id.empty()) json["kms_key_id"] = encryption.kms_key_id;
  if (encryption.sse == "aws:kms") json["bucket_key"] = encryption.bucket_key;
  if (!encryption.blocked.empty()) json["blocked"] = encryption.blocked;
  return json;
}

Json Describe(const s3::AccessLog& log) {
  Json json;
  json["enabled"] = !log.bucket.empty();
  if (!log.others.empty()) json["others"] = log.others;
  if (log.bucket.empty()) return json;
  json["bucket"] = log.bucket;
  json["prefix"] = log.prefix;
  if (!log.partition_by.empty()) json["partition_by"] = log.partition_by;
  return json;
}

Json Describe(const s3::Versioning& versioning) {
  Json json;
  json["status"] = versioning.status.empty() ? "never enabled" : versioning.status;
  if (versioning.mfa_delete) json["mfa_delete"] = true;
  return json;
}

Json Describe(const s3::BucketLock& lock) {
  Json json;
  json["object_lock"] = lock.enabled;
  json["default"] =
      lock.default_mode.empty() ? "none" : AsciiLower(lock.default_mode) + ":" + ShortPeriod(lock);
  return json;
}

std::string InWords(const s3::DefaultEncryption& encryption) {
  if (encryption.sse.empty()) return "no default encryption is told";
  std::string text = "what is stored without further words is encrypted with " + encryption.sse;
  if (!encryption.kms_key_id.empty()) text += ", key " + encryption.kms_key_id;
  if (encryption.bucket_key) text += ", with a bucket key";
  for (const std::string& kind : encryption.blocked) text += "; not taken: " + kind;
  return text;
}

std::string InWords(const s3::AccessLog& log) {
  if (log.bucket.empty()) return "no access log is kept";
  std::string text = "the access log goes to s3://" + log.bucket + "/" + log.prefix;
  if (!log.partition_by.empty()) text += ", by the date of " + log.partition_by;
  for (const std::string& other : log.others) text += "; with " + other;
  return text;
}

std::string InWords(const s3::Versioning& versioning) {
  std::string text;
  if (versioning.status.empty()) {
    text = "never enabled: what is overwritten or deleted is gone";
  } else if (versioning.status == "Enabled") {
    text = "enabled: what is overwritten or deleted stays as a version, and is paid for";
  } else {
    text = "suspended: old versions stay, new ones are not kept";
  }
  if (versioning.mfa_delete) text += "; MFA delete is on";
  return text;
}

std::string InWords(const s3::BucketLock& lock) {
  if (!lock.enabled) return "the bucket has no Object Lock";
  if (lock.default_mode.empty()) return "Object Lock is on, no default retention";
  return "Object Lock is on; every new object is locked: " + AsciiLower(lock.default_mode) +
         " for " + ShortPeriod(lock);
}

Result<s3::BucketLock> ParseLockDefault(const std::string& text) {
  const Error wrong{Code::kInvalid,
                    "the default retention is written governance:30d, "
                    "compliance:1y or none, not '" +
                        text + "'"};
  s3::BucketLock lock;
  lock.enabled = true;
  if (text == "none") return lock;
  const std::size_t colon = text.find(':');
  if (colon == text.npos) return wrong;
  const std::string mode = text.substr(0, colon);
  if (mode != "governance" && mode != "compliance") return wrong;
  lock.default_mode = mode == "governance" ? "GOVERNANCE" : "COMPLIANCE";
  int number = 0;
  const char* begin = text.data() + colon + 1;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(begin, end, number);
  if (error != std::errc() || at + 1 != end || number < 1) return wrong;
  if (*at == 'd' && number <= kMostDays) {
    lock.default_days = number;
  } else if (*at == 'y' && number <= kMostYears) {
    lock.default_years = number;
  } else {
    return Error{Code::kInvalid, "a default retention is 1d to 36500d, or 1y to 100y, not '" +
                                     text.substr(colon + 1) + "'"};
  }
  return lock;
}

Json LifecycleSuggestion(const std::string& prefix) {
  Json rule;
  rule["ID"] = "coffer-bound-old-versions";
  rule["Status"] = "Enabled";
  rule["Filter"]["Prefix"] = prefix;
  rule["NoncurrentVersionExpiration"]["NoncurrentDays"] = kOldVersionDays;
  rule["Expiration"]["ExpiredObjectDeleteMarker"] = true;
  rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] = kUploadDays;
  Json rules;
  rules["Rules"] = Json::array({rule});
  return rules;
}

}  // namespace coffer::fs
