// A KeySource that makes keys of its own, counts what it is asked, and fails or waits on command.

#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/key_source.h"

namespace coffer {

// Safe to share between threads.
class FakeKeySource : public KeySource {
 public:
  explicit FakeKeySource(SecretArena& arena) : arena_(arena) {}

  Result<DataKeyPtr> ForSealing(const EncryptionContext&) override {
    const int number = Enter(sealing_);
    COFFER_TRY(Verdict());
    return Make({{"fake", "key", std::to_string(number)}}, 32);
  }

  Result<DataKeyPtr> ForOpening(const std::vector<EncryptedDataKey>& encrypted,
                                const EncryptionContext&, std::size_t size) override {
    Enter(opening_);
    COFFER_TRY(Verdict());
    return Make(encrypted, size);
  }

  // Every call from now on fails like this; nothing mends it.
  void Fail(std::optional<Error> error) {
    const std::lock_guard lock(mu_);
    error_ = std::move(error);
  }
  // Calls that begin from now on wait until Release.
  void Hold() {
    const std::lock_guard lock(mu_);
    held_ = true;
  }
  void Release() {
    const std::lock_guard lock(mu_);
    held_ = false;
    changed_.notify_all();
  }
  // Waits until so many calls have begun.
  void WaitForCalls(int calls) {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return sealing_ + opening_ >= calls; });
  }

  int sealing() const {
    const std::lock_guard lock(mu_);
    return sealing_;
  }
  int opening() const {
    const std::lock_guard lock(mu_);
    return opening_;
  }

 private:
  int Enter(int& calls) {
    std::unique_lock lock(mu_);
    const int number = ++calls;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_; });
    return number;
  }
  Status Verdict() const {
    const std::lock_guard lock(mu_);
    if (error_) return *error_;
    return Ok();
  }
  Result<DataKeyPtr> Make(std::vector<EncryptedDataKey> encrypted, std::size_t size) {
    COFFER_ASSIGN(Secret key, arena_.Random(size));
    return std::make_shared<const DataKey>(DataKey{std::move(key), std::move(encrypted)});
  }

  SecretArena& arena_;
  mutable std::mutex mu_;
  std::condition_variable changed_;
  std::optional<Error> error_;
  bool held_ = false;
  int sealing_ = 0;
  int opening_ = 0;
};

}  // namespace coffer
