// Signature Version 4 and 4A: pure functions of request, credentials and time.
//
// Sources: "Signature Version 4 signing process" in the IAM user guide; S3 differs in that the
// canonical URI is the wire path (no second encoding, no dot folding) and x-amz-content-sha256 is
// always sent and signed.

#pragma once

#include <chrono>
#include <string>

#include "crypto/ecdsa.h"
#include "crypto/result.h"
#include "s3client/clock.h"
#include "s3client/credentials.h"
#include "s3client/http.h"
#include "s3client/target.h"

namespace coffer::s3 {

struct SigningScope {
  Scheme scheme = Scheme::kSigV4;
  std::string service = "s3";
  std::string region;  // or the region set for sigv4a
};
SigningScope ScopeOf(const Target& target);

// Adds X-Amz-Date, X-Amz-Content-Sha256, the session token and Authorization to `request`,
// replacing those of an earlier signature. `Host`, when a header, is signed as it stands; else
// Url::Authority. `sigv4a_key` is DeriveSigV4aKey(credentials) where the caller keeps it; else it
// is derived here. kInvalid only when the credentials cannot make a key.
Status SignHeaders(Request& request, const SigningScope& scope, const Credentials& credentials,
                   WallTime now, const P256Key* sigv4a_key = nullptr);

// A URL that carries its own authority for `lifetime` (1 s .. 7 days, else kInvalid) and nothing
// else; headers in `request` must be sent by whoever uses it. Never log it.
Result<std::string> Presign(const Request& request, const SigningScope& scope,
                            const Credentials& credentials, WallTime now,
                            std::chrono::seconds lifetime);

}  // namespace coffer::s3
