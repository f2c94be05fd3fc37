// Copy: inside the service, whole or, above 5 GB, by parts.

#include <algorithm>

#include "crypto/encoding.h"
#include "s3client/api_error.h"
#include "s3client/object_info.h"
#include "s3client/s3_request.h"
#include "s3client/s3_store.h"
#include "s3client/xml.h"

namespace coffer::s3 {
namespace {

constexpr std::uint64_t kMaxParts = 10'000;
constexpr std::string_view kSourceCondition = "x-amz-copy-source";

Result<std::string> ReadCopyEtag(const Response& response) {
  COFFER_ASSIGN(const auto document, XmlDocument::Parse(AsText(response.body)));
  if (document.root().name() != "CopyObjectResult") {
    return Error{Code::kUnavailable, "the reply is no CopyObjectResult"};
  }
  COFFER_ASSIGN(const std::string etag, document.root().TextOf("ETag"));
  if (etag.empty()) return Error{Code::kUnavailable, "the reply has no ETag"};
  return Unquoted(etag);
}

}  // namespace

S3Store::Style S3Store::CopyStyle(const CopyRequest& request) const {
  Style style = DefaultStyle();
  if (!request.storage_class.empty()) style.storage_class = request.storage_class;
  if (request.from == request.to) {
    KeepEncryption(style, {request.sse, request.sse_kms_key_id, request.bucket_key});
  }
  return style;
}

void S3Store::AddSource(Headers& headers, const Source& source) const {
  std::string value = target_.CopySource(source.key);
  if (!source.version_id.empty()) {
    value += "?versionId=" + UriEscape(source.version_id, Slash::kEscape);
  }
  headers.Add("x-amz-copy-source", std::move(value));
  if (!source.etag.empty()) headers.Add("x-amz-copy-source-if-match", Quoted(source.etag));
  if (!options_.expected_bucket_owner.empty()) {
    headers.Add("x-amz-source-expected-bucket-owner", options_.expected_bucket_owner);
  }
  AddSourceCustomerKey(headers);
}

Result<Written> S3Store::Copy(const CopyRequest& request) {
  Style style = CopyStyle(request);
  const bool by_parts = request.size > options_.max_single_copy_bytes;
  if (request.keep_metadata && (by_parts || request.from == request.to)) {
    return Error{Code::kInvalid, "such a copy cannot keep the metadata by itself"};
  }
  if (by_parts) {
    return CopyByParts(request, std::move(style));
  }
  return CopyWhole(request, style);
}

Result<Written> S3Store::CopyWhole(const CopyRequest& request, const Style& style) {
  Request ask = NewRequest(Operation::kCopyObject, "PUT", request.to);
  const Condition& condition = request.target.condition;
  AddSource(ask.headers, {request.from, request.source_version_id, request.source_etag});
  ask.headers.Add("x-amz-metadata-directive", request.keep_metadata ? "COPY" : "REPLACE");
  // What is carried over leaves no room for an id of ours.
  std::string put_id;
  if (!request.keep_metadata) {
    COFFER_ASSIGN(put_id, NewPutId());
  }
  NewObject bare;
  bare.lock = request.target.lock;
  COFFER_TRY(
      AddNewObject(ask.headers, request.keep_metadata ? bare : request.target, style, put_id));
  AddCondition(ask.headers, condition);
  ask.xml_reply = true;
  ask.first_byte_timeout = kSlowOperation;
  ask.plain_iam_auth = true;
  COFFER_ASSIGN(const Response response, transport_.Send(ask));
  if (response.status / 100 != 2) {
    const ServiceError said = ReadServiceError(response);
    // The source is what is missing: a target's condition is lost with 412.
    if (said.status == 404) return ToError(said, Operation::kCopyObject);
    // Which of two conditions failed is said by some servers; without a word it was the target's.
    const bool on_source = condition.kind == Condition::Kind::kNone ||
                           said.condition.substr(0, kSourceCondition.size()) == kSourceCondition;
    if (request.keep_metadata && !on_source && response.attempts > 1) {
      COFFER_ASSIGN(auto own, OwnCopy(request));
      if (own) return std::move(*own);
    }
    const Condition source = Condition::Matches(request.source_etag);
    return Refused(
        response, Operation::kCopyObject,
        {request.to, on_source && !request.source_etag.empty() ? source : condition, put_id});
  }
  COFFER_ASSIGN(std::string etag, ReadCopyEtag(response));
  COFFER_TRY(CheckEncryption(response, style.encryption));
  return ReadWritten(response.headers, std::move(etag));
}

// Was the condition lost to our own first try, whose reply never came? A copy that keeps the
// metadata has no mark of its own: it shows the content's ETag, or the mark of the content's write.
Result<std::optional<Written>> S3Store::OwnCopy(const CopyRequest& request) {
  COFFER_ASSIGN(const Response made, SendHead(request.to, {}));
  if (made.status == 404) return std::optional<Written>();
  if (!IsSuccess(made)) {
    return ToError(made, Operation::kHeadObject)
        .While("find out whether the copy happened, after a retry");
  }
  std::string etag = Unquoted(made.headers.Get("ETag"));
  bool own = !etag.empty() && etag == request.source_etag;
  if (!own) {
    COFFER_ASSIGN(const Response source, SendHead(request.from, {}));
    const std::string mark = "x-amz-meta-" + std::string(kPutIdName);
    own = IsSuccess(source) && !source.headers.Get(mark).empty() &&
          source.headers.Get(mark) == made.headers.Get(mark) &&
          Unquoted(source.headers.Get("ETag")) == request.source_etag;
  }
  if (!own) return std::optional<Written>();
  return std::optional(ReadWritten(made.headers, std::move(etag)));
}

Result<Written> S3Store::CopyByParts(const CopyRequest& request, Style style) {
  // Unlike a whole copy, parts carry bytes alone: tags must be brought along.
  if (request.tag_count > 0) {
    COFFER_ASSIGN(style.tagging, Tagging(request.from, request.source_version_id));
  }
  NewObject object = request.target;
  object.copies_parts = true;
  COFFER_ASSIGN(const Upload upload, CreateUploadAs(request.to, object, style));
  if (request.uploads != nullptr) request.uploads->Began(upload);
  auto parts = CopyAllParts(upload, request);
  auto written = parts ? CompleteUpload(upload, *parts, request.target.condition)
                       : Result<Written>(Error(parts.error()));
  const bool refused = !written && (!parts || written.error().code == Code::kExists ||
                                    written.error().code == Code::kChanged);
  // One that could be neither completed nor aborted stays on record, for a later start to clean up.
  const bool ended = refused ? AbortUpload(upload).has_value() : written.has_value();
  if (ended && request.uploads != nullptr) request.uploads->Ended(upload);
  return written;
}

Result<std::vector<Part>> S3Store::CopyAllParts(const Upload& upload, const CopyRequest& request) {
  const std::uint64_t part_bytes =
      std::max(options_.copy_part_bytes, (request.size + kMaxParts - 1) / kMaxParts);
  const Source source{request.from, request.source_version_id, request.source_etag};
  std::vector<Part> parts;
  for (std::uint64_t offset = 0; offset < request.size; offset += part_bytes) {
    const Range range{offset, std::min(part_bytes, request.size - offset)};
    COFFER_ASSIGN(Part part,
                  CopyPartFrom(upload, static_cast<int>(parts.size()) + 1, source, range));
    parts.push_back(std::move(part));
  }
  return parts;
}

// The source's tags as the x-amz-tagging header carries them.
Result<std::string> S3Store::Tagging(std::string_view key, std::string_view version_id) {
  Request request = NewRequest(Operation::kGetTagging, "GET", key);
  request.url.query.emplace_back("tagging", "");
  if (!version_id.empty()) request.url.query.emplace_back("versionId", std::string(version_id));
  request.xml_reply = true;
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 != 2) return ToError(response, Operation::kGetTagging);
  COFFER_ASSIGN(const auto document, XmlDocument::Parse(AsText(response.body)));
  if (document.root().name() != "Tagging") {
    return Error{Code::kUnavailable, "the reply is no Tagging"};
  }
  std::string tagging;
  for (const XmlNode tag : document.root().Child("TagSet").Children("Tag")) {
    COFFER_ASSIGN(const std::string name, tag.TextOf("Key"));
    COFFER_ASSIGN(const std::string value, tag.TextOf("Value"));
    if (!tagging.empty()) tagging += '&';
    tagging += UriEscape(name, Slash::kEscape) + "=" + UriEscape(value, Slash::kEscape);
  }
  return tagging;
}

}  // namespace coffer::s3
