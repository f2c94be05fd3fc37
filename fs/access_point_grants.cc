#include "fs/access_point_grants.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "crypto/ascii.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "fs/console.h"

namespace coffer::fs {
namespace {

constexpr std::string_view kSid = "CofferGrant";

struct KindRow {
  std::string_view name;
  bool of_objects;
  std::vector<std::string_view> actions;
};
const std::vector<KindRow>& AllKinds() {
  static const std::vector<KindRow> kKinds = {
      {"read",
       true,
       {"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectAttributes"}},
      {"write",
       true,
       {"s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts"}},
      {"list", false, {"s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"}},
      {"delete", true, {"s3:DeleteObject"}},
      {"lock",
       true,
       {"s3:GetObjectRetention", "s3:PutObjectRetention", "s3:GetObjectLegalHold",
        "s3:PutObjectLegalHold"}},
  };
  return kKinds;
}

bool Has(const Texts& texts, std::string_view text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

// As ParsePolicy has it: an account is its root.
std::string Canonical(const std::string& principal) {
  const bool account =
      principal.size() == 12 && principal.find_first_not_of("0123456789") == std::string::npos;
  return account ? "arn:aws:iam::" + principal + ":root" : principal;
}

std::string PrincipalOf(const PolicyStatement& statement) {
  if (statement.everybody) return "*";
  return statement.principals.empty() ? std::string() : statement.principals.front();
}

bool IsGrant(const PolicyStatement& statement) {
  const std::size_t principals = statement.principals.size() + (statement.everybody ? 1 : 0);
  return statement.allow && statement.name.starts_with(kSid) && principals == 1 &&
         !statement.except_principals && statement.services.empty() &&
         !statement.unknown_principals && !statement.except_actions &&
         !statement.except_resources && statement.resources.size() == 1;
}

// Below which prefix a grant is; nothing for a statement of another shape.
std::optional<std::string> PrefixOf(const PolicyStatement& statement, std::string_view arn) {
  const std::string& resource = statement.resources.front();
  if (resource == arn) {
    if (statement.conditions.empty()) return "";
    for (const std::string& value : statement.conditions.front().values) {
      if (value.ends_with('/')) return value;
    }
    return std::nullopt;
  }
  const std::string objects = std::string(arn) + "/object/";
  if (!resource.starts_with(objects) || !resource.ends_with('*')) return std::nullopt;
  return resource.substr(objects.size(), resource.size() - objects.size() - 1);
}

Texts KindsOf(const PolicyStatement& statement) {
  Texts kinds;
  for (const KindRow& kind : AllKinds()) {
    const bool all = std::all_of(kind.actions.begin(), kind.actions.end(),
                                 [&](auto action) { return Has(statement.actions, action); });
    if (all) kinds.emplace_back(kind.name);
  }
  return kinds;
}

Texts InOrder(const Texts& kinds) {
  Texts sorted;
  for (const KindRow& kind : AllKinds()) {
    if (Has(kinds, kind.name)) sorted.emplace_back(kind.name);
  }
  return sorted;
}

// Letters and digits, the same for the same grant.
std::string SidOf(const Grant& grant, const char* what) {
  constexpr std::size_t kDigits = 12;
  const std::string text = Canonical(grant.principal) + "\n" + grant.prefix;
  return std::string(kSid) + HexEncode(Sha256(AsBytes(text))).substr(0, kDigits) + what;
}

Json GrantStatement(const Grant& grant, const char* what, bool of_objects, std::string_view arn) {
  Json actions = Json::array();
  for (const KindRow& kind : AllKinds()) {
    if (kind.of_objects != of_objects || !Has(grant.kinds, kind.name)) continue;
    for (const std::string_view action : kind.actions) actions.push_back(std::string(action));
  }
  if (actions.empty()) return nullptr;
  Json json;
  json["Sid"] = SidOf(grant, what);
  json["Effect"] = "Allow";
  json["Principal"]["AWS"] = grant.principal;
  json["Action"] = std::move(actions);
  json["Resource"] = std::string(arn) + (of_objects ? "/object/" + grant.prefix + "*" : "");
  if (!of_objects && !grant.prefix.empty()) {
    json["Condition"]["StringLike"]["s3:prefix"] = {grant.prefix, grant.prefix + "*"};
  }
  return json;
}

// Without what is granted to that principal below that prefix; then with `kinds` of it.
Json Replaced(const Policy& policy, const Grant& grant, std::string_view arn) {
  Json out = Json::array();
  const Json& written = policy.json.at("Statement");
  for (std::size_t i = 0; i < policy.statements.size(); ++i) {
    const PolicyStatement& one = policy.statements[i];
    const bool same = IsGrant(one) && PrincipalOf(one) == Canonical(grant.principal) &&
                      PrefixOf(one, arn) == grant.prefix;
    if (!same) out.push_back(written.at(i));
  }
  for (Json statement :
       {GrantStatement(grant, "Objects", true, arn), GrantStatement(grant, "List", false, arn)}) {
    if (!statement.is_null()) out.push_back(std::move(statement));
  }
  return out;
}

Result<Policy> WithStatements(const Policy& policy, Json statements) {
  Json json = policy.json;
  json["Statement"] = std::move(statements);
  if (json.dump().size() > kMaxPolicyBytes) {
    return Error{Code::kTooLarge,
                 "the policy would have more than the 20480 bytes that the service takes: grant to "
                 "a role instead of to many principals"};
  }
  return ReadPolicy(std::move(json));
}

const Grant* Same(const std::vector<Grant>& grants, const std::string& principal,
                  const std::string& prefix) {
  const auto found = std::find_if(grants.begin(), grants.end(), [&](const Grant& grant) {
    return grant.principal == Canonical(principal) && grant.prefix == prefix;
  });
  return found == grants.end() ? nullptr : &*found;
}

}  // namespace

const std::vector<std::string_view>& GrantKinds() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const KindRow& kind : AllKinds()) names.push_back(kind.name);
    return names;
  }();
  return kNames;
}

std::vector<std::string_view> ActionsOf(std::string_view kind) {
  for (const KindRow& one : AllKinds()) {
    if (one.name == kind) return one.actions;
  }
  return {};
}

Result<Texts> ParseGrantKinds(const Texts& words) {
  Texts kinds;
  for (const std::string& word : words) {
    for (std::size_t at = 0; at <= word.size(); at += kinds.back().size() + 1) {
      kinds.push_back(word.substr(at, std::min(word.find(',', at), word.size()) - at));
    }
  }
  for (const std::string& kind : kinds) {
    if (!ActionsOf(kind).empty()) continue;
    return Error{Code::kInvalid,
                 "--allow takes read, write, list, delete and lock, with commas between; not '" +
                     kind + "'"};
  }
  if (kinds.empty()) {
    return Error{Code::kInvalid, "--allow says what: read, write, list, delete, lock"};
  }
  return InOrder(kinds);
}

Result<std::string> ParseGrantPrefix(std::string prefix) {
  if (prefix.find_first_of("*?$") != std::string::npos) {
    return Error{Code::kInvalid,
                 "--prefix of a grant is a directory's name: a policy takes '*', '?' and '$' for "
                 "patterns"};
  }
  if (prefix.starts_with('/')) {
    return Error{Code::kInvalid, "--prefix does not begin with '/': keys do not"};
  }
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  return prefix;
}

std::vector<Grant> GrantsOf(const Policy& policy, std::string_view arn) {
  std::vector<Grant> grants;
  for (const PolicyStatement& statement : policy.statements) {
    if (!IsGrant(statement)) continue;
    const auto prefix = PrefixOf(statement, arn);
    if (!prefix) continue;
    const std::string principal = PrincipalOf(statement);
    auto found = std::find_if(grants.begin(), grants.end(), [&](const Grant& grant) {
      return grant.principal == principal && grant.prefix == *prefix;
    });
    if (found == grants.end()) found = grants.insert(grants.end(), {principal, *prefix, {}});
    for (std::string& kind : KindsOf(statement)) found->kinds.push_back(std::move(kind));
    found->kinds = InOrder(found->kinds);
  }
  return grants;
}

std::vector<PolicyStatement> WithoutGrants(const Policy& policy, std::string_view arn) {
  std::vector<PolicyStatement> others;
  std::copy_if(policy.statements.begin(), policy.statements.end(), std::back_inserter(others),
               [&](const PolicyStatement& one) { return !IsGrant(one) || !PrefixOf(one, arn); });
  return others;
}

Result<Policy> AddGrant(const Policy& policy, const Grant& grant, std::string_view arn) {
  Grant merged = grant;
  const auto grants = GrantsOf(policy, arn);
  if (const Grant* there = Same(grants, grant.principal, grant.prefix)) {
    merged.kinds.insert(merged.kinds.end(), there->kinds.begin(), there->kinds.end());
  }
  merged.kinds = InOrder(merged.kinds);
  return WithStatements(policy, Replaced(policy, merged, arn));
}

Result<Policy> RemoveGrant(const Policy& policy, const std::string& principal,
                           const std::optional<std::string>& prefix, const Texts& kinds,
                           std::string_view arn) {
  Policy left = policy;
  for (Grant grant : GrantsOf(policy, arn)) {
    if (grant.principal != Canonical(principal) || (prefix && grant.prefix != *prefix)) continue;
    std::erase_if(grant.kinds,
                  [&](const std::string& kind) { return kinds.empty() || Has(kinds, kind); });
    COFFER_ASSIGN(left, WithStatements(left, Replaced(left, grant, arn)));
  }
  return left;
}

std::string GrantTable(const std::vector<Grant>& grants) {
  constexpr std::size_t kGap = 2;
  std::vector<std::array<std::string, 3>> rows = {{"principal", "what", "where"}};
  for (const Grant& grant : grants) {
    rows.push_back({Printable(grant.principal == "*" ? "everybody" : grant.principal),
                    Joined(grant.kinds, ","),
                    grant.prefix.empty() ? "everywhere" : Printable(grant.prefix)});
  }
  std::array<std::size_t, 2> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths.at(i) = std::max(widths.at(i), row.at(i).size() + kGap);
    }
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      text += row.at(i) + std::string(widths.at(i) - row.at(i).size(), ' ');
    }
    text += row[2] + "\n";
  }
  return text;
}

}  // namespace coffer::fs
