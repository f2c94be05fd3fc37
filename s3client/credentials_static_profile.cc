#include "s3client/credentials_static_profile.h"

namespace coffer::s3 {
namespace {

constexpr std::string_view kId = "aws_access_key_id";
constexpr std::string_view kSecret = "aws_secret_access_key";

}  // namespace

bool HasStaticCredentials(const Profile& profile) {
  return profile.Has(kId) || profile.Has(kSecret);
}

Result<Credentials> StaticCredentials(const Profile& profile, const SharedConfig::Paths& paths) {
  const bool in_credentials = profile.InCredentialsFile(kId) || profile.InCredentialsFile(kSecret);
  const std::string source =
      "profile " + profile.name() + " in " + (in_credentials ? paths.credentials : paths.config);
  if (!profile.Has(kId) || !profile.Has(kSecret)) {
    const auto [set, unset] = profile.Has(kId) ? std::pair(kId, kSecret) : std::pair(kSecret, kId);
    return Error{Code::kDenied,
                 source + " has " + std::string(set) + " but not " + std::string(unset)};
  }
  Credentials credentials;
  credentials.access_key_id = profile.Get(kId);
  credentials.secret_access_key = profile.Get(kSecret);
  credentials.session_token = profile.Get("aws_session_token");
  credentials.account_id = profile.Get("aws_account_id");
  credentials.source = source;
  return credentials;
}

}  // namespace coffer::s3
