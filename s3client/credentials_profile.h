// What a profile of AWS's config files means: static keys, a role on top of another profile, a
// token file, a program.

#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "s3client/aws_config.h"
#include "s3client/credentials.h"
#include "s3client/environment.h"
#include "s3client/sts.h"

namespace coffer::s3 {

// Does the profile say anything about credentials at all, right or wrong?
bool MentionsCredentials(const Profile& profile);

// Follows source_profile from profile to profile. Made for one look at the files, used by one
// thread, borrows everything; Resolve blocks on STS and on the program of credential_process.
class ProfileResolver {
 public:
  struct Parties {
    const SharedConfig& config;
    const Environment& env;
    StsClient& sts;
    std::string session_name;  // for roles whose profile gives none
    std::chrono::milliseconds process_timeout;
  };
  explicit ProfileResolver(Parties parties) : parties_(std::move(parties)) {}

  // kDenied when the profile, or one that it leads to, gives no credentials: with what is wrong in
  // which profile. Loops are found; mfa_serial is refused, since a daemon cannot ask for a code.
  Result<Credentials> Resolve(const std::string& name);

 private:
  Result<Credentials> Direct(const Profile& profile);
  Result<Credentials> Role(const Profile& profile);
  Result<Credentials> RoleSource(const Profile& profile);

  const Parties parties_;
  std::vector<std::string> path_;  // of profiles, from the first to the one being resolved
};

}  // namespace coffer::s3
