// One request to AWS KMS (JSON 1.1, TrentService), and what its refusal means.
//
// Functions without state; one that blocks on the network.

#pragma once

#include <string>

#include "crypto/result.h"
#include "s3client/kms_key.h"
#include "s3client/transport.h"

namespace coffer::s3 {

// The reply to `operation` with a JSON text of its parameters, when it is a 200: the caller wipes
// its body, which may hold a key. Fails with the service's code and request id, never its body:
// kDenied, kKeyMissing (deleted or about to be), kKeyDisabled, kCorrupt (no ciphertext of this key,
// or another context), kTimeout (throttled or failing up to the deadline), kUnavailable,
// kInterrupted.
Result<Response> AskKms(Transport& transport, const KmsAddress& address, Operation operation,
                        const std::string& parameters);

// A 200 that does not say what it should.
Error UnreadableKmsReply(const Response& reply, Operation operation);

}  // namespace coffer::s3
