// Puts a fresh signature on every request: stands below the retries, so that no try is sent with an
// old date or with credentials that were renewed meanwhile.
//
// Bodies are not copied, only addresses and headers. Borrows everything it is given; safe to share
// between threads. Send blocks as the next transport does, and while credentials are renewed.

#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "crypto/ecdsa.h"
#include "s3client/clock.h"
#include "s3client/credentials.h"
#include "s3client/sigv4.h"
#include "s3client/transport.h"

namespace coffer::s3 {

// Whose credentials sign.
struct Signers {
  CredentialsProvider* account = nullptr;  // null: nothing is signed (--no-sign-request)
  // Directory buckets: the bucket's own session, for all requests but those with plain_iam_auth.
  CredentialsProvider* session = nullptr;
};

class SigningTransport : public Transport {
 public:
  SigningTransport(Transport& next, SigningScope scope, Signers signers, const ServerTime& time)
      : next_(next), scope_(std::move(scope)), signers_(signers), time_(time) {}

  // Fails as the next transport does, and as the provider when there are no credentials. A reply
  // that refuses the credentials as expired or unknown has them renewed; if that gives others, the
  // request is sent once more (counted in Response::attempts).
  Result<Response> Send(const Request& request) override;

 private:
  using Snapshot = std::shared_ptr<const Credentials>;
  Result<Response> SendSigned(const Request& request, const SigningScope& scope,
                              const Snapshot& credentials);
  Result<std::shared_ptr<const P256Key>> SigV4aKey(const Snapshot& credentials);

  Transport& next_;
  const SigningScope scope_;
  const Signers signers_;
  const ServerTime& time_;

  std::mutex mu_;  // guards the key of the credentials that signed last, and is held briefly
  Snapshot key_owner_;
  std::shared_ptr<const P256Key> key_;
};

}  // namespace coffer::s3
