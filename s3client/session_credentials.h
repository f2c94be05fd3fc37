// The session that signs for a directory bucket: got with CreateSession, renewed before it ends, by
// one caller for all.
//
// Owned beside the SigningTransport that uses it; borrows everything it is given. Safe to share
// between threads; Get may block on the network.

#pragma once

#include <string>

#include "s3client/credentials.h"
#include "s3client/http.h"
#include "s3client/observer.h"
#include "s3client/refreshing_provider.h"
#include "s3client/transport.h"

namespace coffer::s3 {

enum class SessionMode { kReadWrite, kReadOnly };

class SessionCredentials : public CredentialsProvider {
 public:
  // `account_transport` signs with the account's credentials; `bucket` is Target::UrlFor("").
  SessionCredentials(Transport& account_transport, Url bucket, SessionMode mode, const Clock& clock,
                     const ServerTime& time, Observer& observer);

  // kDenied when the account may not open a session; else as the transport fails.
  Result<std::shared_ptr<const Credentials>> Get() override { return provider_.Get(); }
  void Refused(const Credentials& refused) override { provider_.Refused(refused); }

 private:
  RefreshingProvider provider_;
};

}  // namespace coffer::s3
