// What every command of coffer exits with; unknown means failure. (mount.coffer answers as mount(8)
// wants.)

#pragma once

#include "crypto/result.h"

namespace coffer::fs {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitPartial = 3;  // done, but some were skipped
inline constexpr int kExitDamaged = 4;
inline constexpr int kExitAccess = 5;  // access or credentials
inline constexpr int kExitNoKey = 6;

// For a command that failed as a whole.
inline int ExitCodeOf(const Error& error) {
  switch (error.code) {
    case Code::kInvalid:
      return kExitUsage;
    case Code::kDenied:
      return kExitAccess;
    case Code::kCorrupt:
      return kExitDamaged;
    case Code::kKeyMissing:
    case Code::kKeyDisabled:
      return kExitNoKey;
    default:
      return kExitFailed;
  }
}

}  // namespace coffer::fs
