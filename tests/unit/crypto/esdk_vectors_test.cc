// The published test vectors of the AWS Encryption SDKs, where they are at hand: a folder with
// esdk/manifest.json, named by COFFER_TEST_VECTORS or at ../shared/vectors.

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "crypto/encoding.h"
#include "crypto/kdf.h"
#include "crypto/openssl.h"
#include "tests/support/opened_message.h"

namespace coffer {
namespace {

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

using BioHandle = std::unique_ptr<BIO, Freer<BIO_free_all>>;

Pkey PrivateKey(const std::string& pem) {
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Pkey(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

// The keys of one vector.
class VectorKeys : public KeySource {
 public:
  VectorKeys(SecretArena& arena, const json& keys, const json& entry)
      : arena_(arena), keys_(keys), entry_(entry) {}

  Result<DataKeyPtr> ForSealing(const EncryptionContext&) override {
    return Error{Code::kUnsupported, "vectors are only opened"};
  }
  Result<DataKeyPtr> ForOpening(const std::vector<EncryptedDataKey>& encrypted,
                                const EncryptionContext& context, std::size_t size) override {
    if (entry_.contains("data-key-base64")) return Found(Base64Of(entry_["data-key-base64"]), size);
    for (const auto& wanted : entry_.at("master-keys")) {
      const json& key = keys_.at(wanted.at("key").get<std::string>());
      if (!key.at("decrypt").get<bool>()) continue;
      for (const EncryptedDataKey& candidate : encrypted) {
        if (candidate.provider != wanted.at("provider-id")) continue;
        const Bytes opened = wanted.at("encryption-algorithm") == "aes"
                                 ? UnwrapAes(key, candidate, context)
                                 : UnwrapRsa(wanted, key, candidate);
        if (!opened.empty()) return Found(opened, size);
      }
    }
    return Error{Code::kKeyMissing, "no key of the vector opens the message"};
  }

 private:
  Result<DataKeyPtr> Found(ByteView bytes, std::size_t size) {
    if (bytes.size() != size) return Error{Code::kCorrupt, "a data key of another size"};
    auto key = std::make_shared<DataKey>();
    COFFER_ASSIGN(key->key, arena_.Copy(bytes));
    return DataKeyPtr(key);
  }

  // Empty when it does not open.
  static Bytes UnwrapAes(const json& key, const EncryptedDataKey& wrapped,
                         const EncryptionContext& context) {
    const auto name = key.at("key-id").get<std::string>();
    if (!wrapped.info.starts_with(name) || wrapped.info.size() != name.size() + 20) return {};
    Nonce nonce{};
    const ByteView stored = AsBytes(wrapped.info).last(nonce.size());
    std::copy(stored.begin(), stored.end(), nonce.begin());
    AesGcm cipher = AesGcm::ForOpening(Base64Decode(Material(key)).value()).value();
    Bytes out(wrapped.ciphertext.size() - kTagSize);
    const Status opened =
        cipher.Open(nonce, SerializeContext(context).value(), AsBytes(wrapped.ciphertext), out);
    return opened ? out : Bytes();
  }

  static Bytes UnwrapRsa(const json& wanted, const json& key, const EncryptedDataKey& wrapped) {
    const Pkey pkey = PrivateKey(Material(key));
    const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey.get(), nullptr));
    const auto hash = wanted.at("padding-hash").get<std::string>();
    const EVP_MD* digest = EVP_get_digestbyname(hash.c_str());
    REQUIRE(EVP_PKEY_decrypt_init(context.get()) == 1);
    REQUIRE(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1);
    REQUIRE(EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), digest) == 1);
    REQUIRE(EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), digest) == 1);
    Bytes out(512);
    std::size_t size = out.size();
    const auto* in = reinterpret_cast<const unsigned char*>(wrapped.ciphertext.data());
    if (EVP_PKEY_decrypt(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, in,
                         wrapped.ciphertext.size()) != 1) {
      return {};
    }
    out.resize(size);
    return out;
  }

  SecretArena& arena_;
  const json& keys_;
  const json& entry_;
};

Result<std::string> Open(SecretArena& arena, const json& keys, const json& entry) {
  OpenRules rules;
  rules.policy = CommitmentPolicy::kRequireEncryptAllowDecrypt;
  rules.context = entry.at("encryption-context").get<EncryptionContext>();
  // The public key of the signature comes with the message.
  rules.context.erase(std::string(kPublicKeyName));
  VectorKeys source(arena, keys, entry);
  return test::OpenWhole(AsBytes(TextOf(entry, "ciphertext")), source, arena, rules);
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

}  // namespace

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

}  // namespace coffer
