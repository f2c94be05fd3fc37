// Multipart uploads: objects made of parts.

#include <functional>

#include "s3client/api_error.h"
#include "s3client/object_info.h"
#include "s3client/s3_request.h"
#include "s3client/s3_store.h"
#include "s3client/xml.h"

namespace coffer::s3 {
namespace {

std::string_view ChecksumElement(bool crc) { return crc ? "ChecksumCRC32" : "ChecksumSHA256"; }

void AddUploadQuery(Request& request, const Upload& upload) {
  request.url.query.emplace_back("uploadId", upload.id);
}

Result<std::string> CompleteBody(std::span<const Part> parts, bool crc) {
  XmlWriter writer;
  writer.Open("CompleteMultipartUpload", kS3Namespace);
  for (const Part& part : parts) {
    writer.Open("Part");
    writer.Text("PartNumber", std::to_string(part.number));
    writer.Text("ETag", Quoted(part.etag));
    if (!part.checksum.empty()) writer.Text(ChecksumElement(crc), part.checksum);
    writer.Close();
  }
  writer.Close();
  return std::move(writer).Finish();
}

// The root of a reply that must have this name.
Result<XmlDocument> ParseAs(const Response& response, std::string_view root) {
  COFFER_ASSIGN(auto document, XmlDocument::Parse(AsText(response.body)));
  if (document.root().name() != root) {
    return Error{Code::kUnavailable, "the reply is no " + std::string(root)};
  }
  return document;
}

Result<std::string> ReadUploadId(const Response& response) {
  COFFER_ASSIGN(const auto document, ParseAs(response, "InitiateMultipartUploadResult"));
  COFFER_ASSIGN(std::string id, document.root().TextOf("UploadId"));
  if (id.empty()) return Error{Code::kUnavailable, "the reply has no upload id"};
  return id;
}

Result<Part> ReadCopiedPart(const Response& response, int number, bool crc) {
  COFFER_ASSIGN(const auto document, ParseAs(response, "CopyPartResult"));
  COFFER_ASSIGN(const std::string etag, document.root().TextOf("ETag"));
  Part part{number, Unquoted(etag), document.root().TextOr(ChecksumElement(crc))};
  if (part.etag.empty()) return Error{Code::kUnavailable, "the reply has no ETag"};
  return part;
}

}  // namespace

Result<Upload> S3Store::CreateUpload(std::string_view key, const NewObject& object) {
  COFFER_ASSIGN(const Style style, StyleOf(key, object));
  return CreateUploadAs(key, object, style);
}

Result<Upload> S3Store::CreateUploadAs(std::string_view key, const NewObject& object,
                                       const Style& style) {
  Upload upload{std::string(key), {}};
  COFFER_ASSIGN(upload.put_id, NewPutId());
  Request request = NewRequest(Operation::kCreateUpload, "POST", key);
  request.url.query.emplace_back("uploads", "");
  COFFER_TRY(AddNewObject(request.headers, object, style, upload.put_id));
  // Of what we copy, MinIO has no checksum, and versitygw the source's.
  upload.without_checksums = object.copies_parts && !target_.aws_host &&
                             target_.scheme != Scheme::kSigV4S3Express;  // those are AWS's alone
  if (!upload.without_checksums) {
    request.headers.Add("x-amz-checksum-algorithm", options_.unsigned_payload ? "CRC32" : "SHA256");
  }
  request.xml_reply = true;
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 != 2) return ToError(response, Operation::kCreateUpload);
  COFFER_ASSIGN(upload.id, ReadUploadId(response));
  if (auto status = CheckEncryption(response, style.encryption); !status) {
    // Nothing is stored yet, and nothing shall be.
    (void)AbortUpload(upload);
    return std::move(status).error();
  }
  return upload;
}

Result<Part> S3Store::UploadPart(const Upload& upload, PartPlace place, ByteView body) {
  Request request = NewRequest(Operation::kUploadPart, "PUT", upload.key);
  request.url.query.emplace_back("partNumber", std::to_string(place.number));
  AddUploadQuery(request, upload);
  AddCustomerKey(request.headers);
  Checksum checksum;
  if (upload.without_checksums) {
    AddBodyWithoutChecksum(request, body);
  } else {
    checksum = AddBody(request, body);
  }
  const std::function<Status(const Response&)> check = [&](const Response& response) {
    return CheckWritten(response, checksum);
  };
  request.reply_check = &check;
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 != 2) return ToError(response, Operation::kUploadPart);
  COFFER_TRY(CheckWritten(response, checksum));
  return Part{place.number, Unquoted(response.headers.Get("ETag")),
              std::string(response.headers.Get(checksum.header))};
}

Result<Part> S3Store::CopyPart(const Upload& upload, int number, std::string_view from, Range range,
                               std::string_view source_etag) {
  return CopyPartFrom(upload, number, {std::string(from), {}, std::string(source_etag)}, range);
}

Result<Part> S3Store::CopyPartFrom(const Upload& upload, int number, const Source& source,
                                   Range range) {
  Request request = NewRequest(Operation::kCopyPart, "PUT", upload.key);
  request.url.query.emplace_back("partNumber", std::to_string(number));
  AddUploadQuery(request, upload);
  AddSource(request.headers, source);
  request.headers.Add("x-amz-copy-source-range", "bytes=" + std::to_string(range.offset) + "-" +
                                                     std::to_string(range.offset + range.size - 1));
  AddCustomerKey(request.headers);
  request.xml_reply = true;
  request.first_byte_timeout = kSlowOperation;
  request.plain_iam_auth = true;
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 != 2) return ToError(response, Operation::kCopyPart);
  COFFER_ASSIGN(Part part, ReadCopiedPart(response, number, options_.unsigned_payload));
  if (upload.without_checksums) part.checksum.clear();
  return part;
}

Result<Written> S3Store::CompleteUpload(const Upload& upload, std::span<const Part> parts,
                                        const Condition& condition) {
  COFFER_ASSIGN(const std::string body, CompleteBody(parts, options_.unsigned_payload));
  Request request = NewRequest(Operation::kCompleteUpload, "POST", upload.key);
  AddUploadQuery(request, upload);
  request.headers.Add("Content-Type", "application/xml");
  AddCondition(request.headers, condition);
  AddCustomerKey(request.headers);
  request.body = AsBytes(body);
  request.xml_reply = true;
  request.first_byte_timeout = kSlowOperation;
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 != 2) {
    const ServiceError said = ReadServiceError(response);
    if (said.code == "NoSuchUpload" && said.status == 404) return AfterLostUpload(upload, response);
    return Refused(response, Operation::kCompleteUpload, {upload.key, condition, upload.put_id});
  }
  COFFER_ASSIGN(const auto document, ParseAs(response, "CompleteMultipartUploadResult"));
  std::string etag = Unquoted(document.root().TextOr("ETag"));
  if (!etag.empty()) return ReadWritten(response.headers, std::move(etag));
  // Some servers say that it is done and not what it became.
  COFFER_ASSIGN(auto own, OwnWrite(upload.key, upload.put_id));
  if (!own) return Error{Code::kChanged, "CompleteMultipartUpload: already replaced by another"};
  return std::move(*own);
}

// The upload is gone: completed by an earlier try whose reply was lost, or aborted by somebody.
Result<Written> S3Store::AfterLostUpload(const Upload& upload, const Response& response) {
  Error error = ToError(response, Operation::kCompleteUpload);
  error.code = Code::kUnavailable;  // of the upload, never of the object
  if (upload.put_id.empty()) return error;
  COFFER_ASSIGN(auto own, OwnWrite(upload.key, upload.put_id));
  if (!own) return error;
  return std::move(*own);
}

Status S3Store::AbortUpload(const Upload& upload) {
  Request request = NewRequest(Operation::kAbortUpload, "DELETE", upload.key);
  AddUploadQuery(request, upload);
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 == 2) return Ok();
  Error error = ToError(response, Operation::kAbortUpload);
  if (error.code == Code::kNotFound) return Ok();
  return error;
}

}  // namespace coffer::s3
