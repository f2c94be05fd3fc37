// A sealed volume over a FakeStore, under a local key, for tests: with small frames, so that little
// data has many.

#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/multi_key_source.h"
#include "crypto/raw_aes_keyring.h"
#include "fs/sealed_store.h"
#include "tests/support/fake_store.h"

namespace coffer::test {

inline constexpr std::uint32_t kTestHeader = 1024;
inline constexpr std::uint32_t kTestFrame = 4096;

// Counts what it is asked, and refuses on demand.
class TestKeys : public KeySource {
 public:
  explicit TestKeys(SecretArena& arena, char key = 'k') {
    std::vector<std::unique_ptr<Keyring>> rings;
    auto secret = arena.Copy(AsBytes(std::string(32, key)));
    auto ring = RawAesKeyring::Make({"coffer", "test"}, std::move(*secret), arena);
    rings.push_back(std::move(*ring));
    keys_ = std::make_unique<MultiKeySource>(std::move(rings), std::chrono::steady_clock::now);
  }
  Result<DataKeyPtr> ForSealing(const EncryptionContext& context) override {
    ++sealing;
    if (refusal) return Error(*refusal);
    return keys_->ForSealing(context);
  }
  Result<DataKeyPtr> ForOpening(const std::vector<EncryptedDataKey>& encrypted,
                                const EncryptionContext& context, std::size_t size) override {
    ++opening;
    if (refusal) return Error(*refusal);
    return keys_->ForOpening(encrypted, context, size);
  }

  std::atomic<int> sealing = 0;
  std::atomic<int> opening = 0;
  std::optional<Error> refusal;  // set while nothing is under way

 private:
  std::unique_ptr<MultiKeySource> keys_;
};

inline fs::SealedVolume TestVolume(std::string id = "7f3d2c1e-0000-4000-8000-000000000001") {
  auto layout = Layout::Make(kTestHeader, kTestFrame);
  EncryptionContext context{{"coffer", "1"}, {"vol", id}};
  return {std::move(id), "", *layout, std::move(context)};
}

struct SealedBench {
  explicit SealedBench(FakeStore& store, fs::SealedVolume volume = TestVolume(), char key = 'k')
      : below(store), keys(arena, key), sealed({below, keys, arena, pool}, std::move(volume)) {}

  Result<s3::Written> Put(std::string_view key, std::string_view text, s3::Metadata metadata = {}) {
    return sealed.Put(key, AsBytes(text), {.metadata = std::move(metadata)});
  }
  // All of it, as a reader that knows the size from a listing asks.
  Result<std::string> Get(std::string_view key, std::uint64_t offset = 0,
                          std::uint64_t size = 1u << 30) {
    auto fetched = sealed.Get(key, {offset, size}, {});
    if (!fetched) return std::move(fetched).error();
    return std::string(AsText(fetched->body));
  }

  FakeStore& below;
  SecretArena arena{16'384};
  fs::WorkerPool pool{4};
  TestKeys keys;
  fs::SealedStore sealed;
};

}  // namespace coffer::test
