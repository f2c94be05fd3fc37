#include "crypto/ecdsa_verifier.h"

#include <new>

namespace coffer {
namespace {

Result<Pkey> PublicKey(Curve curve, ByteView point) {
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  const char* group = curve == Curve::kP256 ? "P-256" : "P-384";
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return OpenSslError("describe a public key");
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1) {
    return OpenSslError("begin a public key");
  }
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return Error{Code::kCorrupt, OpenSslError("the public key is no point of its curve").what};
  }
  return Pkey(key);
}

}  // namespace

Result<EcdsaVerifier> EcdsaVerifier::Make(Curve curve, ByteView point) {
  if (curve == Curve::kNone) return Error{Code::kInvalid, "a suite that does not sign"};
  if (point.empty()) return Error{Code::kCorrupt, "a public key of no bytes"};
  COFFER_ASSIGN(Pkey key, PublicKey(curve, point));
  MdContext context(EVP_MD_CTX_new());
  if (!context) throw std::bad_alloc();
  const char* digest = curve == Curve::kP256 ? "SHA256" : "SHA384";
  if (EVP_DigestVerifyInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key.get(),
                              nullptr) != 1) {
    return OpenSslError("begin to verify a signature");
  }
  return EcdsaVerifier(std::move(key), std::move(context));
}

Status EcdsaVerifier::Update(ByteView bytes) {
  if (EVP_DigestVerifyUpdate(context_.get(), bytes.data(), bytes.size()) != 1) {
    return OpenSslError("verify a signature");
  }
  return Ok();
}

Status EcdsaVerifier::Finish(ByteView signature) {
  if (EVP_DigestVerifyFinal(context_.get(), Raw(signature), signature.size()) != 1) {
    return Error{Code::kCorrupt, OpenSslError("the signature of the message does not fit").what};
  }
  return Ok();
}

}  // namespace coffer
