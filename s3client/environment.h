// Environment variables as a parameter: tests pass their own, and nothing else reads the process's.

#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace coffer::s3 {

// The value of a variable, "" when it is unset or empty (the SDKs treat these alike). Safe from any
// thread.
using Environment = std::function<std::string(std::string_view name)>;

// A copy of the process's environment as it is now: later changes do not show, so threads may ask.
Environment ProcessEnvironment();

}  // namespace coffer::s3
