#include "fs/policy_request.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include "crypto/ascii.h"
#include "fs/lock_duration.h"
#include "s3client/date.h"

namespace coffer::fs {
namespace {

bool IsOfObjects(std::string_view asked) {
  const std::string action = AsciiLower(asked);
  const auto has = [&](std::string_view word) { return action.find(word) != action.npos; };
  return (has("object") && !has("bucketobject")) || has("abortmultipart") || has("uploadparts") ||
         has("bypassgovernance") || has(":replicate") || has("initiatereplication");
}

std::int64_t NowSeconds(const s3::Clock& clock) {
  return std::chrono::floor<std::chrono::seconds>(clock.Now()).time_since_epoch().count();
}

Status TakeRetention(const std::string& until, std::int64_t now_s, PolicyRequest& request) {
  const auto date = s3::ParseIsoDate(until);
  if (!date) return Error{Code::kInvalid, "'" + until + "' is no date: 2030-01-01T00:00:00Z"};
  request.context["s3:object-lock-retain-until-date"] = until;
  // Whole days, also of a date that is over.
  const std::int64_t left_s = *date - now_s;
  const std::int64_t days = left_s / kDayS - (left_s % kDayS < 0 ? 1 : 0);
  request.context["s3:object-lock-remaining-retention-days"] = std::to_string(days);
  return Ok();
}

Status TakeHeader(const std::string& header, std::int64_t now_s, PolicyRequest& request) {
  const std::size_t equals = header.find('=');
  const std::string name = AsciiLower(header.substr(0, equals));
  const std::string value = header.substr(equals + 1);
  constexpr std::string_view kLock = "x-amz-object-lock-";
  if (name.find(':') != std::string::npos) {
    request.context[name] = value;
  } else if (name == "x-amz-object-lock-retain-until-date") {
    return TakeRetention(value, now_s, request);
  } else if (name.starts_with(kLock)) {
    request.context["s3:" + name.substr(6)] = value;
  } else {
    request.context["s3:" + name] = value;
  }
  return Ok();
}

}  // namespace

Result<PolicyRequest> MakePolicyRequest(const AskedRequest& asked, const s3::Clock& clock) {
  PolicyRequest request{asked.caller, asked.owner, asked.action, "", {}, asked.unknown};
  request.resource = "arn:" + asked.partition + ":s3:::" + asked.bucket;
  auto& context = request.context;
  if (IsOfObjects(asked.action)) {
    if (asked.key.empty()) {
      return Error{Code::kInvalid, asked.action + " is done to an object: give --key"};
    }
    request.resource += "/" + asked.key;
  } else if (!asked.key.empty()) {
    context["s3:prefix"] = asked.key;
  }
  context["aws:securetransport"] = asked.tls ? "true" : "false";
  if (asked.tls) context["s3:tlsversion"] = asked.tls_version;
  context["s3:resourceaccount"] = asked.owner;
  const bool service = !asked.caller.service.empty();
  context["aws:principalisawsservice"] = service ? "true" : "false";
  if (service) context["aws:principalservicename"] = asked.caller.service;
  if (!asked.caller.arn.empty()) {
    context["aws:principalarn"] = asked.caller.arn;
    context["aws:principalaccount"] = asked.caller.account;
  }
  if (AsciiLower(asked.action) == "s3:putobject") context["s3:objectcreationoperation"] = "true";
  const std::int64_t now_s = NowSeconds(clock);
  context["aws:epochtime"] = std::to_string(now_s);
  context["aws:currenttime"] = std::to_string(now_s);
  for (const std::string& header : asked.headers) COFFER_TRY(TakeHeader(header, now_s, request));
  return request;
}

namespace {

// What the statements that are new say of one right; `before` is the whole policy.
struct Taken {
  bool perhaps = false;
  bool certain = false;
};
Result<Taken> TakenFrom(const AskedRequest& asked, const std::vector<PolicyStatement>& before,
                        const std::vector<PolicyStatement>& added, const s3::Clock& clock) {
  COFFER_ASSIGN(const PolicyRequest request, MakePolicyRequest(asked, clock));
  if (Evaluate(before, request).verdict == PolicyVerdict::kDenied) return Taken{};
  const Decision is = Evaluate(added, request);
  const bool denied = is.verdict == PolicyVerdict::kDenied && !is.statement.empty();
  return Taken{denied || is.uncertain, denied};
}

// By the older and by the newer version of TLS: which one was agreed on, nobody tells.
Result<Taken> TakenByTls(AskedRequest asked, const std::vector<PolicyStatement>& before,
                         const std::vector<PolicyStatement>& added, const s3::Clock& clock) {
  COFFER_ASSIGN(const Taken older, TakenFrom(asked, before, added, clock));
  if (!asked.tls) return older;
  asked.tls_version = "1.3";
  COFFER_ASSIGN(const Taken newer, TakenFrom(asked, before, added, clock));
  return Taken{older.perhaps || newer.perhaps, older.certain && newer.certain};
}

}  // namespace

Result<LostRights> Lost(const std::vector<PolicyStatement>& before,
                        const std::vector<PolicyStatement>& after, AskedRequest asked,
                        const s3::Clock& clock) {
  struct Right {
    std::string_view action;
    bool needed;
  };
  constexpr std::array<Right, 9> kRights = {{{"s3:GetObject", true},
                                             {"s3:ListBucket", true},
                                             {"s3:GetBucketPolicy", true},
                                             {"s3:PutBucketPolicy", true},
                                             {"s3:DeleteBucketPolicy", true},
                                             {"s3:PutObject", false},
                                             {"s3:DeleteObject", false},
                                             {"s3:DeleteObjectVersion", false},
                                             {"s3:PutLifecycleConfiguration", false}}};
  std::vector<PolicyStatement> added;
  std::copy_if(after.begin(), after.end(), std::back_inserter(added), [&](const auto& statement) {
    return std::find(before.begin(), before.end(), statement) == before.end();
  });
  const std::string key = asked.key.empty() ? "file" : asked.key;
  LostRights lost;
  lost.certain = false;
  for (const Right& right : kRights) {
    asked.action = right.action;
    asked.key = IsOfObjects(right.action) ? key : "";
    COFFER_ASSIGN(const Taken taken, TakenByTls(asked, before, added, clock));
    if (!taken.perhaps) continue;
    if (right.needed && taken.certain) lost.certain = true;
    std::string& list = right.needed ? lost.needed : lost.also;
    list += (list.empty() ? "" : ", ") + std::string(right.action);
  }
  return lost;
}

}  // namespace coffer::fs
