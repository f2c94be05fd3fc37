#include "fs/policy_document.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace coffer::fs {
namespace {

Error NoPolicy(const std::string& why) {
  return {Code::kUnsupported, "this is no policy that can be changed here: " + why};
}

bool IsAccount(const std::string& text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string::npos;
}

// AWS keeps a bare account as the ARN of its root.
std::string PrincipalArn(const std::string& text) {
  return IsAccount(text) ? "arn:aws:iam::" + text + ":root" : text;
}

Result<std::string> ScalarText(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number()) return value.dump();
  return NoPolicy("a value is neither text nor a list of texts");
}

// One text or a list of them.
Result<Texts> TextsOf(const Json& value) {
  Texts texts;
  if (!value.is_array()) {
    COFFER_ASSIGN(std::string text, ScalarText(value));
    texts.push_back(std::move(text));
    return texts;
  }
  for (const Json& one : value) {
    COFFER_ASSIGN(std::string text, ScalarText(one));
    texts.push_back(std::move(text));
  }
  return texts;
}

Status ReadPrincipal(const Json& value, PolicyStatement& statement) {
  if (value.is_string()) {
    if (value != "*") return NoPolicy("a Principal that is a text can only be \"*\"");
    statement.everybody = true;
    return Ok();
  }
  if (!value.is_object()) return NoPolicy("Principal is neither \"*\" nor an object");
  for (const auto& [kind, who] : value.items()) {
    COFFER_ASSIGN(const Texts texts, TextsOf(who));
    if (kind == "Service") statement.services = texts;
    if (kind != "Service" && kind != "AWS") statement.unknown_principals = true;
    if (kind != "AWS") continue;
    for (const std::string& text : texts) {
      if (text == "*") statement.everybody = true;
      if (text != "*") statement.principals.push_back(PrincipalArn(text));
    }
  }
  return Ok();
}

Status ReadConditions(const Json& value, PolicyStatement& statement) {
  if (!value.is_object()) return NoPolicy("Condition is no object");
  for (const auto& [op, keys] : value.items()) {
    if (!keys.is_object()) return NoPolicy("the condition " + op + " is no object");
    for (const auto& [key, values] : keys.items()) {
      COFFER_ASSIGN(Texts texts, TextsOf(values));
      statement.conditions.push_back({op, key, std::move(texts)});
    }
  }
  return Ok();
}

Status ReadMember(const std::string& name, const Json& value, PolicyStatement& statement) {
  if (name == "Sid") {
    if (!value.is_string()) return NoPolicy("a Sid is no text");
    if (!value.get<std::string>().empty()) statement.name = value.get<std::string>();
    return Ok();
  }
  if (name == "Effect") {
    if (value != "Allow" && value != "Deny") return NoPolicy("an Effect is not Allow or Deny");
    statement.allow = value == "Allow";
    return Ok();
  }
  if (name == "Principal" || name == "NotPrincipal") {
    statement.except_principals = name == "NotPrincipal";
    return ReadPrincipal(value, statement);
  }
  if (name == "Action" || name == "NotAction") {
    statement.except_actions = name == "NotAction";
    COFFER_ASSIGN(statement.actions, TextsOf(value));
    return Ok();
  }
  if (name == "Resource" || name == "NotResource") {
    statement.except_resources = name == "NotResource";
    COFFER_ASSIGN(statement.resources, TextsOf(value));
    return Ok();
  }
  if (name == "Condition") return ReadConditions(value, statement);
  return NoPolicy("a statement holds \"" + name + "\", which is not known here");
}

Result<PolicyStatement> ReadStatement(const Json& value, std::size_t number) {
  if (!value.is_object()) return NoPolicy("a statement is no object");
  PolicyStatement statement;
  statement.name = "statement " + std::to_string(number);
  if (!value.contains("Effect")) return NoPolicy(statement.name + " has no Effect");
  for (const auto& [name, member] : value.items()) {
    COFFER_TRY(ReadMember(name, member, statement));
  }
  if (statement.actions.empty()) return NoPolicy(statement.name + " has no Action");
  return statement;
}

// Of two members of one name the library keeps one.
class NamesSeen {
 public:
  bool Note(Json::parse_event_t event, const Json& value) {
    if (event == Json::parse_event_t::object_start) open_.emplace_back();
    if (event == Json::parse_event_t::object_end) open_.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto [name, first] = open_.back().insert(value.get<std::string>());
      if (!first) twice_ = *name;
    }
    return true;
  }
  const std::optional<std::string>& twice() const { return twice_; }

 private:
  std::vector<std::set<std::string>> open_;
  std::optional<std::string> twice_;
};

Texts SortedTexts(Texts texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

// Principals of kinds that are not AWS's own are compared as they were written.
Json MeaningOf(const PolicyStatement& statement, const Json& written) {
  Json out;
  out["Sid"] = written.value("Sid", "");
  out["Effect"] = statement.allow ? "Allow" : "Deny";
  Json who = statement.everybody ? Json("*") : Json(SortedTexts(statement.principals));
  if (statement.unknown_principals || !statement.services.empty()) {
    Json others = written.value(statement.except_principals ? "NotPrincipal" : "Principal", Json());
    others.erase("AWS");
    if (!statement.services.empty()) others["Service"] = SortedTexts(statement.services);
    who = Json{{"AWS", who}, {"others", others}};
  }
  out[statement.except_principals ? "NotPrincipal" : "Principal"] = std::move(who);
  out[statement.except_actions ? "NotAction" : "Action"] = SortedTexts(statement.actions);
  out[statement.except_resources ? "NotResource" : "Resource"] = SortedTexts(statement.resources);
  std::vector<PolicyCondition> conditions = statement.conditions;
  std::sort(conditions.begin(), conditions.end(), [](const auto& a, const auto& b) {
    return std::pair(a.op, a.key) < std::pair(b.op, b.key);
  });
  for (const PolicyCondition& one : conditions) {
    out["Condition"][one.op][one.key] = SortedTexts(one.values);
  }
  return out;
}

std::string Listed(const Texts& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
  return out;
}

}  // namespace

Result<Policy> ReadPolicy(Json json) {
  if (!json.is_object()) return NoPolicy("it is not one JSON object");
  for (const auto& [name, value] : json.items()) {
    if (name != "Version" && name != "Id" && name != "Statement") {
      return NoPolicy("it holds \"" + name + "\", which is not known here");
    }
  }
  const auto found = json.find("Statement");
  if (found == json.end()) return NoPolicy("it has no Statement");
  if (!found->is_array()) *found = Json::array({*found});
  Policy policy;
  for (const Json& value : *found) {
    COFFER_ASSIGN(PolicyStatement statement, ReadStatement(value, policy.statements.size() + 1));
    policy.statements.push_back(std::move(statement));
  }
  policy.json = std::move(json);
  return policy;
}

Result<Policy> ParsePolicy(std::string_view text, std::size_t limit) {
  if (text.empty()) {
    return Policy{Json{{"Version", "2012-10-17"}, {"Statement", Json::array()}}, {}};
  }
  if (text.size() > limit) {
    return Error{Code::kTooLarge, "the policy has " + std::to_string(text.size()) +
                                      " bytes; the service takes " + std::to_string(limit) +
                                      " at most"};
  }
  NamesSeen seen;
  Json json = Json::parse(
      text, [&](int, Json::parse_event_t event, Json& value) { return seen.Note(event, value); },
      false);
  if (json.is_discarded()) return NoPolicy("it is not JSON");
  if (seen.twice()) return NoPolicy("it holds \"" + *seen.twice() + "\" twice in one object");
  return ReadPolicy(std::move(json));
}

Json Meaning(const Policy& policy) {
  if (policy.statements.empty()) return nullptr;
  std::vector<Json> statements;
  const Json& written = policy.json.at("Statement");
  for (std::size_t i = 0; i < policy.statements.size(); ++i) {
    statements.push_back(MeaningOf(policy.statements[i], written.at(i)));
  }
  std::sort(statements.begin(), statements.end(),
            [](const Json& a, const Json& b) { return ToText(a) < ToText(b); });
  return Json{{"Version", policy.json.value("Version", Json())}, {"Statement", statements}};
}

std::string InWords(const PolicyStatement& statement) {
  std::string who = statement.everybody ? "everybody" : Listed(statement.principals);
  if (!statement.services.empty()) who += (who.empty() ? "" : ", ") + Listed(statement.services);
  if (statement.unknown_principals) who += who.empty() ? "others" : " and others";
  std::string text = statement.name + (statement.allow ? ": allow " : ": deny ");
  text += (statement.except_principals ? "all but " : "") + who + " ";
  text += (statement.except_actions ? "all but " : "") + Listed(statement.actions) + " on ";
  text += (statement.except_resources ? "all but " : "") + Listed(statement.resources);
  std::string_view joint = ", when ";
  for (const PolicyCondition& one : statement.conditions) {
    text += std::string(joint) + one.key + " " + one.op + " " + Listed(one.values);
    joint = " and ";
  }
  return text;
}

}  // namespace coffer::fs
