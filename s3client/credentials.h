// Who signs: credentials as one immutable snapshot, and the interface every source of them has.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "crypto/result.h"
#include "s3client/clock.h"

namespace coffer::s3 {

// A snapshot; never changed after it was made, so a request is signed by one pair of keys.
struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;  // never logged
  std::string session_token;      // "" for long-term keys
  std::optional<WallTime> expires_at;
  std::string account_id;  // "" when the source does not say
  std::string source;      // for people: "environment", "profile backup in ~/.aws/credentials"
};

// Whether both sign alike, wherever they are from and whenever they end.
inline bool SameKeys(const Credentials& a, const Credentials& b) {
  return a.access_key_id == b.access_key_id && a.secret_access_key == b.secret_access_key &&
         a.session_token == b.session_token;
}

// Safe to share between threads; may block on the network or on a child process.
class CredentialsProvider {
 public:
  virtual ~CredentialsProvider() = default;
  // kDenied with a message that says what was looked at and what to do. Credentials that end soon
  // are renewed by one caller while others go on with those at hand.
  virtual Result<std::shared_ptr<const Credentials>> Get() = 0;
  // The service refused `refused` as expired or invalid: the next Get() asks the source anew, once
  // for however many callers report the same snapshot.
  virtual void Refused(const Credentials& refused) = 0;
};

}  // namespace coffer::s3
