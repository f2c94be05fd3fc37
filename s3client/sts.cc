#include "s3client/sts.h"

#include <cstdlib>
#include <utility>

#include "crypto/encoding.h"
#include "s3client/api_error.h"
#include "s3client/date.h"
#include "s3client/partitions.h"
#include "s3client/sigv4.h"

namespace coffer::s3 {
namespace {

// AWS refuses signatures that are further away than this.
constexpr std::int64_t kSkewSeconds = 300;

std::string Form(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string body;
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    if (!body.empty()) body += '&';
    body += UriEscape(name, Slash::kEscape) + "=" + UriEscape(value, Slash::kEscape);
  }
  return body;
}

Error StsRefusal(const Response& reply) {
  Error error = ToError(reply, Operation::kSts);
  // What STS refuses in its own words is refused for good, whatever the status.
  if (reply.status / 100 == 4 && !error.service_code.empty()) error.code = Code::kDenied;
  return error;
}

// A reply of 200 that is one whole document.
Result<XmlDocument> ParseReply(const Response& reply) {
  if (reply.status != 200) return StsRefusal(reply);
  auto document = XmlDocument::Parse(AsText(reply.body));
  if (!document) return std::move(document).error().While("read the reply of STS");
  return document;
}

Result<Credentials> RoleCredentials(const Response& reply, std::string_view result,
                                    const RoleRequest& role) {
  COFFER_ASSIGN(const XmlDocument document, ParseReply(reply));
  COFFER_ASSIGN(Credentials credentials,
                ReadCredentials(document.root().Child(result).Child("Credentials")));
  credentials.source = "role " + role.role_arn;
  return credentials;
}

}  // namespace

Result<Credentials> ReadCredentials(XmlNode element) {
  Credentials credentials;
  COFFER_ASSIGN(credentials.access_key_id, element.TextOf("AccessKeyId"));
  COFFER_ASSIGN(credentials.secret_access_key, element.TextOf("SecretAccessKey"));
  COFFER_ASSIGN(credentials.session_token, element.TextOf("SessionToken"));
  COFFER_ASSIGN(const std::string expiration, element.TextOf("Expiration"));
  credentials.expires_at = ParseIsoMoment(expiration);
  if (!credentials.expires_at || credentials.access_key_id.empty() ||
      credentials.secret_access_key.empty() || credentials.session_token.empty()) {
    return Error{Code::kUnavailable, "temporary credentials came without key, token or expiration"};
  }
  return credentials;
}

Result<StsAddress> MakeStsAddress(std::string_view region, std::string_view endpoint_url,
                                  bool fips) {
  StsAddress address;
  address.region = region.empty() ? "us-east-1" : std::string(region);
  if (!endpoint_url.empty()) {
    auto endpoint = ParseEndpoint(endpoint_url);
    if (!endpoint) return std::move(endpoint).error().While("the address of STS");
    address.endpoint = std::move(*endpoint);
    return address;
  }
  const std::string host = fips ? "sts-fips." : "sts.";
  const bool global = region.empty() && !fips;
  address.endpoint.host = host + (global ? "" : address.region + ".") +
                          std::string(PartitionOf(address.region).dns_suffix);
  return address;
}

Result<Response> StsClient::SendOnce(const std::string& body, const Credentials* as) {
  Request request;
  request.operation = Operation::kSts;
  request.method = "POST";
  request.url.https = address_.endpoint.https;
  request.url.host = address_.endpoint.host;
  request.url.port = address_.endpoint.port;
  request.url.path = address_.endpoint.base_path + "/";
  request.headers.Add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  request.body = AsBytes(body);
  request.max_reply_bytes = 64u << 10;
  request.unsigned_request = as == nullptr;
  if (as != nullptr) {
    const SigningScope scope{Scheme::kSigV4, "sts", address_.region};
    COFFER_TRY(SignHeaders(request, scope, *as, time_.Now()));
  }
  auto reply = transport_.Send(request);
  if (!reply) return std::move(reply).error().While("ask STS at " + request.url.ToString());
  return reply;
}

Result<Response> StsClient::Call(const Fields& form, const Credentials* as) {
  const std::string body = Form(form);
  COFFER_ASSIGN(Response reply, SendOnce(body, as));
  if (as == nullptr || (reply.status != 400 && reply.status != 403)) return reply;
  // A wrong clock is refused in words that differ from server to server; its Date tells.
  const auto date = ParseHttpDate(reply.headers.Get("Date"));
  const auto now = std::chrono::floor<std::chrono::seconds>(time_.Now()).time_since_epoch().count();
  if (!date || std::abs(*date - now) <= kSkewSeconds) return reply;
  time_.Learn(*date);
  return SendOnce(body, as);
}

Result<Credentials> StsClient::AssumeRole(const RoleRequest& role, const Credentials& as) {
  COFFER_ASSIGN(const Response reply, Call({{"Action", "AssumeRole"},
                                            {"Version", "2011-06-15"},
                                            {"RoleArn", role.role_arn},
                                            {"RoleSessionName", role.session_name},
                                            {"ExternalId", role.external_id},
                                            {"DurationSeconds", role.duration_seconds}},
                                           &as));
  return RoleCredentials(reply, "AssumeRoleResult", role);
}

Result<Credentials> StsClient::AssumeRoleWithWebIdentity(const RoleRequest& role,
                                                         std::string_view token) {
  COFFER_ASSIGN(const Response reply, Call({{"Action", "AssumeRoleWithWebIdentity"},
                                            {"Version", "2011-06-15"},
                                            {"RoleArn", role.role_arn},
                                            {"RoleSessionName", role.session_name},
                                            {"WebIdentityToken", std::string(token)},
                                            {"DurationSeconds", role.duration_seconds}},
                                           nullptr));
  return RoleCredentials(reply, "AssumeRoleWithWebIdentityResult", role);
}

Result<CallerIdentity> StsClient::GetCallerIdentity(const Credentials& as) {
  COFFER_ASSIGN(const Response reply,
                Call({{"Action", "GetCallerIdentity"}, {"Version", "2011-06-15"}}, &as));
  COFFER_ASSIGN(const XmlDocument document, ParseReply(reply));
  const XmlNode result = document.root().Child("GetCallerIdentityResult");
  CallerIdentity identity;
  COFFER_ASSIGN(identity.account, result.TextOf("Account"));
  COFFER_ASSIGN(identity.arn, result.TextOf("Arn"));
  COFFER_ASSIGN(identity.user_id, result.TextOf("UserId"));
  return identity;
}

}  // namespace coffer::s3
