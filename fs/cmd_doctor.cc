#include "fs/cmd_doctor.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "fs/cmd_resolve.h"
#include "fs/doctor_checks.h"
#include "fs/doctor_write_test.h"
#include "fs/exit_code.h"

namespace coffer::fs {
namespace {

std::string_view StateName(CheckState state) {
  switch (state) {
    case CheckState::kOk:
      return "ok";
    case CheckState::kWarn:
      return "warn";
    case CheckState::kFail:
      return "fail";
    case CheckState::kNotTested:
      return "not tested";
  }
  return "?";
}

bool IsUsable(Finding finding) { return finding == Finding::kHonoured; }

// What a mount will do about lost updates, as far as is known without writing.
Check ConditionalCheck(const DoctorContext& context, const DoctorSettings& settings) {
  Check check{"conditional writes"};
  if (!context.target.capabilities.conditional_put) {
    check.state = CheckState::kWarn;
    check.detail = KindInWords(context.target) +
                   " has none: Coffer looks before it writes, which leaves a window";
  } else if (context.target.aws_host) {
    check.state = CheckState::kOk;
    check.detail = "a host of AWS, which honours them";
  } else if (settings.remembered) {
    const ConditionalFindings& found = *settings.remembered;
    const bool good = IsUsable(found.put_if_absent) && IsUsable(found.put_if_match);
    check.state = good ? CheckState::kOk : CheckState::kWarn;
    check.detail = good ? "an earlier write test saw them honoured"
                        : "an earlier write test saw them ignored or unusable: a window exists";
  } else {
    check.detail = "not known of this server: Coffer looks before it writes, which leaves a window";
    check.change = "--write-test finds out and remembers it";
  }
  return check;
}

void PrintChecks(const std::vector<Check>& checks, Console& console) {
  const auto longest = std::max_element(
      checks.begin(), checks.end(),
      [](const Check& a, const Check& b) { return a.name.size() < b.name.size(); });
  const std::size_t width = longest == checks.end() ? 0 : longest->name.size();
  for (const Check& check : checks) {
    std::string state(StateName(check.state));
    state.resize(12, ' ');
    std::string name = check.name;
    name.resize(width + 2, ' ');
    console.out << state << name << Printable(check.detail) << '\n';
    const std::string indent(state.size() + name.size(), ' ');
    if (!check.change.empty()) console.out << indent << "-> " << Printable(check.change) << '\n';
    if (!check.policy.is_null()) {
      console.out << indent << "-> " << Printable(ToText(check.policy, -1)) << '\n';
    }
  }
}

void PrintJson(const DoctorContext& context, const DoctorSettings& settings,
               const std::vector<Check>& checks, bool healthy, Console& console) {
  Json json;
  json["source"] = settings.source;
  json["healthy"] = healthy;
  json["target"] = DescribeTarget(context.target);
  json["checks"] = Json::array();
  for (const Check& check : checks) {
    Json entry;
    entry["name"] = check.name;
    entry["state"] = std::string(StateName(check.state));
    entry["detail"] = check.detail;
    if (!check.change.empty()) entry["change"] = check.change;
    if (!check.policy.is_null()) entry["policy"] = check.policy;
    json["checks"].push_back(std::move(entry));
  }
  console.out << ToText(json) << '\n';
}

int DoctorExitCode(const std::vector<Check>& checks) {
  const auto any = [&](const auto& of) { return std::any_of(checks.begin(), checks.end(), of); };
  const auto failed = [](const Check& check) { return check.state == CheckState::kFail; };
  if (any([&](const Check& check) { return failed(check) && check.access; })) return kExitAccess;
  if (any([&](const Check& check) { return failed(check) && check.key; })) return kExitNoKey;
  if (any(failed)) return kExitFailed;
  if (any([](const Check& check) { return check.state == CheckState::kWarn; })) return kExitPartial;
  return kExitOk;
}

}  // namespace

int RunDoctor(const DoctorContext& context, const DoctorSettings& settings, Console& console) {
  ReadOnlyFindings read_only = CheckReadOnly(context);
  std::vector<Check> checks = read_only.checks;
  checks.push_back(ConditionalCheck(context, settings));
  if (read_only.reachable && settings.sealed) {
    for (Check& check : settings.sealed()) checks.push_back(std::move(check));
  }
  if (read_only.reachable && settings.bucket) {
    for (Check& check : settings.bucket()) checks.push_back(std::move(check));
  }
  std::vector<Check> writes;
  if (!settings.write_test || !read_only.reachable) {
    writes = UntestedWrites(context);
  } else {
    WriteFindings found = CheckWrites(context, read_only, settings.probe_id);
    if (found.conditional && settings.remember) settings.remember(*found.conditional);
    writes = std::move(found.checks);
  }
  checks.insert(checks.end(), std::make_move_iterator(writes.begin()),
                std::make_move_iterator(writes.end()));
  const int code = DoctorExitCode(checks);
  if (settings.json) {
    PrintJson(context, settings, checks, code == kExitOk || code == kExitPartial, console);
  } else {
    PrintChecks(checks, console);
  }
  return code;
}

}  // namespace coffer::fs
