// Put: an object in one request.

#include <functional>

#include "s3client/api_error.h"
#include "s3client/object_info.h"
#include "s3client/s3_request.h"
#include "s3client/s3_store.h"

namespace coffer::s3 {

Result<Written> S3Store::Put(std::string_view key, ByteView body, const NewObject& object) {
  Request request = NewRequest(Operation::kPutObject, "PUT", key);
  std::string put_id;
  if (object.condition.kind != Condition::Kind::kNone) {
    COFFER_ASSIGN(put_id, NewPutId());
  }
  COFFER_ASSIGN(const Style style, StyleOf(key, object));
  COFFER_TRY(AddNewObject(request.headers, object, style, put_id));
  AddCondition(request.headers, object.condition);
  const Checksum checksum = AddBody(request, body);
  const std::function<Status(const Response&)> check = [&](const Response& response) {
    return CheckWritten(response, checksum);
  };
  request.reply_check = &check;
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 != 2) {
    return Refused(response, Operation::kPutObject, {key, object.condition, put_id});
  }
  COFFER_TRY(CheckWritten(response, checksum));
  COFFER_TRY(CheckEncryption(response, style.encryption));
  return ReadWritten(response.headers, Unquoted(response.headers.Get("ETag")));
}

}  // namespace coffer::s3
