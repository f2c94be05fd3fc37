// The words of `coffer share` and of the commands on a bucket's settings: which belong together.
//
// Pure functions; for options.cc alone.

#pragma once

#include "crypto/result.h"
#include "fs/option_table.h"

namespace coffer::fs {

// kInvalid with what to type instead; nothing to say of other commands.
Status CheckSettingWords(const CommandSpec& command, const Draft& draft);

// Of a draft that was checked.
Command BuildShare(Draft draft);
Command BuildSetting(const CommandSpec& command, Draft draft);

}  // namespace coffer::fs
