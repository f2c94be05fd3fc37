// A Keyring that remembers what it wrapped, counts what it is asked, and fails on command.

#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "crypto/keyring.h"

namespace coffer {

// Safe to share between threads.
class FakeKeyring : public Keyring {
 public:
  FakeKeyring(SecretArena& arena, std::string name) : arena_(arena), name_(std::move(name)) {}

  std::string Name() const override { return "fake key " + name_; }

  Result<WrappedKey> Generate(const EncryptionContext& context) override {
    ++generated;
    if (failure) return *failure;
    COFFER_ASSIGN(Secret key, arena_.Random(generated_size));
    EncryptedDataKey wrapped = Remember(key, context);
    return WrappedKey{std::move(key), std::move(wrapped)};
  }
  Result<EncryptedDataKey> Wrap(const Secret& key, const EncryptionContext& context) override {
    ++wrapped;
    if (failure) return *failure;
    return Remember(key, context);
  }
  bool Owns(const EncryptedDataKey& encrypted) const override {
    return encrypted.provider == "fake" && encrypted.info == name_;
  }
  Result<Secret> Unwrap(const EncryptedDataKey& encrypted, const EncryptionContext& context,
                        std::size_t) override {
    ++unwrapped;
    if (failure) return *failure;
    const std::lock_guard lock(mu_);
    const auto found = kept_.find({encrypted.ciphertext, context});
    if (found == kept_.end()) return Error{Code::kCorrupt, "does not unwrap"};
    return arena_.Copy(AsBytes(found->second));
  }

  std::optional<Error> failure;
  std::size_t generated_size = 32;
  std::atomic<int> generated{0};
  std::atomic<int> wrapped{0};
  std::atomic<int> unwrapped{0};

 private:
  EncryptedDataKey Remember(const Secret& key, const EncryptionContext& context) {
    const std::lock_guard lock(mu_);
    const std::string ciphertext = name_ + " " + std::to_string(kept_.size());
    kept_[{ciphertext, context}] = AsText(key.view());
    return {"fake", name_, ciphertext};
  }

  SecretArena& arena_;
  const std::string name_;
  mutable std::mutex mu_;
  std::map<std::pair<std::string, EncryptionContext>, std::string> kept_;
};

}  // namespace coffer
