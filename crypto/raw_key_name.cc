#include "crypto/raw_key_name.h"

namespace coffer {
namespace {

// A raw AES key adds 20 bytes to its name, and 16 bits tell the length of the sum.
constexpr std::size_t kMaxName = 1024;

}  // namespace

Status CheckRawKeyName(const RawKeyName& name) {
  if (name.provider.empty() || name.name.empty()) {
    return Error{Code::kInvalid, "a local key is called NAMESPACE/NAME, neither of them empty"};
  }
  if (name.provider.size() > kMaxName || name.name.size() > kMaxName) {
    return Error{Code::kInvalid, "the name of a local key has at most 1,024 bytes"};
  }
  if (name.provider.starts_with("aws-kms")) {
    return Error{Code::kInvalid,
                 "the namespace " + name.provider + " belongs to AWS KMS: give another one"};
  }
  if (name.provider == "coffer-pad") {
    return Error{Code::kInvalid, "the namespace coffer-pad is no key's: give another one"};
  }
  return Ok();
}

}  // namespace coffer
