#include "s3client/bucket_settings.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "s3client/api_error.h"
#include "s3client/xml.h"

namespace coffer::s3 {
namespace {

Error Unknown(XmlNode node, std::string_view where) {
  return {Code::kUnsupported, "<" + Printable(node.name()) + "> in " + std::string(where) +
                                  " is not known here: changing it would lose that"};
}

// Nothing but `names` in `node`, so that nothing is lost when it is written again.
Status Only(XmlNode node, std::string_view where, std::initializer_list<std::string_view> names) {
  for (XmlNode child = node.FirstChild(); child; child = child.Next()) {
    if (std::find(names.begin(), names.end(), child.name()) == names.end()) {
      return Unknown(child, where);
    }
  }
  return Ok();
}

// The names of what is in `node` beside `names`.
void NoteOthers(XmlNode node, std::initializer_list<std::string_view> names,
                std::vector<std::string>& others) {
  for (XmlNode child = node.FirstChild(); child; child = child.Next()) {
    if (std::find(names.begin(), names.end(), child.name()) == names.end()) {
      others.emplace_back(child.name());
    }
  }
}

Result<std::vector<std::string>> Texts(XmlNode parent, std::string_view name) {
  std::vector<std::string> texts;
  for (const XmlNode child : parent.Children(name)) {
    COFFER_ASSIGN(std::string text, child.Text());
    texts.push_back(std::move(text));
  }
  return texts;
}

// "" where there is none.
Result<std::string> TextIn(XmlNode parent, std::string_view name) {
  const XmlNode child = parent.Child(name);
  return child ? child.Text() : Result<std::string>(std::string());
}

Result<std::uint64_t> NumberIn(XmlNode parent, std::string_view name) {
  return parent.Child(name) ? parent.NumberOf(name) : Result<std::uint64_t>(0);
}

Result<CorsRule> ReadCorsRule(XmlNode node) {
  COFFER_TRY(Only(
      node, "a CORS rule",
      {"ID", "AllowedOrigin", "AllowedMethod", "AllowedHeader", "ExposeHeader", "MaxAgeSeconds"}));
  CorsRule rule;
  COFFER_ASSIGN(rule.id, TextIn(node, "ID"));
  COFFER_ASSIGN(rule.origins, Texts(node, "AllowedOrigin"));
  COFFER_ASSIGN(rule.methods, Texts(node, "AllowedMethod"));
  COFFER_ASSIGN(rule.headers, Texts(node, "AllowedHeader"));
  COFFER_ASSIGN(rule.expose, Texts(node, "ExposeHeader"));
  if (node.Child("MaxAgeSeconds")) {
    COFFER_ASSIGN(rule.max_age_s, node.NumberOf("MaxAgeSeconds"));
  }
  return rule;
}

void WriteAll(XmlWriter& xml, std::string_view name, const std::vector<std::string>& values) {
  for (const std::string& value : values) xml.Text(name, value);
}

Result<LifecycleRule> ReadLifecycleRule(XmlNode node) {
  LifecycleRule rule;
  rule.id = node.TextOr("ID");
  rule.enabled = node.TextOr("Status") == "Enabled";
  const XmlNode filter = node.Child("Filter");
  rule.prefix = filter ? filter.TextOr("Prefix") : node.TextOr("Prefix");
  for (XmlNode child = filter.FirstChild(); child; child = child.Next()) {
    rule.filtered = rule.filtered || child.name() != "Prefix";
  }
  COFFER_ASSIGN(rule.noncurrent_days,
                NumberIn(node.Child("NoncurrentVersionExpiration"), "NoncurrentDays"));
  COFFER_ASSIGN(rule.abort_days,
                NumberIn(node.Child("AbortIncompleteMultipartUpload"), "DaysAfterInitiation"));
  return rule;
}

}  // namespace

struct BucketSettings::Question {
  std::string_view subresource;
  std::string_view root;
  std::string_view none;        // the code of "there is none"; "" where there always is one
  std::string_view permission;  // to read
  std::string_view to_write;

  static Question Cors() {
    return {"cors", "CORSConfiguration", "NoSuchCORSConfiguration", "s3:GetBucketCORS",
            "s3:PutBucketCORS"};
  }
  static Question Encryption() {
    return {"encryption", "ServerSideEncryptionConfiguration",
            "ServerSideEncryptionConfigurationNotFoundError", "s3:GetEncryptionConfiguration",
            "s3:PutEncryptionConfiguration"};
  }
  static Question Logging() {
    return {"logging", "BucketLoggingStatus", "", "s3:GetBucketLogging", "s3:PutBucketLogging"};
  }
  static Question Versioning() {
    return {"versioning", "VersioningConfiguration", "", "s3:GetBucketVersioning",
            "s3:PutBucketVersioning"};
  }
  static Question ObjectLock() {
    return {"object-lock", "ObjectLockConfiguration", "", "s3:GetBucketObjectLockConfiguration",
            "s3:PutBucketObjectLockConfiguration"};
  }
  static Question Lifecycle() {
    return {"lifecycle", "LifecycleConfiguration", "NoSuchLifecycleConfiguration",
            "s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"};
  }
  static Question RequestPayment() {
    return {"requestPayment", "RequestPaymentConfiguration", "", "s3:GetBucketRequestPayment", ""};
  }
};

namespace {

// Servers answer a question that they do not know with something else, and status 200.
Error NotAnswered(std::string_view subresource, std::string_view why) {
  return {Code::kUnsupported,
          "the server does not answer ?" + std::string(subresource) + std::string(why)};
}

}  // namespace

BucketSettings::BucketSettings(Transport& transport, Target target, BucketOptions options)
    : transport_(transport), target_(std::move(target)), options_(std::move(options)) {}

Request BucketSettings::NewRequest(Operation operation, std::string method,
                                   std::string_view subresource) const {
  Request request;
  request.operation = operation;
  request.method = std::move(method);
  request.url = target_.UrlFor("");
  request.url.query.emplace_back(std::string(subresource), "");
  request.max_reply_bytes = 1u << 20;
  AddHeaders(options_, request.headers);
  return request;
}

Result<std::optional<XmlDocument>> BucketSettings::Read(const Question& question) {
  // CORS is the one that an access point answers.
  if (!target_.capabilities.bucket_queries && question.subresource != "cors") {
    return Error{Code::kUnsupported, "?" + std::string(question.subresource) +
                                         " is asked of the bucket itself, not of " + target_.name +
                                         ": name the bucket"};
  }
  Request request = NewRequest(Operation::kGetBucketQuery, "GET", question.subresource);
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  const ServiceError said = ReadServiceError(response);
  if (response.status == 404 && !question.none.empty() && said.code == question.none) {
    return std::optional<XmlDocument>();
  }
  if (response.status == 405 || response.status == 501) {
    return NotAnswered(question.subresource, "");
  }
  if (response.status / 100 != 2) {
    return ToError(said, Operation::kGetBucketQuery)
        .While("ask for ?" + std::string(question.subresource) + " (" +
               std::string(question.permission) + ")");
  }
  COFFER_ASSIGN(XmlDocument document, XmlDocument::Parse(AsText(response.body)));
  if (document.root().name() != question.root) {
    return NotAnswered(question.subresource, ", but with something else");
  }
  return std::optional<XmlDocument>(std::move(document));
}

Status BucketSettings::Write(const Question& question, Result<std::string> document) {
  if (!document) return std::move(document).error();
  return Send(question, *document, "application/xml");
}

Status BucketSettings::Send(const Question& question, const std::string& document,
                            const char* type) {
  if (!target_.capabilities.bucket_queries) {
    return Error{Code::kUnsupported, "settings are changed on the bucket itself, not through " +
                                         target_.name + ": name the bucket"};
  }
  const bool remove = document.empty();
  Request request =
      NewRequest(Operation::kPutBucketSetting, remove ? "DELETE" : "PUT", question.subresource);
  if (!remove) {
    request.headers.Add("Content-Type", type);
    request.body = AsBytes(document);
    const Sha256Digest digest = Sha256(request.body);
    request.payload_hash = HexEncode(digest);
    request.headers.Add("x-amz-checksum-sha256", Base64Encode(digest));
    // Servers differ in which digest they know; a machine in FIPS mode has no MD5.
    if (const auto md5 = Md5(request.body)) {
      request.headers.Add("Content-MD5", Base64Encode(*md5));
    }
  }
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 == 2) return Ok();
  return ToError(response, Operation::kPutBucketSetting)
      .While("set ?" + std::string(question.subresource) + " (" + std::string(question.to_write) +
             ")");
}

Result<std::vector<CorsRule>> BucketSettings::Cors() {
  std::vector<CorsRule> rules;
  COFFER_ASSIGN(const auto document, Read(Question::Cors()));
  if (!document) return rules;
  COFFER_TRY(Only(document->root(), "the CORS rules", {"CORSRule"}));
  for (const XmlNode node : document->root().Children("CORSRule")) {
    COFFER_ASSIGN(CorsRule rule, ReadCorsRule(node));
    rules.push_back(std::move(rule));
  }
  return rules;
}

Status BucketSettings::SetCors(const std::vector<CorsRule>& rules) {
  if (rules.empty()) return Write(Question::Cors(), std::string());
  XmlWriter xml;
  xml.Open("CORSConfiguration", kS3Namespace);
  for (const CorsRule& rule : rules) {
    xml.Open("CORSRule");
    if (!rule.id.empty()) xml.Text("ID", rule.id);
    WriteAll(xml, "AllowedHeader", rule.headers);
    WriteAll(xml, "AllowedMethod", rule.methods);
    WriteAll(xml, "AllowedOrigin", rule.origins);
    WriteAll(xml, "ExposeHeader", rule.expose);
    if (rule.max_age_s) xml.Text("MaxAgeSeconds", std::to_string(*rule.max_age_s));
    xml.Close();
  }
  xml.Close();
  return Write(Question::Cors(), std::move(xml).Finish());
}

Result<DefaultEncryption> BucketSettings::Encryption() {
  DefaultEncryption found;
  COFFER_ASSIGN(const auto document, Read(Question::Encryption()));
  if (!document) return found;
  const auto rules = document->root().Children("Rule");
  if (rules.size() > 1) {
    return Error{Code::kUnsupported, "the bucket has several rules of default encryption"};
  }
  if (rules.empty()) return found;
  const XmlNode rule = rules.front();
  COFFER_TRY(
      Only(rule, "the default encryption",
           {"ApplyServerSideEncryptionByDefault", "BucketKeyEnabled", "BlockedEncryptionTypes"}));
  const XmlNode apply = rule.Child("ApplyServerSideEncryptionByDefault");
  COFFER_TRY(Only(apply, "the default encryption", {"SSEAlgorithm", "KMSMasterKeyID"}));
  COFFER_ASSIGN(found.sse, TextIn(apply, "SSEAlgorithm"));
  COFFER_ASSIGN(found.kms_key_id, TextIn(apply, "KMSMasterKeyID"));
  COFFER_ASSIGN(const std::string key, TextIn(rule, "BucketKeyEnabled"));
  found.bucket_key = key == "true";
  COFFER_ASSIGN(found.blocked, Texts(rule.Child("BlockedEncryptionTypes"), "EncryptionType"));
  return found;
}

Status BucketSettings::SetEncryption(const DefaultEncryption& encryption) {
  XmlWriter xml;
  xml.Open("ServerSideEncryptionConfiguration", kS3Namespace);
  xml.Open("Rule");
  xml.Open("ApplyServerSideEncryptionByDefault");
  xml.Text("SSEAlgorithm", encryption.sse);
  if (!encryption.kms_key_id.empty()) xml.Text("KMSMasterKeyID", encryption.kms_key_id);
  xml.Close();
  if (encryption.sse == "aws:kms") {
    xml.Text("BucketKeyEnabled", encryption.bucket_key ? "true" : "false");
  }
  if (!encryption.blocked.empty()) {
    xml.Open("BlockedEncryptionTypes");
    WriteAll(xml, "EncryptionType", encryption.blocked);
    xml.Close();
  }
  xml.Close();
  xml.Close();
  return Write(Question::Encryption(), std::move(xml).Finish());
}

Result<AccessLog> BucketSettings::Logging() {
  AccessLog log;
  COFFER_ASSIGN(const auto document, Read(Question::Logging()));
  NoteOthers(document->root(), {"LoggingEnabled"}, log.others);
  const XmlNode on = document->root().Child("LoggingEnabled");
  if (!on) return log;
  COFFER_ASSIGN(log.bucket, on.TextOf("TargetBucket"));
  COFFER_ASSIGN(log.prefix, TextIn(on, "TargetPrefix"));
  const XmlNode format = on.Child("TargetObjectKeyFormat");
  const XmlNode parts = format.Child("PartitionedPrefix");
  COFFER_ASSIGN(log.partition_by, TextIn(parts, "PartitionDateSource"));
  NoteOthers(on, {"TargetBucket", "TargetPrefix", "TargetObjectKeyFormat"}, log.others);
  NoteOthers(format, {"SimplePrefix", "PartitionedPrefix"}, log.others);
  NoteOthers(parts, {"PartitionDateSource"}, log.others);
  return log;
}

Status BucketSettings::SetLogging(const AccessLog& log) {
  XmlWriter xml;
  xml.Open("BucketLoggingStatus", kS3Namespace);
  if (!log.bucket.empty()) {
    xml.Open("LoggingEnabled");
    xml.Text("TargetBucket", log.bucket);
    xml.Text("TargetPrefix", log.prefix);
    if (!log.partition_by.empty()) {
      xml.Open("TargetObjectKeyFormat");
      xml.Open("PartitionedPrefix");
      xml.Text("PartitionDateSource", log.partition_by);
      xml.Close();
      xml.Close();
    }
    xml.Close();
  }
  xml.Close();
  return Write(Question::Logging(), std::move(xml).Finish());
}

Result<s3::Versioning> BucketSettings::Versioning() {
  COFFER_ASSIGN(const auto document, Read(Question::Versioning()));
  s3::Versioning found;
  COFFER_ASSIGN(found.status, TextIn(document->root(), "Status"));
  COFFER_ASSIGN(const std::string mfa, TextIn(document->root(), "MfaDelete"));
  found.mfa_delete = mfa == "Enabled";
  return found;
}

Status BucketSettings::EnableVersioning() {
  XmlWriter xml;
  xml.Open("VersioningConfiguration", kS3Namespace);
  xml.Text("Status", "Enabled");
  xml.Close();
  return Write(Question::Versioning(), std::move(xml).Finish());
}

Status BucketSettings::SetObjectLock(const BucketLock& lock) {
  XmlWriter xml;
  xml.Open("ObjectLockConfiguration", kS3Namespace);
  xml.Text("ObjectLockEnabled", "Enabled");
  if (!lock.default_mode.empty()) {
    xml.Open("Rule");
    xml.Open("DefaultRetention");
    xml.Text("Mode", lock.default_mode);
    const bool days = lock.default_days > 0;
    xml.Text(days ? "Days" : "Years",
             std::to_string(days ? lock.default_days : lock.default_years));
    xml.Close();
    xml.Close();
  }
  xml.Close();
  return Write(Question::ObjectLock(), std::move(xml).Finish());
}

Result<std::vector<LifecycleRule>> BucketSettings::Lifecycle() {
  std::vector<LifecycleRule> rules;
  COFFER_ASSIGN(const auto document, Read(Question::Lifecycle()));
  if (!document) return rules;
  for (const XmlNode node : document->root().Children("Rule")) {
    COFFER_ASSIGN(LifecycleRule rule, ReadLifecycleRule(node));
    rules.push_back(std::move(rule));
  }
  return rules;
}

Result<bool> BucketSettings::RequesterPays() {
  COFFER_ASSIGN(const auto document, Read(Question::RequestPayment()));
  COFFER_ASSIGN(const std::string payer, document->root().TextOf("Payer"));
  return payer == "Requester";
}

Result<std::string> BucketSettings::Policy() {
  if (!target_.capabilities.bucket_queries) {
    return Error{Code::kUnsupported, "a bucket policy is asked of the bucket itself, not of " +
                                         target_.name + ": name the bucket"};
  }
  const Request request = NewRequest(Operation::kGetBucketQuery, "GET", "policy");
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  const ServiceError said = ReadServiceError(response);
  if (response.status == 404 && said.code == "NoSuchBucketPolicy") return std::string();
  if (response.status == 405 || response.status == 501) return NotAnswered("policy", "");
  if (response.status / 100 != 2) {
    return ToError(said, Operation::kGetBucketQuery).While("ask for ?policy (s3:GetBucketPolicy)");
  }
  std::string text(AsText(response.body));
  if (text.empty()) return NotAnswered("policy", ", but with nothing");
  return text;
}

Status BucketSettings::SetPolicy(const std::string& text) {
  const Question question{"policy", "", "", "s3:GetBucketPolicy",
                          text.empty() ? "s3:DeleteBucketPolicy" : "s3:PutBucketPolicy"};
  return Send(question, text, "application/json");
}

}  // namespace coffer::s3
