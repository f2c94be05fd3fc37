// The three questions Coffer asks of AWS STS.
//
// Owned by whoever resolves credentials; borrows its transport (which retries; it must not sign).
// Safe to share between threads; every call blocks on the network.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/result.h"
#include "s3client/clock.h"
#include "s3client/credentials.h"
#include "s3client/endpoint.h"
#include "s3client/transport.h"
#include "s3client/xml.h"

namespace coffer::s3 {

struct StsAddress {
  Endpoint endpoint;
  std::string region;  // signed for
};
// `endpoint_url`: configured, or "" for AWS's own in `region` ("": the global one, which is in
// us-east-1). kInvalid for an address that is none.
Result<StsAddress> MakeStsAddress(std::string_view region, std::string_view endpoint_url,
                                  bool fips);

struct RoleRequest {
  std::string role_arn;
  std::string session_name;
  std::string external_id;       // "" for none
  std::string duration_seconds;  // "" for the role's own
};

struct CallerIdentity {
  std::string account;
  std::string arn;
  std::string user_id;
};

class StsClient {
 public:
  StsClient(Transport& transport, ServerTime& time, StsAddress address)
      : transport_(transport), time_(time), address_(std::move(address)) {}

  // kDenied with the service's words when it refuses; else as the transport fails.
  Result<Credentials> AssumeRole(const RoleRequest& role, const Credentials& as);
  Result<Credentials> AssumeRoleWithWebIdentity(const RoleRequest& role, std::string_view token);
  Result<CallerIdentity> GetCallerIdentity(const Credentials& as);

 private:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  Result<Response> Call(const Fields& form, const Credentials* as);
  Result<Response> SendOnce(const std::string& body, const Credentials* as);

  Transport& transport_;
  ServerTime& time_;  // taught by replies that show our clock to be wrong
  const StsAddress address_;
};

// The <Credentials> element that STS and S3's CreateSession answer with. kUnavailable unless all of
// it is there.
Result<Credentials> ReadCredentials(XmlNode element);

}  // namespace coffer::s3
