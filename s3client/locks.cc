// Object Lock: retention and legal hold of a version.

#include <utility>

#include "crypto/ascii.h"
#include "s3client/api_error.h"
#include "s3client/date.h"
#include "s3client/lock_reply.h"
#include "s3client/s3_store.h"
#include "s3client/time_text.h"
#include "s3client/xml.h"

namespace coffer::s3 {
namespace {

constexpr std::int64_t kLastSecond = 253'402'300'799;  // 9999-12-31T23:59:59Z

bool IsMode(std::string_view mode) { return mode == "GOVERNANCE" || mode == "COMPLIANCE"; }

Status CheckRetention(std::string_view mode, std::int64_t until_s) {
  if (mode.empty() && until_s == 0) return Ok();
  if (!IsMode(mode)) return Error{Code::kInvalid, "a lock is GOVERNANCE or COMPLIANCE"};
  if (until_s <= 0 || until_s > kLastSecond) {
    return Error{Code::kInvalid, "a lock ends before the year 10000"};
  }
  return Ok();
}

// "Never set", as AWS, RGW (of objects) and MinIO (400) say it.
bool SaysNeverSet(const ServiceError& said) {
  return said.code == "NoSuchObjectLockConfiguration" ||
         said.code == "ObjectLockConfigurationNotFoundError";
}

// "Bucket is missing Object Lock Configuration" and its like; the same code says other things too.
bool SaysNoObjectLock(const ServiceError& said) {
  const std::string message = AsciiLower(said.message);
  return said.status == 400 && said.code == "InvalidRequest" &&
         message.find("lock") != std::string::npos && message.find("configur") != std::string::npos;
}

Error NoObjectLock() {
  return {Code::kUnsupported, "the bucket has no Object Lock", "InvalidRequest"};
}

Result<XmlDocument> ReadDocument(const Response& response, std::string_view root) {
  auto document = XmlDocument::Parse(AsText(response.body));
  if (!document || !AnswersLock(document->root().name(), root)) {
    return Error{Code::kUnsupported, "the server does not answer for " + std::string(root)};
  }
  return document;
}

Result<Retention> ReadRetention(const Response& response) {
  COFFER_ASSIGN(const auto document, ReadDocument(response, "Retention"));
  Retention retention;
  retention.mode = document.root().TextOr("Mode");
  const std::string until = document.root().TextOr("RetainUntilDate");
  if (retention.mode.empty() && until.empty()) return retention;
  const auto parsed = ParseIsoDate(until);
  if (retention.mode.empty() || !parsed) {
    return Error{Code::kUnavailable, "the reply is no Retention: " + Printable(until)};
  }
  retention.until_s = *parsed;
  return retention;
}

}  // namespace

bool Lock::Covers(const Lock& asked) const {
  const bool held = legal_hold || !asked.legal_hold;
  const bool strict = mode == asked.mode || mode == "COMPLIANCE";
  return held && (asked.mode.empty() || (strict && retain_until_s >= asked.retain_until_s));
}

Status S3Store::AddLock(Headers& headers, const Lock& lock) {
  COFFER_TRY(CheckRetention(lock.mode, lock.retain_until_s));
  if (!lock.mode.empty()) {
    headers.Add("x-amz-object-lock-mode", lock.mode);
    headers.Add("x-amz-object-lock-retain-until-date", IsoTime(lock.retain_until_s));
  }
  if (lock.legal_hold) headers.Add("x-amz-object-lock-legal-hold", "ON");
  return Ok();
}

Request S3Store::LockRequest(Operation operation, std::string method, std::string_view key,
                             std::string_view version_id) const {
  Request request = NewRequest(operation, std::move(method), key);
  const bool hold = operation == Operation::kGetLegalHold || operation == Operation::kPutLegalHold;
  request.url.query.emplace_back(hold ? "legal-hold" : "retention", "");
  if (!version_id.empty()) request.url.query.emplace_back("versionId", std::string(version_id));
  return request;
}

Result<Retention> S3Store::GetRetention(std::string_view key, std::string_view version_id) {
  Request request = LockRequest(Operation::kGetRetention, "GET", key, version_id);
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  Retention retention;
  if (response.status / 100 == 2) {
    COFFER_ASSIGN(retention, ReadRetention(response));
  } else {
    const ServiceError said = ReadServiceError(response);
    if (SaysNoObjectLock(said)) return NoObjectLock();
    if (!SaysNeverSet(said)) return ToError(said, Operation::kGetRetention);
  }
  const auto date = ParseHttpDate(response.headers.Get("Date"));
  if (!date) return Error{Code::kUnavailable, "the reply has no Date"};
  retention.server_date_s = *date;
  return retention;
}

Result<bool> S3Store::GetLegalHold(std::string_view key, std::string_view version_id) {
  Request request = LockRequest(Operation::kGetLegalHold, "GET", key, version_id);
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 != 2) {
    const ServiceError said = ReadServiceError(response);
    if (SaysNeverSet(said)) return false;
    if (SaysNoObjectLock(said)) return NoObjectLock();
    return ToError(said, Operation::kGetLegalHold);
  }
  COFFER_ASSIGN(const auto document, ReadDocument(response, "LegalHold"));
  const std::string status = document.root().TextOr("Status");
  if (status != "ON" && status != "OFF") {
    return Error{Code::kUnavailable, "the reply is no LegalHold: " + Printable(status)};
  }
  return status == "ON";
}

Status S3Store::SendLock(Request& request, XmlWriter document) {
  COFFER_ASSIGN(const std::string body, std::move(document).Finish());
  AddDocument(request, body);
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 == 2) return Ok();
  const ServiceError said = ReadServiceError(response);
  if (SaysNoObjectLock(said)) return NoObjectLock();
  return ToError(said, request.operation);
}

// A bare 403 does not say whether the caller lacks the right or the lock forbids it.
bool S3Store::Weakens(const RetentionChange& change) {
  const auto now = GetRetention(change.key, change.version_id);
  if (!now) return false;
  const Lock there{now->mode, now->until_s, false};
  return there.Retained(now->server_date_s) &&
         (change.mode != there.mode || change.until_s < there.retain_until_s);
}

Status S3Store::PutRetention(const RetentionChange& change) {
  COFFER_TRY(CheckRetention(change.mode, change.until_s));
  Request request = LockRequest(Operation::kPutRetention, "PUT", change.key, change.version_id);
  if (change.bypass_governance) {
    request.headers.Add("x-amz-bypass-governance-retention", "true");
  }
  XmlWriter writer;
  writer.Open("Retention", kS3Namespace);
  if (!change.mode.empty()) {
    writer.Text("Mode", change.mode);
    writer.Text("RetainUntilDate", IsoTime(change.until_s));
  }
  writer.Close();
  Status status = SendLock(request, std::move(writer));
  if (!status && status.error().code == Code::kDenied && Weakens(change)) {
    Error error = std::move(status).error();
    error.code = Code::kLocked;
    return error;
  }
  return status;
}

Status S3Store::PutLegalHold(std::string_view key, std::string_view version_id, bool on) {
  Request request = LockRequest(Operation::kPutLegalHold, "PUT", key, version_id);
  XmlWriter writer;
  writer.Open("LegalHold", kS3Namespace);
  writer.Text("Status", on ? "ON" : "OFF");
  writer.Close();
  return SendLock(request, std::move(writer));
}

}  // namespace coffer::s3
