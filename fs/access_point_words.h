// The words of `coffer access-point`: which belong together.
//
// Pure functions; for options.cc alone.

#pragma once

#include "crypto/result.h"
#include "fs/option_table.h"

namespace coffer::fs {

// kInvalid with what to type instead.
Status CheckAccessPointWords(const Draft& draft);
// Of a draft that was checked.
Command BuildAccessPoint(Draft draft);

}  // namespace coffer::fs
