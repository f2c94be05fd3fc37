// A Result<T> holds either a value or the Error that prevented it.
//
// It copies the names of C++23's std::expected, which g++ 12 lacks, so that it can become
// `using Result = std::expected<T, Error>` later. Unlike std::expected it is [[nodiscard]]:
// an ignored failure does not compile.

#pragma once

#include <cassert>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace coffer {

// What a caller can act on. fs/errno_map.cc maps each to exactly one errno.
enum class Code {
  // What a service said.
  kNotFound,     // the object certainly does not exist: its own 404, never a 5xx or a proxy's 404
  kExists,       // a create lost the race: somebody else made the name first
  kChanged,      // a conditional request found another version than the one expected
  kDenied,       // credentials are missing, refused or lack permission
  kLocked,       // retention, a legal hold or the immutable flag forbids the change
  kCorrupt,      // authentication failed: bytes must not be shown
  kKeyMissing,   // no key at hand opens or seals this: not ours, deleted, or pending deletion
  kKeyDisabled,  // the key is there and switched off
  kUnavailable,  // the service or the network failed after every retry
  kTimeout,      // no progress within the deadline
  kTooLarge,     // an object, part or reply over its limit
  kNameTooLong,
  kArchived,  // the object must be restored before it can be read
  kNoSpace,   // the service, the local disk or the 2 KB of metadata are full
  // What a caller asked for.
  kInvalid,      // an argument that is wrong in itself
  kUnsupported,  // right, but not possible here
  kNotDirectory,
  kIsDirectory,
  kNotEmpty,
  kNotPermitted,  // refused by rule, not by credentials
  kReadOnly,
  kNoAttribute,  // no such extended attribute
  kRange,        // the caller's buffer is too small
  kBusy,
  kNoMemory,  // over the memory budget
  kTooManyOpen,
  kCrossDevice,
  kLoop,
  kInterrupted,  // the mount is going away
};

struct [[nodiscard]] Error {
  Code code;
  // For the log, one line: what failed, the service's code and request id, what to do.
  // Never holds secrets or contents.
  std::string what;
  // The service's own code ("AccessDenied"), empty when none was received.
  std::string service_code = {};

  // Says what was being attempted: Error{Code::kCorrupt, "bad tag"}.While("read frame 7").
  Error While(std::string_view doing) && {
    return {code, std::string(doing) + ": " + std::move(what), std::move(service_code)};
  }
};

// What was read is not what was sealed.
inline Error Corrupt(std::string what) { return {Code::kCorrupt, std::move(what)}; }

template <typename T = std::monostate>
class [[nodiscard]] Result {
 public:
  Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : v_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return v_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & {
    assert(has_value());
    return *std::get_if<0>(&v_);
  }
  const T& value() const& {
    assert(has_value());
    return *std::get_if<0>(&v_);
  }
  T&& value() && {
    assert(has_value());
    return std::move(*std::get_if<0>(&v_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    assert(!has_value());
    return *std::get_if<1>(&v_);
  }
  Error&& error() && {
    assert(!has_value());
    return std::move(*std::get_if<1>(&v_));
  }

 private:
  std::variant<T, Error> v_;
};

using Status = Result<>;
inline Status Ok() { return std::monostate{}; }

}  // namespace coffer

// Returns the error of `expr` from the enclosing function, or goes on.
#define COFFER_TRY(expr)                                           \
  do {                                                             \
    if (auto try_ = (expr); !try_) return std::move(try_).error(); \
  } while (false)

#define COFFER_CONCAT_(a, b) a##b
#define COFFER_CONCAT(a, b) COFFER_CONCAT_(a, b)
// NOLINTBEGIN(bugprone-macro-parentheses): names and a declaration cannot stand in parentheses
#define COFFER_ASSIGN_(tmp, declaration, expr) \
  auto tmp = (expr);                           \
  if (!tmp) return std::move(tmp).error();     \
  declaration = std::move(tmp).value()
// NOLINTEND(bugprone-macro-parentheses)

// Declares or assigns the value of `expr`, or returns its error from the enclosing function:
//   COFFER_ASSIGN(const auto info, store.Head(key));
#define COFFER_ASSIGN(declaration, expr) \
  COFFER_ASSIGN_(COFFER_CONCAT(result_, __LINE__), declaration, expr)
