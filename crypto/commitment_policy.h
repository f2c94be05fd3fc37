// Which messages are opened, and sealed, by whether they commit to their key: without a commitment
// one message can open to different content under different keys. The words are those of the AWS
// Encryption SDK and its command line.
//
// Pure functions, safe from any thread.

#pragma once

#include <string_view>

#include "crypto/result.h"
#include "crypto/suite.h"

namespace coffer {

enum class CommitmentPolicy {
  kForbidEncryptAllowDecrypt,
  kRequireEncryptAllowDecrypt,
  kRequireEncryptRequireDecrypt,  // the default everywhere
};

// "require-encrypt-require-decrypt" and so on. kInvalid, naming the three, for any other word.
Result<CommitmentPolicy> ParseCommitmentPolicy(std::string_view word);

// kNotPermitted, saying which word permits it.
Status CheckOpening(CommitmentPolicy policy, const Suite& suite);
Status CheckSealing(CommitmentPolicy policy, const Suite& suite);

}  // namespace coffer
