// What `coffer doctor` says of a KMS key: whether it is in use, and whom its policy lets in.

#pragma once

#include <string>

#include "fs/connection.h"
#include "fs/doctor.h"
#include "fs/policy_document.h"
#include "s3client/kms_key_facts.h"

namespace coffer::fs {

// Of a key that can be used, by its policy alone: who is let in whoever they are, who is beside
// those whom IAM of its account names, and whether somebody could still change the policy when
// those whom it names are gone. What depends on conditions counts as the worse. Pure.
Check CheckKeyPolicy(const std::string& name, const s3::KmsKeyFacts& key, const Policy& policy);

struct KeyToCheck {
  std::string name;          // of the check
  std::string key;           // as it is configured: ARN, id or alias
  std::string endpoint_url;  // --kms-endpoint-url; "" for AWS's own
};
// Asks KMS for the key and its policy: blocks on the network, two requests. What may not be asked
// is not tested.
Check CheckKmsKey(Connection& connection, const KeyToCheck& wanted);

}  // namespace coffer::fs
