#include "crypto/ecdsa.h"

#include <array>
#include <new>

namespace coffer {
namespace {

constexpr std::size_t kScalarSize = 32;
constexpr std::size_t kPointSize = 65;

Result<Bytes> PublicPoint(const BIGNUM* scalar) {
  const EcGroup group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  if (!group) return OpenSslError("no curve P-256");
  if (BN_is_zero(scalar) || BN_cmp(scalar, EC_GROUP_get0_order(group.get())) >= 0) {
    return Error{Code::kInvalid, "a P-256 scalar outside [1, n-1]"};
  }
  const EcPoint point(EC_POINT_new(group.get()));
  Bytes out(kPointSize);
  if (!point || EC_POINT_mul(group.get(), point.get(), scalar, nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, Raw(out.data()),
                         out.size(), nullptr) != out.size()) {
    return OpenSslError("derive a P-256 public key");
  }
  return out;
}

}  // namespace

Result<P256Key> P256Key::FromScalar(ByteView scalar) {
  if (scalar.size() != kScalarSize) return Error{Code::kInvalid, "a P-256 scalar has 32 bytes"};
  const BigNumber number(BN_secure_new());
  if (!number || BN_bin2bn(Raw(scalar), kScalarSize, number.get()) == nullptr) {
    throw std::bad_alloc();
  }
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  COFFER_ASSIGN(Bytes point, PublicPoint(number.get()));

  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, number.get()) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return OpenSslError("describe a P-256 key");
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) != 1) {
    return OpenSslError("make a P-256 key");
  }
  return P256Key(Pkey(key), std::move(point));
}

Result<Bytes> P256Key::Sign(ByteView message) const {
  const MdContext context(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (!context ||
      EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key_.get(),
                            nullptr) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, Raw(message), message.size()) != 1) {
    return OpenSslError("begin an ECDSA signature");
  }
  Bytes signature(size);
  if (EVP_DigestSign(context.get(), Raw(signature.data()), &size, Raw(message), message.size()) !=
      1) {
    return OpenSslError("make an ECDSA signature");
  }
  signature.resize(size);
  return signature;
}

Status P256Key::Verify(ByteView message, ByteView signature) const {
  const MdContext context(EVP_MD_CTX_new());
  if (!context || EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr,
                                          key_.get(), nullptr) != 1) {
    return OpenSslError("begin to verify an ECDSA signature");
  }
  if (EVP_DigestVerify(context.get(), Raw(signature), signature.size(), Raw(message),
                       message.size()) != 1) {
    return Error{Code::kCorrupt, OpenSslError("the ECDSA signature does not match").what};
  }
  return Ok();
}

}  // namespace coffer
