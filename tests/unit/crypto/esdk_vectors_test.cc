// The published test vectors of the AWS Encryption SDKs, where they are at hand: a folder with
// esdk/manifest.json, named by COFFER_TEST_VECTORS or at ../shared/vectors.

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "crypto/encoding.h"
#include "crypto/kdf.h"
#include "crypto/multi_key_source.h"
#include "crypto/raw_aes_keyring.h"
#include "crypto/raw_rsa_keyring.h"
#include "tests/support/opened_message.h"
#include "tests/support/test_keys.h"

namespace coffer::esdk_vectors_test {

using nlohmann::json;

std::filesystem::path Folder() {
  const char* named = std::getenv("COFFER_TEST_VECTORS");
  return std::filesystem::path(named != nullptr ? named : "../shared/vectors") / "esdk";
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

Bytes Base64Of(const json& text) { return Base64Decode(text.get<std::string>()).value(); }

// What `entry` holds under `name` as "file://...", or under `name`-base64 itself.
std::string TextOf(const json& entry, const std::string& name) {
  if (entry.contains(name + "-base64")) {
    return std::string(AsText(Base64Of(entry[name + "-base64"])));
  }
  const auto url = entry.at(name).get<std::string>();
  return ReadFile(Folder() / url.substr(std::string_view("file://").size()));
}

// Some keys stand as one text, others as lines of it.
std::string Material(const json& key) {
  const json& material = key.at("material");
  if (material.is_string()) return material;
  std::string out;
  for (const auto& line : material) {
    out += line.get<std::string>() + key.at("line-separator").get<std::string>();
  }
  return out;
}

RsaPadding Padding(const json& wanted) {
  REQUIRE(wanted.at("padding-algorithm") == "oaep-mgf1");
  const auto hash = wanted.at("padding-hash").get<std::string>();
  return ParseRsaPadding("oaep-" + hash).value();
}

std::unique_ptr<Keyring> MakeKeyring(SecretArena& arena, const json& wanted, const json& key) {
  RawKeyName name{wanted.at("provider-id"), key.at("key-id")};
  if (wanted.at("encryption-algorithm") == "aes") {
    Secret secret = arena.Copy(Base64Decode(Material(key)).value()).value();
    return RawAesKeyring::Make(std::move(name), std::move(secret), arena).value();
  }
  RsaKey rsa = RsaKey::FromPem(Material(key)).value();
  return RawRsaKeyring::Make(std::move(name), std::move(rsa), Padding(wanted), arena).value();
}

// The keys of one vector: those that it names, or the data key itself.
std::unique_ptr<KeySource> MakeKeys(SecretArena& arena, const json& keys, const json& entry) {
  if (entry.contains("data-key-base64")) {
    return std::make_unique<test::BareKey>(arena, Base64Of(entry["data-key-base64"]));
  }
  std::vector<std::unique_ptr<Keyring>> keyrings;
  for (const auto& wanted : entry.at("master-keys")) {
    const json& key = keys.at(wanted.at("key").get<std::string>());
    if (key.at("decrypt").get<bool>()) keyrings.push_back(MakeKeyring(arena, wanted, key));
  }
  return std::make_unique<MultiKeySource>(std::move(keyrings), std::chrono::steady_clock::now);
}

Result<std::string> Open(SecretArena& arena, const json& keys, const json& entry) {
  OpenRules rules;
  rules.policy = CommitmentPolicy::kRequireEncryptAllowDecrypt;
  rules.context = entry.at("encryption-context").get<EncryptionContext>();
  // The public key of the signature comes with the message.
  rules.context.erase(std::string(kPublicKeyName));
  const auto source = MakeKeys(arena, keys, entry);
  return test::OpenWhole(AsBytes(TextOf(entry, "ciphertext")), *source, arena, rules);
}

// The keys that some vectors publish beside the data key. Whether this one does.
bool CheckDerivation(SecretArena& arena, const json& entry) {
  if (!entry.contains("content-key-base64") || entry["content-key-base64"].is_null()) return false;
  const std::string message = TextOf(entry, "ciphertext");
  const Header header = ParseHeader(AsBytes(message), {}).value();
  const auto keys =
      DeriveMessageKeys(header.suite, Base64Of(entry["data-key-base64"]), header.message_id, arena);
  REQUIRE(keys);
  CHECK(Base64Encode(keys->content.view()) == entry["content-key-base64"].get<std::string>());
  CHECK(Base64Encode(keys->commitment) == entry["commitment-base64"].get<std::string>());
  return true;
}

TEST_CASE("published vectors of the AWS Encryption SDKs") {
  if (!std::filesystem::exists(Folder() / "manifest.json")) {
    WARN("no published vectors in " << Folder() << ": COFFER_TEST_VECTORS=FOLDER names theirs");
    return;
  }
  SecretArena arena(64);
  const json keys = json::parse(ReadFile(Folder() / "keys.json")).at("keys");
  const json manifest = json::parse(ReadFile(Folder() / "manifest.json"));
  std::map<std::string, int> outcomes;
  for (const auto& [name, entry] : manifest.at("tests").items()) {
    CAPTURE(name);
    const auto opened = Open(arena, keys, entry);
    if (entry.at("result").contains("output")) {
      REQUIRE(opened);
      CHECK(*opened == TextOf(entry["result"]["output"], "plaintext"));
      if (CheckDerivation(arena, entry)) ++outcomes["derived"];
      ++outcomes["opened"];
      continue;
    }
    REQUIRE_FALSE(opened);
    CAPTURE(opened.error().what);
    CHECK(opened.error().code == Code::kCorrupt);
    const bool commitment = opened.error().what.find("commits to another") != std::string::npos;
    const bool tag = opened.error().what.find("header does not authenticate") != std::string::npos;
    CHECK(commitment == name.starts_with("commit"));
    CHECK(tag == name.starts_with("net400bad"));
    ++outcomes["refused"];
  }
  CHECK(outcomes["opened"] == 145);
  CHECK(outcomes["refused"] == 33);
  CHECK(outcomes["derived"] == 16);
  CHECK(arena.in_use() == 0);
}

}  // namespace coffer::esdk_vectors_test
