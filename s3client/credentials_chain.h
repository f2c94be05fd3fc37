// Where the user's credentials come from, in the order that AWS's SDKs look: environment keys, a
// web identity named by the environment, the profile. A profile that the user names goes first.
//
// The order is gone through anew at each renewal, so whatever the user mends is found. Owned by a
// RefreshingProvider, which asks it; borrows its transport, times and observer.

#pragma once

#include <array>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "s3client/aws_config.h"
#include "s3client/clock.h"
#include "s3client/credentials_source.h"
#include "s3client/environment.h"
#include "s3client/observer.h"
#include "s3client/sts.h"
#include "s3client/transport.h"

namespace coffer::s3 {

struct ChainOptions {
  std::string profile;  // --profile; "": what the environment says
  std::string region;   // --region, for STS; "": what the environment and the profile say
  bool fips = false;
  std::chrono::milliseconds process_timeout{60'000};  // of credential_process
};

class CredentialsChain : public CredentialsSource {
 public:
  // `sts_transport` retries and must not sign. Notices tell of key files that others can read.
  CredentialsChain(ChainOptions options, Environment env, Transport& sts_transport,
                   ServerTime& time, Observer& observer);

  // kDenied with what was looked at and what to do when there are none; kUnavailable or kTimeout
  // when they could not be asked for.
  Result<Credentials> Fetch() override;
  // The config or credentials file was edited or replaced since it was read for Fetch.
  bool Changed() override;

 private:
  Result<Credentials> FromProfile(const SharedConfig& config);
  Result<StsClient> Sts(const SharedConfig& config);
  Error Nothing(const SharedConfig& config) const;
  std::string SessionName() const;
  void WarnOnce(const SharedConfig& config);

  const ChainOptions options_;
  const Environment env_;
  Transport& sts_transport_;
  ServerTime& time_;
  Observer& observer_;
  bool warned_ = false;  // Fetch is never called twice at once

  std::mutex mu_;  // guards what Changed compares with
  std::optional<std::array<FileStamp, 2>> seen_;
};

}  // namespace coffer::s3
