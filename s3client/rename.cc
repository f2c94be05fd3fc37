// Rename: RenameObject, which directory buckets alone know. Other servers take the request for a
// plain PUT and make an empty object, so it never goes anywhere else.

#include "crypto/encoding.h"
#include "s3client/api_error.h"
#include "s3client/s3_request.h"
#include "s3client/s3_store.h"

namespace coffer::s3 {
namespace {

constexpr std::string_view kSource = "x-amz-rename-source";

}  // namespace

Status S3Store::Rename(const RenameRequest& request) {
  const bool possible = target_.capabilities.rename_object && !request.from.ends_with('/') &&
                        !request.to.ends_with('/');
  if (!possible) return Error{Code::kUnsupported, "RenameObject is for files in directory buckets"};
  Request ask = NewRequest(Operation::kRenameObject, "PUT", request.to);
  ask.url.query.emplace_back("renameObject", "");
  ask.headers.Add(std::string(kSource), UriEscape(request.from, Slash::kKeep));
  if (!request.source_etag.empty()) {
    ask.headers.Add(std::string(kSource) + "-if-match", Quoted(request.source_etag));
  }
  AddCondition(ask.headers, request.condition);
  // By this the service knows a try of ours whose reply was lost, and says again that it is done.
  COFFER_ASSIGN(std::string token, NewPutId());
  ask.headers.Add("x-amz-client-token", std::move(token));
  COFFER_ASSIGN(const Response response, transport_.Send(ask));
  if (response.status / 100 == 2) return Ok();
  const ServiceError said = ReadServiceError(response);
  Error error = ToError(said, Operation::kRenameObject);
  if (said.status != 412) return error;
  const bool on_source = request.condition.kind == Condition::Kind::kNone ||
                         said.condition.substr(0, kSource.size()) == kSource;
  const bool exists = !on_source && request.condition.kind == Condition::Kind::kAbsent;
  error.code = exists ? Code::kExists : Code::kChanged;
  return error;
}

}  // namespace coffer::s3
