// Which keys the user named on the command line: for mount, init, seal and open alike. Values as
// typed; fs/key_set turns them into keys.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace coffer::fs {

struct KeyOptions {
  std::vector<std::string> kms_keys;  // ARN, id or alias
  std::vector<std::string> aes_keys;  // NAMESPACE/NAME=FILE
  std::vector<std::string> rsa_keys;  // NAMESPACE/NAME:PADDING=FILE
  std::string key_file;               // short for an AES key coffer/ID
  std::string recovery_key;           // short for an RSA key coffer-recovery/ID:oaep-sha256
  std::string recovery_private_key;   // the same key's private half: for reading

  bool require_mlock = false;  // no keys in memory that may be swapped

  std::string kms_endpoint_url;
  std::size_t kms_rate = 50;  // requests a second
  std::chrono::milliseconds max_age{300'000};
  std::size_t max_messages = 1'000;
  std::uint64_t max_bytes = 64ull << 30;
  std::size_t cache_entries = 16'384;

  // Was any key named?
  bool any() const {
    return !kms_keys.empty() || !aes_keys.empty() || !rsa_keys.empty() || !key_file.empty() ||
           !recovery_key.empty() || !recovery_private_key.empty();
  }
};

}  // namespace coffer::fs
