// What options were given where: in COFFER_ variables, in those of the AWS SDKs, in a file. Values
// as written; nothing is judged here but names.
//
// No effect but reading the file.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "fs/option_table.h"
#include "fs/options.h"

namespace coffer::fs {

// One value and where it was written, for complaints: "--region", "/etc/coffer.conf:3".
struct Given {
  std::string value;
  std::string origin;
};
// What one place says: the options' own names, in the order of writing.
using Layer = std::map<std::string, std::vector<Given>, std::less<>>;

// kInvalid: exit code 2.
Error Usage(std::string what);
// Of the options of `commands`.
std::vector<std::string_view> Names(unsigned commands);
std::string WithDashes(std::string name);

// Does the command talk to a service, so that the AWS SDKs' profile and variables concern it?
bool AsksService(const CommandSpec& command);

// A misspelt option must not be passed over: COFFER_READONLY meant something. What looks like none
// may be somebody's own, and is a note. Commands that take few options do not mind: umount has to
// work. kInvalid for what is nearly an option.
Status CheckCofferVariables(const Environment& environment, const CommandSpec& command,
                            std::vector<std::string>& notes);
Layer FromCofferVariables(const Environment& environment);
Layer FromSdkVariables(const Environment& environment);
// "" where there is none.
std::string_view Get(const Environment& environment, const std::string& name);

// kInvalid, by line, for what is no option; for a file that cannot be read, unless it may be absent
// and is.
Result<Layer> FromFile(const std::string& path, bool must_exist);

}  // namespace coffer::fs
