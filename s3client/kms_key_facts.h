// What AWS KMS tells about a key itself: its state, and who may use it.
//
// Each function blocks on the network, with one request; errors as AskKms.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/result.h"
#include "s3client/kms_key.h"
#include "s3client/transport.h"

namespace coffer::s3 {

struct KmsKeyFacts {
  std::string arn;  // of the key, also where an alias was asked about
  std::string account;
  std::string state;                         // "Enabled", "Disabled", "PendingDeletion", ...
  bool aws_managed = false;                  // such as aws/s3: AWS writes its policy
  std::optional<std::int64_t> deleted_at_s;  // of one whose deletion is pending
};

// DescribeKey. `key`: an ARN, an id, or an alias.
Result<KmsKeyFacts> DescribeKmsKey(Transport& transport, const KmsAddress& address,
                                   std::string_view key);

// GetKeyPolicy: JSON text as it was written. `arn` is no alias, which KMS takes nowhere but in
// DescribeKey and to encrypt.
Result<std::string> GetKmsKeyPolicy(Transport& transport, const KmsAddress& address,
                                    std::string_view arn);

}  // namespace coffer::s3
