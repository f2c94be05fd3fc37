// What an access point's policy withholds from everybody who mounts through it, in words.
//
// Pure functions of an untrusted text's statements. Who mounts is not known here, nor what IAM
// allows beside the policy: so only what the policy denies to all, and what it grants to nobody. Of
// reading, writing and deleting: whether these credentials may list and see locks the mount tries.

#pragma once

#include <string>
#include <vector>

#include "fs/policy_document.h"
#include "s3client/transport.h"

namespace coffer::fs {

struct MountedThrough {
  std::string arn;     // of the access point
  std::string prefix;  // what is mounted: "" or ends in '/'
  bool read_only = false;
};

struct Withheld {
  std::vector<std::string> lines;         // none where all may be given
  std::vector<s3::Operation> operations;  // that S3 will refuse whoever asks
};

Withheld WithheldByPolicy(const std::vector<PolicyStatement>& statements,
                          const MountedThrough& mounted);

}  // namespace coffer::fs
