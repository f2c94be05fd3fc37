// Delete and DeleteMany.

#include <algorithm>
#include <map>
#include <set>

#include "s3client/api_error.h"
#include "s3client/s3_request.h"
#include "s3client/s3_store.h"
#include "s3client/xml.h"

namespace coffer::s3 {
namespace {

constexpr std::size_t kMaxBatch = 1000;
constexpr std::size_t kMaxBatchKeyBytes = 600u << 10;  // 4 MiB even when every byte is escaped

// Whether a list of keys in XML can name `key` and nothing else. XML has no spelling for some
// characters, and parsers do as they like with line breaks and with blanks at the ends: a request
// that deletes another key than the one meant is worse than one request more.
bool FitsIntoList(std::string_view key) {
  const auto is_blank = [](char c) { return c == ' '; };
  return !key.empty() && !is_blank(key.front()) && !is_blank(key.back()) && XmlCanCarry(key) &&
         std::none_of(key.begin(), key.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

Result<std::string> DeleteBody(std::span<const KeyToDelete> keys) {
  XmlWriter writer;
  writer.Open("Delete", kS3Namespace);
  for (const KeyToDelete& one : keys) {
    writer.Open("Object");
    writer.Text("Key", one.key);
    if (!one.etag.empty()) writer.Text("ETag", Quoted(one.etag));
    writer.Close();
  }
  writer.Close();
  return std::move(writer).Finish();
}

Error DeleteError(XmlNode node) {
  ServiceError said;
  said.code = Printable(node.TextOr("Code"));
  said.message = Printable(node.TextOr("Message"));
  // Each entry is a reply of its own without a status: that of the code it carries.
  said.status = said.code == "PreconditionFailed"           ? 412
                : said.code == "AccessDenied"               ? 403
                : said.code == "NoSuchKey"                  ? 404
                : said.code == "ConditionalRequestConflict" ? 409
                                                            : 400;
  return ToError(said, Operation::kDeleteObjects);
}

// What the reply says of each key; a key it does not mention was not deleted as far as we know.
Result<std::vector<FailedDelete>> ReadDeleteReply(std::string_view text,
                                                  std::span<const KeyToDelete> keys) {
  COFFER_ASSIGN(const auto document, XmlDocument::Parse(text));
  const XmlNode root = document.root();
  if (root.name() != "DeleteResult") {
    return Error{Code::kUnavailable, "the reply to DeleteObjects is something else"};
  }
  std::set<std::string> deleted;
  std::map<std::string, Error> failed;
  for (XmlNode node = root.FirstChild(); node; node = node.Next()) {
    if (node.name() != "Deleted" && node.name() != "Error") continue;
    COFFER_ASSIGN(std::string key, node.TextOf("Key"));
    const bool gone = node.name() == "Deleted" || node.TextOr("Code") == "NoSuchKey";
    if (gone) {
      deleted.insert(std::move(key));
    } else {
      failed.emplace(std::move(key), DeleteError(node));
    }
  }
  std::vector<FailedDelete> result;
  for (const KeyToDelete& one : keys) {
    const auto it = failed.find(one.key);
    if (it != failed.end()) {
      result.push_back({one.key, it->second});
    } else if (!deleted.count(one.key)) {
      result.push_back(
          {one.key, {Code::kUnavailable, "DeleteObjects: not mentioned in the reply"}});
    }
  }
  return result;
}

}  // namespace

Status S3Store::Delete(std::string_view key, const Condition& condition) {
  Request request = NewRequest(Operation::kDeleteObject, "DELETE", key);
  AddCondition(request.headers, condition);
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 == 2) return Ok();
  const ServiceError said = ReadServiceError(response);
  Error error = ToError(said, Operation::kDeleteObject);
  if (error.code == Code::kNotFound) return Ok();
  const bool conflict = said.code == "ConditionalRequestConflict";
  if (condition.kind != Condition::Kind::kNone && (said.status == 412 || conflict)) {
    error.code = Code::kChanged;
  }
  return error;
}

Result<std::vector<FailedDelete>> S3Store::DeleteMany(std::span<const KeyToDelete> keys) {
  std::vector<FailedDelete> failed;
  std::vector<KeyToDelete> batch;
  std::size_t batch_bytes = 0;
  const auto flush = [&] {
    const Status status = batch.empty() ? Ok() : DeleteBatch(batch, failed);
    // Some batches may be done already: what is not known is said of each key.
    if (!status) {
      for (const auto& one : batch) failed.push_back({one.key, status.error()});
    }
    batch.clear();
    batch_bytes = 0;
  };
  for (const KeyToDelete& one : keys) {
    if (!target_.capabilities.delete_objects || !FitsIntoList(one.key)) {
      const auto condition = one.etag.empty() ? Condition::None() : Condition::Matches(one.etag);
      Status status = Delete(one.key, condition);
      if (!status) failed.push_back({one.key, std::move(status).error()});
      continue;
    }
    if (batch.size() == kMaxBatch || batch_bytes + one.key.size() > kMaxBatchKeyBytes) flush();
    batch.push_back(one);
    batch_bytes += one.key.size();
  }
  flush();
  return failed;
}

Status S3Store::DeleteBatch(std::span<const KeyToDelete> keys, std::vector<FailedDelete>& failed) {
  COFFER_ASSIGN(const std::string body, DeleteBody(keys));
  Request request = NewRequest(Operation::kDeleteObjects, "POST", "");
  request.url.query.emplace_back("delete", "");
  AddDocument(request, body);
  request.xml_reply = true;
  request.first_byte_timeout = kSlowOperation;
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 != 2) return ToError(response, Operation::kDeleteObjects);
  COFFER_ASSIGN(auto not_deleted, ReadDeleteReply(AsText(response.body), keys));
  failed.insert(failed.end(), not_deleted.begin(), not_deleted.end());
  return Ok();
}

}  // namespace coffer::s3
