#include "crypto/rsa_key.h"

#include <array>
#include <new>
#include <utility>

#include "crypto/digest.h"
#include "crypto/encoding.h"

namespace coffer {
namespace {

constexpr int kMinBits = 2048;
constexpr int kMaxBits = 16384;

struct PaddingRow {
  RsaPadding padding;
  std::string_view name;
  int mode;
  const char* hash;
  const char* mask_hash;  // of MGF1
};
constexpr std::array kPaddings = {
    PaddingRow{RsaPadding::kPkcs1, "pkcs1", RSA_PKCS1_PADDING, nullptr, nullptr},
    PaddingRow{RsaPadding::kOaepSha1, "oaep-sha1", RSA_PKCS1_OAEP_PADDING, "SHA1", "SHA1"},
    PaddingRow{RsaPadding::kOaepSha256, "oaep-sha256", RSA_PKCS1_OAEP_PADDING, "SHA256", "SHA256"},
    PaddingRow{RsaPadding::kOaepSha384, "oaep-sha384", RSA_PKCS1_OAEP_PADDING, "SHA384", "SHA384"},
    PaddingRow{RsaPadding::kOaepSha512, "oaep-sha512", RSA_PKCS1_OAEP_PADDING, "SHA512", "SHA512"},
    PaddingRow{RsaPadding::kOaepSha256Mgf1Sha1, "", RSA_PKCS1_OAEP_PADDING, "SHA256", "SHA1"},
};

const PaddingRow& RowOf(RsaPadding padding) { return kPaddings[static_cast<std::size_t>(padding)]; }

bool Holds(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

Pkey Decode(std::string_view pem, int selection) {
  EVP_PKEY* key = nullptr;
  const DecoderContext context(
      OSSL_DECODER_CTX_new_for_pkey(&key, "PEM", nullptr, nullptr, selection, nullptr, nullptr));
  const unsigned char* data = Raw(AsBytes(pem));
  std::size_t left = pem.size();
  const bool ok = context && OSSL_DECODER_from_data(context.get(), &data, &left) == 1;
  Pkey decoded(key);
  return ok ? std::move(decoded) : Pkey();
}

}  // namespace

std::string_view Name(RsaPadding padding) { return RowOf(padding).name; }

Result<RsaPadding> ParseRsaPadding(std::string_view name) {
  for (const PaddingRow& row : kPaddings) {
    if (!name.empty() && row.name == name) return row.padding;
  }
  return Error{Code::kInvalid,
               "unknown RSA padding: give pkcs1, oaep-sha1, oaep-sha256, oaep-sha384 or "
               "oaep-sha512"};
}

Result<RsaKey> RsaKey::FromPem(std::string_view pem) {
  // Asked first: OpenSSL would ask for the password on the terminal.
  if (Holds(pem, "BEGIN ENCRYPTED PRIVATE KEY") || Holds(pem, "Proc-Type: 4,ENCRYPTED")) {
    return Error{Code::kInvalid,
                 "the key is encrypted, and Coffer asks for no password: decrypt it to a file "
                 "that only you can read (umask 077; openssl pkey -in KEY.pem -out PLAIN.pem)"};
  }
  const bool is_private = Holds(pem, "PRIVATE KEY-----");
  if (!is_private && !Holds(pem, "PUBLIC KEY-----")) {
    return Error{Code::kInvalid,
                 "not a key in PEM: it begins with -----BEGIN PUBLIC KEY----- or -----BEGIN "
                 "PRIVATE KEY----- (from a certificate: openssl x509 -in CERT.pem -pubkey -noout)"};
  }
  Pkey key = Decode(pem, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY);
  if (!key) {
    const Error why = OpenSslError("the PEM cannot be read");
    return Error{Code::kInvalid, why.what};
  }
  if (EVP_PKEY_is_a(key.get(), "RSA") != 1) {
    return Error{Code::kInvalid,
                 "not an RSA key: make one with openssl genpkey -algorithm RSA "
                 "-pkeyopt rsa_keygen_bits:4096"};
  }
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < kMinBits || bits > kMaxBits) {
    return Error{Code::kInvalid,
                 "an RSA key of " + std::to_string(bits) + " bits: give one of 2048 to 16384"};
  }
  return RsaKey(std::move(key), is_private);
}

Result<std::string> RsaKey::NewPrivatePem() {
  constexpr std::size_t kNewBits = 4096;
  const Pkey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", kNewBits));
  if (!key) return OpenSslError("make an RSA key");
  const MemoryBio out(BIO_new(BIO_s_secmem()));
  if (!out) throw std::bad_alloc();
  if (PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpenSslError("write an RSA key");
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

std::size_t RsaKey::size() const { return static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())); }

Result<Bytes> RsaKey::PublicDer() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &der);
  if (size <= 0) return OpenSslError("encode a public key");
  const std::unique_ptr<unsigned char, OpenSslFree> owned(der);
  const auto* bytes = reinterpret_cast<const std::byte*>(der);
  return Bytes(bytes, bytes + size);
}

Result<std::string> RsaKey::Id() const {
  COFFER_ASSIGN(const Bytes der, PublicDer());
  return HexEncode(Sha256(der)).substr(0, 16);
}

// RFC 7468: lines of 64 characters.
Result<std::string> RsaKey::PublicPem() const {
  constexpr std::size_t kLine = 64;
  COFFER_ASSIGN(const Bytes der, PublicDer());
  const std::string text = Base64Encode(der);
  std::string pem = "-----BEGIN PUBLIC KEY-----\n";
  for (std::size_t at = 0; at < text.size(); at += kLine) pem += text.substr(at, kLine) + "\n";
  return pem + "-----END PUBLIC KEY-----\n";
}

RsaKey RsaKey::Copy() const {
  EVP_PKEY_up_ref(key_.get());
  return RsaKey(Pkey(key_.get()), private_);
}

Result<PkeyContext> RsaKey::Begin(RsaPadding padding, int (*init)(EVP_PKEY_CTX*)) const {
  const PaddingRow& row = RowOf(padding);
  PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
  if (!context) throw std::bad_alloc();
  if (init(context.get()) != 1 || EVP_PKEY_CTX_set_rsa_padding(context.get(), row.mode) != 1 ||
      (row.hash != nullptr &&
       (EVP_PKEY_CTX_set_rsa_oaep_md_name(context.get(), row.hash, nullptr) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md_name(context.get(), row.mask_hash, nullptr) != 1))) {
    return OpenSslError("begin RSA with padding " + std::string(row.name));
  }
  return context;
}

Result<Bytes> RsaKey::Encrypt(RsaPadding padding, ByteView plaintext) const {
  COFFER_ASSIGN(const PkeyContext context, Begin(padding, EVP_PKEY_encrypt_init));
  Bytes out(size());
  std::size_t written = out.size();
  if (EVP_PKEY_encrypt(context.get(), Raw(out.data()), &written, Raw(plaintext),
                       plaintext.size()) != 1) {
    return OpenSslError("encrypt with RSA");
  }
  out.resize(written);
  return out;
}

Result<Secret> RsaKey::Decrypt(RsaPadding padding, ByteView ciphertext, SecretArena& arena) const {
  if (!private_) return Error{Code::kUnsupported, "this is the public half of the RSA key only"};
  COFFER_ASSIGN(const PkeyContext context, Begin(padding, EVP_PKEY_decrypt_init));
  // OpenSSL wants room for the whole modulus, whatever comes out.
  Bytes out(size());
  std::size_t written = out.size();
  const bool ok = EVP_PKEY_decrypt(context.get(), Raw(out.data()), &written, Raw(ciphertext),
                                   ciphertext.size()) == 1;
  // Neither the error queue nor the size may tell more than "no".
  if (!ok) (void)OpenSslError("");
  auto key = ok && written > 0 && written <= kMaxSecret
                 ? arena.Copy(ByteView(out).first(written))
                 : Result<Secret>(Error{Code::kCorrupt, "the RSA key does not unwrap this"});
  Wipe(out);
  return key;
}

}  // namespace coffer
