// RestoreObject: an archived object is made readable again.

#include "s3client/api_error.h"
#include "s3client/s3_store.h"
#include "s3client/xml.h"

namespace coffer::s3 {

Result<RestoreReply> S3Store::RestoreObject(const RestoreOrder& order) {
  Request request = NewRequest(Operation::kRestoreObject, "POST", order.key);
  request.url.query.emplace_back("restore", "");
  if (!order.version_id.empty()) request.url.query.emplace_back("versionId", order.version_id);
  XmlWriter writer;
  writer.Open("RestoreRequest", "http://s3.amazonaws.com/doc/2006-03-01/");
  if (order.days != 0) writer.Text("Days", std::to_string(order.days));
  writer.Open("GlacierJobParameters");
  writer.Text("Tier", order.tier);
  writer.Close();
  writer.Close();
  COFFER_ASSIGN(const std::string body, std::move(writer).Finish());
  AddDocument(request, body);
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 != 2) return ToError(response, Operation::kRestoreObject);
  return response.status == 200 ? RestoreReply::kExtended : RestoreReply::kBegun;
}

}  // namespace coffer::s3
