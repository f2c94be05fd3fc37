// Data keys without a wrapping: for tests of what is done with them.

#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "crypto/key_source.h"

namespace coffer::test {

// A data key of `size` bytes, all of them `fill`, "wrapped" by two keys that do not exist.
inline DataKeyPtr MakeDataKey(SecretArena& arena, char fill = 'k', std::size_t size = 32) {
  auto key = std::make_shared<DataKey>();
  key->key = arena.Copy(AsBytes(std::string(size, fill))).value();
  key->encrypted = {{"test", std::string("first ") + fill, "wrapped"},
                    {"test", "second", std::string("\0\xff", 2)}};
  return key;
}

// Gives one data key, and that one again for a message that has its encrypted forms.
class OneKey : public KeySource {
 public:
  explicit OneKey(DataKeyPtr key) : key_(std::move(key)) {}

  Result<DataKeyPtr> ForSealing(const EncryptionContext&) override { return key_; }
  Result<DataKeyPtr> ForOpening(const std::vector<EncryptedDataKey>& encrypted,
                                const EncryptionContext& context, std::size_t size) override {
    context_ = context;
    if (encrypted != key_->encrypted) return Error{Code::kKeyMissing, "none of these keys"};
    if (size != key_->key.size()) return Error{Code::kCorrupt, "a key of another size"};
    return key_;
  }
  // Of the last ForOpening.
  const EncryptionContext& context() const { return context_; }

 private:
  DataKeyPtr key_;
  EncryptionContext context_;
};

// Gives one data key to whoever asks, whatever the message says.
class BareKey : public KeySource {
 public:
  BareKey(SecretArena& arena, ByteView key) : key_(std::make_shared<DataKey>()) {
    key_->key = arena.Copy(key).value();
  }

  Result<DataKeyPtr> ForSealing(const EncryptionContext&) override { return DataKeyPtr(key_); }
  Result<DataKeyPtr> ForOpening(const std::vector<EncryptedDataKey>&, const EncryptionContext&,
                                std::size_t) override {
    return DataKeyPtr(key_);
  }

 private:
  std::shared_ptr<DataKey> key_;
};

}  // namespace coffer::test
