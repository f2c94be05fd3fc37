#include "s3client/s3_control.h"

#include <array>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "s3client/api_error.h"
#include "s3client/partitions.h"

namespace coffer::s3 {
namespace {

constexpr std::string_view kControlNamespace = "http://awss3control.amazonaws.com/doc/2018-08-20/";
constexpr std::string_view kPath = "/v20180820/accesspoint";
constexpr int kMostPages = 100;  // of 1,000: ten times what an account may have

struct Flag {
  const char* name;
  bool PublicAccessBlock::*field;
};
constexpr std::array<Flag, 4> kFlags = {
    {{"BlockPublicAcls", &PublicAccessBlock::block_acls},
     {"IgnorePublicAcls", &PublicAccessBlock::ignore_acls},
     {"BlockPublicPolicy", &PublicAccessBlock::block_policy},
     {"RestrictPublicBuckets", &PublicAccessBlock::restrict_buckets}}};

Result<PublicAccessBlock> ReadBlock(XmlNode node) {
  PublicAccessBlock block;
  for (const Flag& flag : kFlags) {
    COFFER_ASSIGN(block.*flag.field, node.BoolOf(flag.name));
  }
  return block;
}

Result<AccessPoint> ReadAccessPoint(XmlNode node) {
  AccessPoint point;
  COFFER_ASSIGN(point.name, node.TextOf("Name"));
  COFFER_ASSIGN(point.bucket, node.TextOf("Bucket"));
  point.bucket_account = node.TextOr("BucketAccountId");
  point.arn = node.TextOr("AccessPointArn");
  point.alias = node.TextOr("Alias");
  COFFER_ASSIGN(const std::string origin, node.TextOf("NetworkOrigin"));
  if (origin == "VPC") {
    COFFER_ASSIGN(point.vpc, node.Child("VpcConfiguration").TextOf("VpcId"));
  }
  if (const XmlNode block = node.Child("PublicAccessBlockConfiguration")) {
    COFFER_ASSIGN(point.block, ReadBlock(block));
  }
  return point;
}

// What is asked here is counted as a question about a bucket; people are told its own name.
Error ControlRefusal(const ServiceError& said, std::string_view call) {
  Error error = ToError(said, Operation::kGetBucketQuery);
  const std::string_view counted = Name(Operation::kGetBucketQuery);
  if (error.what.starts_with(counted)) error.what.replace(0, counted.size(), call);
  return std::move(error).While("ask S3 Control (s3:" + std::string(call) + ")");
}

Error CallNotAnswered(std::string_view call) {
  return {Code::kUnsupported, "this server does not answer " + std::string(call) +
                                  ": --control-endpoint-url names the one that does"};
}

void AddBody(const std::string& body, Request& request) {
  request.body = AsBytes(body);
  request.headers.Add("Content-Type", "application/xml");
  request.payload_hash = HexEncode(Sha256(request.body));
}

}  // namespace

// An operation, and what it takes. Its class is how it is counted and retried.
struct S3Control::Call {
  std::string_view name;
  std::string_view method;
  Operation counted_as = Operation::kGetBucketQuery;
};

Result<ControlAddress> MakeControlAddress(const ControlOptions& options) {
  if (options.region.empty()) {
    return Error{Code::kInvalid, "an access point is of one Region: give --region"};
  }
  const Partition& partition = PartitionOf(options.region);
  ControlAddress address{{}, options.account, options.region, std::string(partition.name)};
  std::string account = options.account + ".";
  if (!options.endpoint_url.empty()) {
    if (options.fips || options.dual_stack) {
      return Error{Code::kInvalid,
                   "--control-endpoint-url goes neither with --fips nor with --dual-stack"};
    }
    auto endpoint = ParseEndpoint(options.endpoint_url);
    if (!endpoint) return std::move(endpoint).error().While("the address of S3 Control");
    address.endpoint = std::move(*endpoint);
    if (!address.endpoint.is_ip) address.endpoint.host.insert(0, account);
    return address;
  }
  address.endpoint.host = account + (options.fips ? "s3-control-fips" : "s3-control") +
                          (options.dual_stack ? ".dualstack." : ".") + options.region + "." +
                          std::string(partition.dns_suffix);
  return address;
}

std::string S3Control::ArnOf(std::string_view name) const {
  return "arn:" + address_.partition + ":s3:" + address_.region + ":" + address_.account +
         ":accesspoint/" + std::string(name);
}

Request S3Control::NewRequest(const Call& call, std::string_view name,
                              std::string_view below) const {
  Request request;
  request.operation = call.counted_as;
  request.method = call.method;
  request.url.https = address_.endpoint.https;
  request.url.host = address_.endpoint.host;
  request.url.port = address_.endpoint.port;
  request.url.path = address_.endpoint.base_path + std::string(kPath);
  if (!name.empty()) request.url.path += "/" + UriEscape(name, Slash::kEscape);
  request.url.path += below;
  request.headers.Add("x-amz-account-id", address_.account);
  request.max_reply_bytes = 1u << 20;
  return request;
}

Result<Response> S3Control::Ask(const Call& call, std::string_view name, std::string_view below) {
  COFFER_ASSIGN(Response response, transport_.Send(NewRequest(call, name, below)));
  if (response.status == 405 || response.status == 501) return CallNotAnswered(call.name);
  return response;
}

Result<XmlDocument> S3Control::Read(const Call& call, const Response& response) {
  if (response.status / 100 != 2) return ControlRefusal(ReadServiceError(response), call.name);
  COFFER_ASSIGN(XmlDocument document, XmlDocument::Parse(AsText(response.body)));
  // AWS names it after the operation's result; its own SDKs do not look, and other servers differ.
  const std::string root(document.root().name());
  if (root != std::string(call.name) + "Result" && root != std::string(call.name) + "Response") {
    return CallNotAnswered(call.name);
  }
  return document;
}

Result<std::optional<AccessPoint>> S3Control::Find(std::string_view name) {
  const Call call{"GetAccessPoint", "GET"};
  COFFER_ASSIGN(const Response response, Ask(call, name, ""));
  if (response.status == 404 && ReadServiceError(response).code == "NoSuchAccessPoint") {
    return std::optional<AccessPoint>();
  }
  COFFER_ASSIGN(const XmlDocument document, Read(call, response));
  COFFER_ASSIGN(AccessPoint point, ReadAccessPoint(document.root()));
  if (point.arn.empty()) point.arn = ArnOf(point.name);
  return std::optional<AccessPoint>(std::move(point));
}

Result<std::vector<AccessPoint>> S3Control::List(std::string_view bucket) {
  const Call call{"ListAccessPoints", "GET"};
  std::vector<AccessPoint> points;
  std::string token;
  for (int page = 0; page < kMostPages; ++page) {
    Request request = NewRequest(call, "", "");
    request.url.query.emplace_back("maxResults", "1000");
    if (!bucket.empty()) request.url.query.emplace_back("bucket", std::string(bucket));
    if (!token.empty()) request.url.query.emplace_back("nextToken", token);
    COFFER_ASSIGN(const Response response, transport_.Send(request));
    if (response.status == 405 || response.status == 501) return CallNotAnswered(call.name);
    COFFER_ASSIGN(const XmlDocument document, Read(call, response));
    for (const XmlNode node : document.root().Child("AccessPointList").Children("AccessPoint")) {
      COFFER_ASSIGN(AccessPoint point, ReadAccessPoint(node));
      if (point.arn.empty()) point.arn = ArnOf(point.name);
      points.push_back(std::move(point));
    }
    token = document.root().TextOr("NextToken");
    if (token.empty()) return points;
  }
  return Error{Code::kUnavailable, "ListAccessPoints goes on without an end"};
}

Status S3Control::Create(const AccessPoint& wanted) {
  const Call call{"CreateAccessPoint", "PUT", Operation::kPutBucketSetting};
  XmlWriter xml;
  xml.Open("CreateAccessPointRequest", kControlNamespace);
  xml.Text("Bucket", wanted.bucket);
  if (!wanted.vpc.empty()) {
    xml.Open("VpcConfiguration");
    xml.Text("VpcId", wanted.vpc);
    xml.Close();
  }
  if (wanted.block) {
    xml.Open("PublicAccessBlockConfiguration");
    for (const Flag& flag : kFlags)
      xml.Text(flag.name, *wanted.block.*flag.field ? "true" : "false");
    xml.Close();
  }
  xml.Close();
  COFFER_ASSIGN(const std::string body, std::move(xml).Finish());
  Request request = NewRequest(call, wanted.name, "");
  AddBody(body, request);
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  const auto document = Read(call, response);
  if (!document) return document.error();
  return Ok();
}

Status S3Control::Remove(std::string_view name) {
  const Call call{"DeleteAccessPoint", "DELETE", Operation::kPutBucketSetting};
  COFFER_ASSIGN(const Response response, Ask(call, name, ""));
  if (response.status / 100 == 2) return Ok();
  return ControlRefusal(ReadServiceError(response), call.name);
}

Result<std::string> S3Control::Policy(std::string_view name) {
  const Call call{"GetAccessPointPolicy", "GET"};
  COFFER_ASSIGN(const Response response, Ask(call, name, "/policy"));
  if (response.status == 404 && ReadServiceError(response).code == "NoSuchAccessPointPolicy") {
    return std::string();
  }
  COFFER_ASSIGN(const XmlDocument document, Read(call, response));
  return document.root().TextOf("Policy");
}

Status S3Control::SetPolicy(std::string_view name, const std::string& text) {
  const bool remove = text.empty();
  const Call call{remove ? "DeleteAccessPointPolicy" : "PutAccessPointPolicy",
                  remove ? "DELETE" : "PUT", Operation::kPutBucketSetting};
  Request request = NewRequest(call, name, "/policy");
  XmlWriter xml;
  xml.Open("PutAccessPointPolicyRequest", kControlNamespace);
  xml.Text("Policy", text);
  xml.Close();
  COFFER_ASSIGN(const std::string body, std::move(xml).Finish());
  if (!remove) AddBody(body, request);
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 == 2) return Ok();
  return ControlRefusal(ReadServiceError(response), call.name);
}

Result<bool> S3Control::IsPublic(std::string_view name) {
  const Call call{"GetAccessPointPolicyStatus", "GET"};
  COFFER_ASSIGN(const Response response, Ask(call, name, "/policyStatus"));
  if (response.status == 404 && ReadServiceError(response).code == "NoSuchAccessPointPolicy") {
    return false;
  }
  COFFER_ASSIGN(const XmlDocument document, Read(call, response));
  return document.root().Child("PolicyStatus").BoolOf("IsPublic");
}

}  // namespace coffer::s3
