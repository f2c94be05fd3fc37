// The one table from what went wrong to errno, as coffer-semantics(7) documents it.

#pragma once

#include "crypto/result.h"

namespace coffer::fs {

// > 0; never ENOENT but for Code::kNotFound.
int ToErrno(Code code);

}  // namespace coffer::fs
