#include "s3client/credentials_profile.h"

#include <algorithm>
#include <array>

#include "s3client/credentials_environment.h"
#include "s3client/credentials_process.h"
#include "s3client/credentials_static_profile.h"
#include "s3client/credentials_web_identity.h"

namespace coffer::s3 {
namespace {

constexpr std::string_view kProcess = "credential_process";

Error Wrong(const Profile& profile, const std::string& why) {
  return {Code::kDenied, "profile " + profile.name() + " " + why};
}

// Kinds that only the AWS CLI can follow, and the line that lets it.
Error NotYet(const Profile& profile, const std::string& kind) {
  return Wrong(profile,
               "uses " + kind +
                   ", which is not supported yet: use credential_process, by "
                   "adding `credential_process = aws configure export-credentials --profile " +
                   profile.name() + "` to it");
}

}  // namespace

bool MentionsCredentials(const Profile& profile) {
  constexpr std::array<std::string_view, 8> kKeys{
      "aws_access_key_id", "aws_secret_access_key", "role_arn",      "web_identity_token_file",
      "sso_session",       "sso_start_url",         "login_session", kProcess};
  return std::any_of(kKeys.begin(), kKeys.end(),
                     [&profile](std::string_view key) { return profile.Has(key); });
}

Result<Credentials> ProfileResolver::Resolve(const std::string& name) {
  if (std::find(path_.begin(), path_.end(), name) != path_.end()) {
    std::string loop;
    for (const auto& step : path_) loop += step + " -> ";
    return Error{Code::kDenied, "source_profile leads in a loop: " + loop + name};
  }
  path_.push_back(name);
  const auto profile = parties_.config.Find(name);
  if (!profile) {
    const std::string who = path_.size() > 1 ? ", the source_profile of " + path_.end()[-2] : "";
    return Error{Code::kDenied, "there is no profile " + name + who};
  }
  COFFER_ASSIGN(auto web_identity, WebIdentityFromProfile(*profile));
  const bool with_source = profile->Has("source_profile") || profile->Has("credential_source");
  if (profile->Has("role_arn") && (with_source || !web_identity)) return Role(*profile);
  if (web_identity) {
    return AssumeWebIdentity(std::move(*web_identity), parties_.session_name, parties_.sts);
  }
  return Direct(*profile);
}

// Keys in the credentials file go before a program, a program before keys in the config file.
Result<Credentials> ProfileResolver::Direct(const Profile& profile) {
  const bool keys = HasStaticCredentials(profile);
  const bool keys_first = profile.InCredentialsFile("aws_access_key_id") ||
                          profile.InCredentialsFile("aws_secret_access_key");
  const bool process = profile.Has(kProcess);
  if (!process && (profile.Has("sso_session") || profile.Has("sso_start_url"))) {
    return NotYet(profile, "SSO");
  }
  if (keys && (keys_first || !process)) {
    return StaticCredentials(profile, parties_.config.paths());
  }
  if (process) {
    return RunCredentialProcess(profile.Get(kProcess),
                                "credential_process of profile " + profile.name(),
                                parties_.process_timeout);
  }
  if (profile.Has("login_session")) return NotYet(profile, "aws login");
  return Wrong(profile,
               "has no credentials: neither aws_access_key_id nor credential_process nor "
               "role_arn");
}

Result<Credentials> ProfileResolver::Role(const Profile& profile) {
  if (profile.Has("mfa_serial")) {
    return Wrong(profile,
                 "has mfa_serial, but a mount cannot ask for a code: use credential_process with a "
                 "program that can, or a role without it");
  }
  const RoleRequest role{
      std::string(profile.Get("role_arn")),
      profile.Has("role_session_name") ? std::string(profile.Get("role_session_name"))
                                       : parties_.session_name,
      std::string(profile.Get("external_id")), std::string(profile.Get("duration_seconds"))};
  COFFER_ASSIGN(const Credentials source, RoleSource(profile));
  auto credentials = parties_.sts.AssumeRole(role, source);
  if (!credentials) {
    return std::move(credentials)
        .error()
        .While("assume role " + role.role_arn + " of profile " + profile.name() + " as " +
               source.source);
  }
  return credentials;
}

Result<Credentials> ProfileResolver::RoleSource(const Profile& profile) {
  const std::string source(profile.Get("source_profile"));
  const std::string_view kind = profile.Get("credential_source");
  if (!source.empty() && !kind.empty()) {
    return Wrong(profile, "has both source_profile and credential_source: keep one");
  }
  // A role on the keys of its own section is allowed, and is no loop.
  if (source == profile.name()) return StaticCredentials(profile, parties_.config.paths());
  if (!source.empty()) return Resolve(source);
  if (kind.empty()) {
    return Wrong(profile,
                 "has role_arn but neither source_profile nor credential_source, which say "
                 "who assumes the role");
  }
  if (kind != "Environment") {
    return Wrong(profile,
                 "has a credential_source that is not supported yet: only Environment is; "
                 "else use credential_process");
  }
  COFFER_ASSIGN(auto found, EnvironmentCredentials(parties_.env));
  if (!found) {
    return Wrong(profile, "has credential_source = Environment, but AWS_ACCESS_KEY_ID is not set");
  }
  return std::move(*found);
}

}  // namespace coffer::s3
