// Where credentials come from, asked once per renewal. RefreshingProvider decides when.

#pragma once

#include "crypto/result.h"
#include "s3client/credentials.h"

namespace coffer::s3 {

class CredentialsSource {
 public:
  virtual ~CredentialsSource() = default;
  // Asks anew; never by two threads at once. May block on the network or on a child process.
  virtual Result<Credentials> Fetch() = 0;
  // Does the source show, without being asked in full, that it would answer otherwise than at the
  // last Fetch? Cheap; any thread, also during a Fetch.
  virtual bool Changed() { return false; }
};

}  // namespace coffer::s3
