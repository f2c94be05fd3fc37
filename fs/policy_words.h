// The words of `coffer policy`: which belong together.
//
// Pure functions; for options.cc alone.

#pragma once

#include <string>

#include "crypto/result.h"
#include "fs/option_table.h"

namespace coffer::fs {

// kInvalid with what to type instead.
Status CheckPolicyWords(const Draft& draft);
// kInvalid for what is no account; "" is none, and fits.
Status CheckAccount(const std::string& account);
// Of a draft that was checked.
Command BuildPolicy(Draft draft);

}  // namespace coffer::fs
