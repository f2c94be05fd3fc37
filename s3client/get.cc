// Head and Get: S3Store's reading half.

#include <algorithm>
#include <functional>

#include "s3client/api_error.h"
#include "s3client/object_info.h"
#include "s3client/s3_request.h"
#include "s3client/s3_store.h"

namespace coffer::s3 {
namespace {

void AddReadCondition(Request& request, const ReadCondition& condition) {
  if (!condition.etag.empty()) request.headers.Add("If-Match", Quoted(condition.etag));
  if (!condition.version_id.empty()) {
    request.url.query.emplace_back("versionId", condition.version_id);
  }
}

constexpr int kAsksAgain = 4;  // for what a listing has and HEAD does not

Status CheckVersion(const ObjectInfo& info, const ReadCondition& condition) {
  if (!condition.etag.empty() && info.etag != condition.etag) {
    return Error{Code::kChanged, "the object is another version than the one expected"};
  }
  return Ok();
}

// The size of the whole object, once it is certain that the body is the range asked for.
Result<std::uint64_t> CheckRange(const Response& response, Range range) {
  if (response.status == 200) {
    // The service took no notice of the range, which does when the object lies within it.
    const auto length = ParseSize(response.headers.Get("Content-Length"));
    if (length && *length != response.body.size()) return MalformedReply("its length is another");
    if (range.offset != 0 || response.body.size() > range.size) {
      return MalformedReply("it is not the range asked for");
    }
    return response.body.size();
  }
  if (response.status != 206) return MalformedReply("a success that has no body");
  const auto got = ParseContentRange(response.headers.Get("Content-Range"));
  if (!got) return MalformedReply("no Content-Range");
  const std::uint64_t last = std::min(range.size - 1, got->total - 1 - range.offset) + range.offset;
  if (got->first != range.offset || got->last != last) {
    return MalformedReply("it is another range than the one asked for");
  }
  if (response.body.size() != got->last - got->first + 1)
    return MalformedReply("its length is another");
  return got->total;
}

Result<ObjectInfo> ReadHead(const Response& response) {
  const auto size = ParseSize(response.headers.Get("Content-Length"));
  if (!size) return MalformedReply("no Content-Length");
  return ReadObjectInfo(response.headers, *size);
}

Status AsStatus(const auto& result) { return result ? Ok() : Status(result.error()); }

std::string RangeText(Range range) {
  return "bytes=" + std::to_string(range.offset) + "-" +
         std::to_string(range.offset + range.size - 1);
}

}  // namespace

Result<Response> S3Store::SendHead(std::string_view key, const ReadCondition& condition) {
  Request request = NewRequest(Operation::kHeadObject, "HEAD", key);
  AddReadCondition(request, condition);
  AddCustomerKey(request.headers);
  const std::function<Status(const Response&)> check = [](const Response& response) {
    return AsStatus(ReadHead(response));
  };
  request.reply_check = &check;
  return transport_.Send(request);
}

Result<ObjectInfo> S3Store::Head(std::string_view key, const ReadCondition& condition) {
  COFFER_ASSIGN(const Response response, SendHead(key, condition));
  if (response.status == 404) {
    if (condition.confirm_absence) return AfterMissingHead(key, condition);
    return Error{Code::kNotFound, "HeadObject: status 404"};
  }
  // Said of every key to who may list but not read, and of every key that is not there to who may
  // list below a prefix alone: whether there is one the listing knows.
  if (response.status == 403 && condition.confirm_absence && condition.version_id.empty()) {
    const auto listed = ListingHas(key);
    if (listed && !*listed) {
      return Error{Code::kNotFound, "HeadObject: status 403, and no listing has the key"};
    }
  }
  if (response.status / 100 != 2) return ToError(response, Operation::kHeadObject);
  COFFER_ASSIGN(ObjectInfo info, ReadHead(response));
  COFFER_TRY(CheckVersion(info, condition));
  return info;
}

// A 404 without a body may be anybody's. Of a named version a GET's 404 tells, by its code; of the
// current one a listing that lacks the key.
Result<ObjectInfo> S3Store::AfterMissingHead(std::string_view key, const ReadCondition& condition) {
  if (!condition.version_id.empty()) {
    COFFER_ASSIGN(auto fetched, Get(key, {0, 1}, condition));
    return std::move(fetched.info);
  }
  COFFER_ASSIGN(const bool listed, ListingHas(key));
  if (!listed) return Error{Code::kNotFound, "HeadObject: status 404, and no listing has the key"};
  // Made between the two questions, or the 404 was not the service's; or the server replaces
  // objects in steps, as versitygw does, and somebody replaces this one again and again.
  for (int n = 0; n < kAsksAgain; ++n) {
    COFFER_ASSIGN(const Response again, SendHead(key, condition));
    if (again.status == 404) continue;
    if (again.status / 100 != 2) return ToError(again, Operation::kHeadObject);
    COFFER_ASSIGN(ObjectInfo info, ReadHead(again));
    COFFER_TRY(CheckVersion(info, condition));
    return info;
  }
  COFFER_ASSIGN(const bool still_listed, ListingHas(key));
  if (!still_listed) return Error{Code::kNotFound, "HeadObject: status 404, and no listing has it"};
  return Error{Code::kUnavailable, "HeadObject: status 404, but a listing has the key"};
}

Result<bool> S3Store::ListingHas(std::string_view key) {
  ListRequest request;
  request.delimited = false;
  // The key itself is the first of all that begin with it, where listings are in order.
  request.prefix = key;
  request.max_keys = 1;
  if (!target_.capabilities.sorted_list) {
    request.prefix = key.substr(0, key.rfind('/') + 1);
    request.delimited = true;
    request.max_keys = 1000;
  }
  for (;;) {
    COFFER_ASSIGN(ListPage page, List(request));
    const bool has = std::any_of(page.objects.begin(), page.objects.end(),
                                 [&](const ListedObject& object) { return object.key == key; });
    if (has || page.next_token.empty() || target_.capabilities.sorted_list) return has;
    request.token = std::move(page.next_token);
  }
}

Result<Fetched> S3Store::Get(std::string_view key, Range range, const ReadCondition& condition) {
  Request request = NewRequest(Operation::kGetObject, "GET", key);
  AddReadCondition(request, condition);
  AddCustomerKey(request.headers);
  request.headers.Add("Range", RangeText(range));
  request.max_reply_bytes = range.size;
  const std::function<Status(const Response&)> check = [&](const Response& response) -> Status {
    COFFER_TRY(AsStatus(CheckRange(response, range)));
    return AsStatus(ReadObjectInfo(response.headers, 0));
  };
  request.reply_check = &check;
  COFFER_ASSIGN(Response response, transport_.Send(request));
  if (response.status == 416) return EmptyRange(key, range, condition);
  if (response.status == 403 && condition.etag.empty() && condition.version_id.empty()) {
    const auto listed = ListingHas(key);  // as of a Head
    if (listed && !*listed) {
      return Error{Code::kNotFound, "GetObject: status 403, and no listing has the key"};
    }
  }
  if (response.status / 100 != 2) return ToError(response, Operation::kGetObject);
  COFFER_ASSIGN(const std::uint64_t size, CheckRange(response, range));
  COFFER_ASSIGN(ObjectInfo info, ReadObjectInfo(response.headers, size));
  COFFER_TRY(CheckVersion(info, condition));
  return Fetched{std::move(info), std::move(response.body)};
}

// There is nothing at the range's beginning; the reply that says so does not describe the object.
Result<Fetched> S3Store::EmptyRange(std::string_view key, Range range,
                                    const ReadCondition& condition) {
  ReadCondition here = condition;
  // A version that HEAD does not know would be asked for by GET, which has just answered.
  if (!condition.version_id.empty()) here.confirm_absence = false;
  auto head = Head(key, here);
  if (!head && !here.confirm_absence && head.error().code == Code::kNotFound) {
    return Error{Code::kUnavailable, "HeadObject: status 404 of what GetObject knows"};
  }
  if (!head) return std::move(head).error();
  ObjectInfo info = std::move(*head);
  if (info.size > range.offset) {
    return Error{Code::kChanged, "GetObject: the object grew between two requests"};
  }
  return Fetched{std::move(info), {}};
}

}  // namespace coffer::s3
