// tests/vectors/s3ec.json: objects of the S3 Encryption Client that another implementation made
// (tests/vectors/s3ec.py), and what opens them.

#pragma once

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/encoding.h"
#include "crypto/s3ec_keys.h"
#include "fs/s3ec_store.h"
#include "tests/support/fake_store.h"
#include "tests/support/temp_directory.h"

namespace coffer::test {

struct S3ecVector {
  std::string name;
  S3ecVersion needs;
  std::string plain, body, data_key, blob;
  EncryptionContext context;
  S3ecFields metadata;
  std::optional<S3ecFields> instruction;

  S3ecObject Object() const {
    auto object = instruction ? ReadS3ec(metadata, *instruction) : ReadS3ec(metadata);
    REQUIRE(object);
    return *object;
  }
};

struct S3ecVectors {
  std::string aes_key, rsa_key;
  std::vector<S3ecVector> objects;

  const S3ecVector& Find(const std::string& name) const {
    for (const S3ecVector& object : objects) {
      if (object.name == name) return object;
    }
    FAIL("no vector " + name);
    return objects.front();
  }
};

inline const S3ecVectors& TheS3ecVectors() {
  static const S3ecVectors all = [] {
    std::ifstream file("tests/vectors/s3ec.json");
    const auto json = nlohmann::json::parse(file);
    const auto bytes = [](const nlohmann::json& from) {
      return std::string(AsText(Base64Decode(from.get<std::string>()).value()));
    };
    S3ecVectors made{bytes(json["aes_key"]), json["rsa_key"], {}};
    for (const auto& o : json["objects"]) {
      S3ecVector vector{o["name"],
                        static_cast<S3ecVersion>(o["needs"].get<int>()),
                        bytes(o["plain"]),
                        bytes(o["body"]),
                        bytes(o["data_key"]),
                        bytes(o["blob"]),
                        o["context"],
                        o["metadata"],
                        {}};
      if (o.contains("instruction")) vector.instruction = o["instruction"].get<S3ecFields>();
      made.objects.push_back(std::move(vector));
    }
    return made;
  }();
  return all;
}

// A KMS key that wrapped the vectors' blobs, each under its context.
class VectorKms : public BlobUnwrapper {
 public:
  explicit VectorKms(SecretArena& arena) : arena_(arena) {}
  Result<Secret> UnwrapBlob(std::string_view blob, const EncryptionContext& context,
                            std::size_t size) override {
    ++calls;
    if (refusal) return Error(*refusal);
    for (const S3ecVector& vector : TheS3ecVectors().objects) {
      if (vector.blob != blob || vector.context != context) continue;
      CHECK(size == vector.data_key.size());
      return arena_.Copy(AsBytes(vector.data_key));
    }
    return Error{Code::kCorrupt, "KMS did not wrap this"};
  }

  std::atomic<int> calls = 0;
  std::optional<Error> refusal;

 private:
  SecretArena& arena_;
};

struct HeldS3ecKeys {
  explicit HeldS3ecKeys(SecretArena& arena) {
    auto owned = std::make_unique<VectorKms>(arena);
    kms = owned.get();
    held.kms.push_back(std::move(owned));
    held.aes.push_back(arena.Copy(AsBytes(std::string(32, 'x'))).value());  // another one first
    held.aes.push_back(arena.Copy(AsBytes(TheS3ecVectors().aes_key)).value());
    held.rsa.push_back(RsaKey::FromPem(TheS3ecVectors().rsa_key).value());
  }
  S3ecKeys::Held held;
  VectorKms* kms;
};

struct S3ecBench {
  explicit S3ecBench(FakeStore& store, S3ecVersion policy = S3ecVersion::kV1,
                     std::uint64_t max_size = 1u << 20, EncryptionContext context = {})
      : below(store),
        made(arena),
        keys(With(std::move(made.held), std::move(context)), arena),
        s3ec({store, keys, arena, pool, [this](const std::string& line) { lines.push_back(line); }},
             Options(policy, max_size)) {}

  fs::S3ecStore::Options Options(S3ecVersion policy, std::uint64_t max_size) const {
    fs::S3ecStore::Options options;
    options.policy = policy;
    options.max_size = max_size;
    options.part_size = 16u << 10;
    options.memory = 256u << 10;
    options.directory = directory.path();
    options.patience = std::chrono::milliseconds(200);
    return options;
  }
  static S3ecKeys::Held With(S3ecKeys::Held held, EncryptionContext context) {
    held.context = std::move(context);
    return held;
  }

  // All of it, as a reader asks that knows no size.
  Result<std::string> Get(std::string_view key, std::uint64_t offset = 0,
                          std::uint64_t size = 1u << 30) {
    auto fetched = s3ec.Get(key, {offset, size}, {});
    if (!fetched) return std::move(fetched).error();
    return std::string(AsText(fetched->body));
  }

  FakeStore& below;
  SecretArena arena{1024};
  fs::WorkerPool pool{4};
  TempDirectory directory;
  std::vector<std::string> lines;
  HeldS3ecKeys made;
  S3ecKeys keys;
  fs::S3ecStore s3ec;
};

// Puts the vector's object, and its instruction file, under `key`.
inline std::string PlantS3ec(FakeStore& store, const std::string& key, const S3ecVector& vector) {
  const std::string etag = store.Plant(key, vector.body, vector.metadata);
  if (vector.instruction) {
    store.Plant(key + ".instruction", nlohmann::json(*vector.instruction).dump(),
                {{"x-amz-crypto-instr-file", ""}});
  }
  return etag;
}

}  // namespace coffer::test
