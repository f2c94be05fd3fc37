#include "fs/cors_rules.h"

#include <catch2/catch.hpp>

namespace coffer::fs::cors_rules_test {

using Rules = std::vector<s3::CorsRule>;

s3::CorsRule Rule(std::vector<std::string> origins, std::vector<std::string> methods,
                  std::vector<std::string> headers = {}) {
  return {"", std::move(origins), std::move(methods), std::move(headers), {}, std::nullopt};
}

std::string Why(const Rules& rules, const PageRequest& request) {
  const CorsAnswer answer = Decide(rules, request);
  return answer.rule ? "matches " + std::to_string(*answer.rule) : answer.reasons.back();
}

TEST_CASE("cors_rules: the first rule with origin, method and every header counts", "[cors]") {
  const Rules rules = {Rule({"https://a.example"}, {"PUT"}),
                       Rule({"https://*.example", "http://b"}, {"GET"}, {"x-*", "range"}),
                       Rule({"*"}, {"GET", "HEAD"})};
  CHECK(Why(rules, {"https://a.example", "PUT", {}}) == "matches 0");
  CHECK(Why(rules, {"https://a.example", "GET", {"Range", "X-One"}}) == "matches 1");
  CHECK(Why(rules, {"https://elsewhere", "GET", {}}) == "matches 2");
  CHECK(Why(rules, {"https://a.example", "GET", {"other"}}).find("the header other") !=
        std::string::npos);
  CHECK(Why(rules, {"https://elsewhere", "DELETE", {}}).find("not the method DELETE") !=
        std::string::npos);
  CHECK(!Decide({}, {"https://a", "GET", {}}).rule);
}

TEST_CASE("cors_rules: a wildcard stands for any text once, and overlaps nothing", "[cors]") {
  const Rules rules = {Rule({"https://ab*ba"}, {"GET"})};
  CHECK(Decide(rules, {"https://abba", "GET", {}}).rule);
  CHECK(Decide(rules, {"https://ab.ba", "GET", {}}).rule);
  CHECK(!Decide(rules, {"https://aba", "GET", {}}).rule);
}

TEST_CASE("cors_rules: the reason names what differs", "[cors]") {
  const auto why = [](const char* allowed, const char* page) {
    return Why({Rule({allowed}, {"GET"})}, {page, "GET", {}});
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(has(why("https://a.example", "http://a.example"), "it is for https"));
  CHECK(has(why("https://a.example", "https://a.example:8443"), "the port differs"));
  CHECK(has(why("https://a.example:443", "https://a.example"), "goes without saying"));
  CHECK(has(why("https://a.example/", "https://a.example"), "slash at its end"));
  CHECK(has(why("https://A.example", "https://a.example"), "capitals count"));
  CHECK(has(why("https://b.example", "https://a.example"), "its origins are others"));
}

TEST_CASE("cors_rules: what browsers ask first", "[cors]") {
  CHECK(!NeedsPreflight({"https://a", "GET", {}}));
  CHECK(!NeedsPreflight({"https://a", "POST", {"Accept-Language"}}));
  CHECK(NeedsPreflight({"https://a", "PUT", {}}));
  CHECK(NeedsPreflight({"https://a", "GET", {"Range"}}));
  CHECK(HeadersToAskFor({"https://a", "GET", {"X-B", "range", "x-b", "accept"}}) ==
        std::vector<std::string>{"range", "x-b"});
}

TEST_CASE("cors_rules: an origin is what a browser sends", "[cors]") {
  for (const char* good : {"https://a.example", "http://127.0.0.1:8080", "https://[::1]",
                           "https://[::1]:8443", "http://a.example:443"})
    CHECK(CheckOrigin(good, false));
  for (const char* bad : {"", "a.example", "https://", "https://a/", "https://a/b", "https://a?b",
                          "https://A", "https://a b", "*", "https://*.a", "://a", "https://a:443",
                          "http://a:80", "https://a:", "https://a:b", "https://user@a"})
    CHECK(CheckOrigin(bad, false).error().code == Code::kInvalid);
  CHECK(CheckOrigin("*", true));
  CHECK(CheckOrigin("https://*.a", true));
  CHECK(!CheckOrigin("https://*.*.a", true));
}

TEST_CASE("cors_rules: what means the same is equal", "[cors]") {
  s3::CorsRule a = Rule({"https://b", "https://a"}, {"PUT", "GET"}, {"Range", "etag"});
  s3::CorsRule b = Rule({"https://a", "https://b"}, {"GET", "PUT"}, {"ETag", "range"});
  CHECK(Describe(Rules{a}) == Describe(Rules{b}));
  b.max_age_s = 0;
  CHECK(Describe(Rules{a}) != Describe(Rules{b}));
  // The order of rules is part of what they mean.
  CHECK(Describe(Rules{a, b}) != Describe(Rules{b, a}));
}

}  // namespace coffer::fs::cors_rules_test
