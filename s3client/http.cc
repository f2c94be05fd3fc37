#include "s3client/http.h"

#include <algorithm>

#include "crypto/ascii.h"
#include "crypto/encoding.h"

namespace coffer::s3 {
namespace {

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return AsciiLower(x) == AsciiLower(y); });
}

}  // namespace

std::string_view Name(Operation operation) {
  switch (operation) {
    case Operation::kHeadObject:
      return "HeadObject";
    case Operation::kGetObject:
      return "GetObject";
    case Operation::kPutObject:
      return "PutObject";
    case Operation::kCopyObject:
      return "CopyObject";
    case Operation::kDeleteObject:
      return "DeleteObject";
    case Operation::kDeleteObjects:
      return "DeleteObjects";
    case Operation::kListObjects:
      return "ListObjectsV2";
    case Operation::kListVersions:
      return "ListObjectVersions";
    case Operation::kCreateUpload:
      return "CreateMultipartUpload";
    case Operation::kUploadPart:
      return "UploadPart";
    case Operation::kCopyPart:
      return "UploadPartCopy";
    case Operation::kCompleteUpload:
      return "CompleteMultipartUpload";
    case Operation::kAbortUpload:
      return "AbortMultipartUpload";
    case Operation::kListUploads:
      return "ListMultipartUploads";
    case Operation::kGetTagging:
      return "GetObjectTagging";
    case Operation::kPutTagging:
      return "PutObjectTagging";
    case Operation::kRenameObject:
      return "RenameObject";
    case Operation::kHeadBucket:
      return "HeadBucket";
    case Operation::kPutBucketSetting:
      return "PutBucketSetting";
    case Operation::kPreflight:
      return "Preflight";
    case Operation::kGetBucketQuery:
      return "GetBucketQuery";
    case Operation::kGetRetention:
      return "GetObjectRetention";
    case Operation::kPutRetention:
      return "PutObjectRetention";
    case Operation::kGetLegalHold:
      return "GetObjectLegalHold";
    case Operation::kPutLegalHold:
      return "PutObjectLegalHold";
    case Operation::kRestoreObject:
      return "RestoreObject";
    case Operation::kCreateSession:
      return "CreateSession";
    case Operation::kSts:
      return "STS";
    case Operation::kKmsGenerateDataKey:
      return "GenerateDataKey";
    case Operation::kKmsDecrypt:
      return "Decrypt";
    case Operation::kKmsEncrypt:
      return "Encrypt";
    case Operation::kKmsDescribeKey:
      return "DescribeKey";
    case Operation::kKmsGetKeyPolicy:
      return "GetKeyPolicy";
  }
  return "?";
}

bool IsKms(Operation operation) {
  return operation == Operation::kKmsGenerateDataKey || operation == Operation::kKmsDecrypt ||
         operation == Operation::kKmsEncrypt || operation == Operation::kKmsDescribeKey ||
         operation == Operation::kKmsGetKeyPolicy;
}

void Headers::Add(std::string name, std::string value) {
  fields_.emplace_back(std::move(name), std::move(value));
}

void Headers::Set(std::string name, std::string value) {
  Remove(name);
  Add(std::move(name), std::move(value));
}

std::string_view Headers::Get(std::string_view name) const {
  for (const auto& [field, value] : fields_) {
    if (SameName(field, name)) return value;
  }
  return {};
}

bool Headers::Has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(),
                     [name](const auto& field) { return SameName(field.first, name); });
}

void Headers::Remove(std::string_view name) {
  std::erase_if(fields_, [name](const auto& field) { return SameName(field.first, name); });
}

std::string Url::Authority() const {
  const std::uint16_t standard = https ? 443 : 80;
  if (port == 0 || port == standard) return host;
  return host + ":" + std::to_string(port);
}

std::string Url::EncodedQuery() const {
  std::vector<std::pair<std::string, std::string>> encoded;
  encoded.reserve(query.size());
  for (const auto& [name, value] : query) {
    encoded.emplace_back(UriEscape(name, Slash::kEscape), UriEscape(value, Slash::kEscape));
  }
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

std::string Url::ToString() const {
  std::string out = (https ? "https://" : "http://") + Authority() + path;
  if (!query.empty()) out += "?" + EncodedQuery();
  return out;
}

}  // namespace coffer::s3
