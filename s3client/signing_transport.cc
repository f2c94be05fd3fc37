#include "s3client/signing_transport.h"

#include "s3client/api_error.h"
#include "s3client/sigv4a.h"

namespace coffer::s3 {
namespace {

// Does the reply say that the credentials themselves are at fault, not what they may do?
bool RefusesCredentials(const Request& request, const Response& reply,
                        const Credentials& credentials) {
  if (reply.status < 400 || reply.status > 403) return false;
  // HEAD has no body to say so. S3 answers 400 for a token that ended, and hardly for anything
  // else.
  if (request.method == "HEAD") return reply.status == 400 && !credentials.session_token.empty();
  const ServiceError error = ReadServiceError(reply);
  // The last three: keys that were exchanged meanwhile in the file they come from.
  return RetryFor(error, request.operation) == Retry::kCredentials ||
         error.code == "InvalidAccessKeyId" || error.code == "SignatureDoesNotMatch" ||
         error.code == "InvalidSignatureException";
}

}  // namespace

Result<Response> SigningTransport::Send(const Request& request) {
  if (request.unsigned_request || signers_.account == nullptr) return next_.Send(request);
  const bool as_session = signers_.session != nullptr && !request.plain_iam_auth;
  CredentialsProvider& provider = as_session ? *signers_.session : *signers_.account;
  SigningScope scope = scope_;
  if (scope.scheme == Scheme::kSigV4S3Express && !as_session) scope.scheme = Scheme::kSigV4;

  COFFER_ASSIGN(const Snapshot credentials, provider.Get());
  COFFER_ASSIGN(Response reply, SendSigned(request, scope, credentials));
  if (!RefusesCredentials(request, reply, *credentials)) return reply;
  provider.Refused(*credentials);
  COFFER_ASSIGN(const Snapshot renewed, provider.Get());
  if (SameKeys(*credentials, *renewed)) return reply;
  const int attempts = reply.attempts;
  COFFER_ASSIGN(Response again, SendSigned(request, scope, renewed));
  again.attempts += attempts;
  return again;
}

Result<Response> SigningTransport::SendSigned(const Request& request, const SigningScope& scope,
                                              const Snapshot& credentials) {
  Request copy = request;
  std::shared_ptr<const P256Key> key;
  if (scope.scheme == Scheme::kSigV4A) {
    COFFER_ASSIGN(key, SigV4aKey(credentials));
  }
  COFFER_TRY(SignHeaders(copy, scope, *credentials, time_.Now(), key.get()));
  return next_.Send(copy);
}

Result<std::shared_ptr<const P256Key>> SigningTransport::SigV4aKey(const Snapshot& credentials) {
  {
    const std::lock_guard lock(mu_);
    if (key_owner_ == credentials) return key_;
  }
  COFFER_ASSIGN(P256Key derived, DeriveSigV4aKey(*credentials));
  const auto key = std::make_shared<const P256Key>(std::move(derived));
  const std::lock_guard lock(mu_);
  key_owner_ = credentials;
  key_ = key;
  return key;
}

}  // namespace coffer::s3
