// CORS as S3 decides it: which rule of a bucket a page's request matches, and why none does.
//
// Pure functions. "Cross-origin resource sharing" in the S3 user guide: the first rule counts that
// has the origin, the method and every header asked for; the Fetch standard says what a browser
// asks.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "fs/json.h"
#include "s3client/bucket_settings.h"

namespace coffer::fs {

struct PageRequest {
  std::string origin;  // of the page: "https://www.example.com"
  std::string method = "GET";
  std::vector<std::string> headers;  // that the page sets
};

// kInvalid, with what is wrong, for what no browser sends as Origin: a path, a slash at the end, no
// scheme. With `pattern` "*" and one '*' inside are taken, too.
Status CheckOrigin(std::string_view origin, bool pattern);

// Whether a browser asks first (OPTIONS), and for which of the headers, in lower case and sorted.
bool NeedsPreflight(const PageRequest& request);
std::vector<std::string> HeadersToAskFor(const PageRequest& request);

struct CorsAnswer {
  std::optional<std::size_t> rule;   // that matches
  std::vector<std::string> reasons;  // one sentence for each rule before it that does not
};
CorsAnswer Decide(const std::vector<s3::CorsRule>& rules, const PageRequest& request);

// "rule coffer-1234 (number 2)".
std::string RuleName(const std::vector<s3::CorsRule>& rules, std::size_t index);

// The name of the rule that Coffer keeps for an origin.
std::string CorsRuleId(const std::string& origin);
bool IsOwn(const s3::CorsRule& rule);

// In a form in which what means the same is equal: sets sorted, headers in lower case.
Json Describe(const std::vector<s3::CorsRule>& rules);

}  // namespace coffer::fs
