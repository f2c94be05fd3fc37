#include "s3client/sigv4.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <vector>

#include "crypto/ascii.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "s3client/sigv4a.h"
#include "s3client/time_text.h"

namespace coffer::s3 {
namespace {

constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

// Headers that a proxy or the HTTP library may change or add on the way.
bool NeverSigned(std::string_view name) {
  constexpr std::array<std::string_view, 11> kNames{
      "authorization", "connection",        "content-length", "expect",          "te",    "trailer",
      "upgrade",       "transfer-encoding", "user-agent",     "x-amzn-trace-id", "accept"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

// Without outer white space, and every inner run of it one space.
std::string Fold(std::string_view value) {
  std::string out;
  bool gap = false;
  for (const char c : value) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out += ' ';
    gap = false;
    out += c;
  }
  return out;
}

struct SignedHeaders {
  std::string names;      // "host;x-amz-date"
  std::string canonical;  // "host:...\nx-amz-date:...\n"
};

SignedHeaders Canonicalize(const Request& request) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, value] : request.headers.fields()) {
    const std::string lower = AsciiLower(name);
    if (NeverSigned(lower)) continue;
    auto [at, inserted] = sorted.try_emplace(lower, Fold(value));
    if (!inserted) at->second += "," + Fold(value);
  }
  sorted.try_emplace("host", request.url.Authority());
  SignedHeaders out;
  for (const auto& [name, value] : sorted) {
    if (!out.names.empty()) out.names += ';';
    out.names += name;
    out.canonical.append(name).append(":").append(value).append("\n");
  }
  return out;
}

std::string_view Algorithm(const SigningScope& scope) {
  return scope.scheme == Scheme::kSigV4A ? "AWS4-ECDSA-P256-SHA256" : "AWS4-HMAC-SHA256";
}

std::string_view TokenHeader(const SigningScope& scope) {
  return scope.scheme == Scheme::kSigV4S3Express ? "x-amz-s3session-token" : "x-amz-security-token";
}

// "20130524/us-east-1/s3/aws4_request"; SigV4A names no region here.
std::string CredentialScope(const SigningScope& scope, std::string_view date) {
  std::string out(date);
  if (scope.scheme != Scheme::kSigV4A) out += "/" + scope.region;
  return out + "/" + scope.service + "/aws4_request";
}

std::string CanonicalRequest(const Request& request, const SignedHeaders& headers,
                             std::string_view payload_hash) {
  std::string out = request.method + "\n" + request.url.path + "\n" + request.url.EncodedQuery();
  out += "\n" + headers.canonical + "\n" + headers.names + "\n";
  out += payload_hash;
  return out;
}

Sha256Digest SigningKey(const SigningScope& scope, const Credentials& credentials,
                        std::string_view date) {
  std::string secret = "AWS4" + credentials.secret_access_key;
  Sha256Digest key = HmacSha256(AsBytes(secret), AsBytes(date));
  Wipe(std::as_writable_bytes(std::span(secret)));
  for (const std::string_view step :
       {std::string_view(scope.region), std::string_view(scope.service),
        std::string_view("aws4_request")}) {
    key = HmacSha256(key, AsBytes(step));
  }
  return key;
}

// What one signature is made with.
struct Signer {
  const SigningScope& scope;
  const Credentials& credentials;
  std::string time;  // CompactTime
  const P256Key* sigv4a_key;

  std::string_view date() const { return std::string_view(time).substr(0, 8); }
  std::string CredentialField() const {
    return credentials.access_key_id + "/" + CredentialScope(scope, date());
  }
  // Hex.
  Result<std::string> Sign(const std::string& canonical_request) const {
    std::string to_sign(Algorithm(scope));
    to_sign += "\n" + time + "\n" + CredentialScope(scope, date()) + "\n";
    to_sign += HexEncode(Sha256(AsBytes(canonical_request)));
    if (scope.scheme != Scheme::kSigV4A) {
      return HexEncode(HmacSha256(SigningKey(scope, credentials, date()), AsBytes(to_sign)));
    }
    if (sigv4a_key != nullptr) return SignV4a(*sigv4a_key, to_sign);
    COFFER_ASSIGN(const P256Key key, DeriveSigV4aKey(credentials));
    return SignV4a(key, to_sign);
  }

 private:
  static Result<std::string> SignV4a(const P256Key& key, const std::string& to_sign) {
    COFFER_ASSIGN(const Bytes signature, key.Sign(AsBytes(to_sign)));
    return HexEncode(signature);
  }
};

Status CheckUsable(const Credentials& credentials) {
  if (!credentials.access_key_id.empty() && !credentials.secret_access_key.empty()) return Ok();
  return Error{Code::kInvalid, "credentials without an access key id or a secret access key"};
}

}  // namespace

SigningScope ScopeOf(const Target& target) {
  const bool set = target.scheme == Scheme::kSigV4A;
  return {target.scheme, target.signing_name, set ? target.region_set : target.region};
}

Status SignHeaders(Request& request, const SigningScope& scope, const Credentials& credentials,
                   WallTime now, const P256Key* sigv4a_key) {
  COFFER_TRY(CheckUsable(credentials));
  const Signer signer{scope, credentials, CompactTime(now), sigv4a_key};
  if (request.payload_hash.empty()) request.payload_hash = HexEncode(Sha256(request.body));

  Headers& headers = request.headers;
  headers.Set("x-amz-date", signer.time);
  headers.Set("x-amz-content-sha256", request.payload_hash);
  headers.Remove("x-amz-security-token");
  headers.Remove("x-amz-s3session-token");
  if (!credentials.session_token.empty()) {
    headers.Set(std::string(TokenHeader(scope)), credentials.session_token);
  }
  if (scope.scheme == Scheme::kSigV4A) headers.Set("x-amz-region-set", scope.region);

  const SignedHeaders canonical = Canonicalize(request);
  COFFER_ASSIGN(const std::string signature,
                signer.Sign(CanonicalRequest(request, canonical, request.payload_hash)));
  headers.Set("Authorization",
              std::string(Algorithm(scope)) + " Credential=" + signer.CredentialField() +
                  ", SignedHeaders=" + canonical.names + ", Signature=" + signature);
  return Ok();
}

Result<std::string> Presign(const Request& request, const SigningScope& scope,
                            const Credentials& credentials, WallTime now,
                            std::chrono::seconds lifetime) {
  COFFER_TRY(CheckUsable(credentials));
  if (lifetime < std::chrono::seconds(1) || lifetime > std::chrono::days(7)) {
    return Error{Code::kInvalid, "a presigned URL lives between 1 second and 7 days"};
  }
  const Signer signer{scope, credentials, CompactTime(now), nullptr};
  Request to_sign = request;
  const SignedHeaders canonical = Canonicalize(to_sign);
  auto& query = to_sign.url.query;
  query.emplace_back("X-Amz-Algorithm", Algorithm(scope));
  query.emplace_back("X-Amz-Credential", signer.CredentialField());
  query.emplace_back("X-Amz-Date", signer.time);
  query.emplace_back("X-Amz-Expires", std::to_string(lifetime.count()));
  query.emplace_back("X-Amz-SignedHeaders", canonical.names);
  if (scope.scheme == Scheme::kSigV4A) query.emplace_back("X-Amz-Region-Set", scope.region);
  if (!credentials.session_token.empty()) {
    query.emplace_back(
        scope.scheme == Scheme::kSigV4S3Express ? "X-Amz-S3session-Token" : "X-Amz-Security-Token",
        credentials.session_token);
  }
  COFFER_ASSIGN(const std::string signature,
                signer.Sign(CanonicalRequest(to_sign, canonical, kUnsignedPayload)));
  return to_sign.url.ToString() + "&X-Amz-Signature=" + signature;
}

}  // namespace coffer::s3
