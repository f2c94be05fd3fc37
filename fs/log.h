// What an operator reads: one line a failure, on standard error until the process detaches, then in
// syslog or in a file of --log-directory. The only door to spdlog.
//
// Lines that repeat become one with a count. No secrets at any level: headers and bodies never come
// here, and what looks like a signature or a key in a message is blanked. Control characters are
// escaped, so that an object's key cannot forge a line.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/result.h"
#include "fs/filesystem.h"
#include "fs/mutex.h"
#include "s3client/clock.h"
#include "s3client/observer.h"

namespace spdlog {
class logger;
}

namespace coffer::fs {

// `line` as it may be logged: values of signatures, tokens and keys blanked, control characters as
// \xNN.
std::string Redact(std::string_view line);

// Lets a line through, or holds it back because the same was said less than a minute ago. Lines
// that differ in their request id alone are the same. Not safe to share between threads.
class RepeatFilter {
 public:
  static constexpr std::chrono::seconds kWindow{60};
  static constexpr std::size_t kRemembered = 32;

  struct Repeats {
    std::string line;
    std::uint64_t count = 0;
  };
  // May `line` be written now?
  bool Admit(std::string_view line, s3::SteadyTime now);
  // What was held back and whose minute is over (or all of it), oldest first, for one line each.
  std::vector<Repeats> Due(s3::SteadyTime now, bool all = false);

 private:
  struct Seen {
    std::string key;
    std::string line;
    s3::SteadyTime since;
    std::uint64_t held_back = 0;
  };
  std::list<Seen> seen_;  // oldest first
};

// Safe to share between threads; blocks on the local log only.
class Log : public FilesystemObserver, public s3::Observer {
 public:
  struct Options {
    std::string directory;  // "" for standard error, then syslog
    std::string name;       // of the file: what is mounted where
    bool debug = false;
  };
  // kInvalid when the directory cannot be written.
  static Result<std::unique_ptr<Log>> Open(Options options, const s3::Clock& clock);
  ~Log() override;

  // Standard error is about to end. Without --log-directory everything goes to syslog from here on.
  void Detach();
  // The file was moved away (SIGHUP, logrotate).
  void Reopen();
  // Whether failed requests are lines of their own. Off while a command is going to report them
  // itself.
  void ReportRequests(bool on) { report_requests_ = on; }
  // Writes the counts of repeats whose minute is over; called about once a second.
  void Tick();

  void Info(std::string_view line);
  void Debug(std::string_view line);
  void Warn(const std::string& line) override;
  void Fail(const std::string& line) override;

  void OnRetry(const s3::Request& request, const Error& why, int attempt,
               std::chrono::milliseconds delay) override;
  void OnFailure(const s3::Request& request, const Error& error, int attempts) override;
  void OnNotice(std::string_view notice) override;

  bool debug() const { return options_.debug; }
  // Failures and warnings so far, repeats included.
  std::uint64_t failures() const;

 private:
  enum class Level { kDebug, kInfo, kWarning, kError };

  Log(Options options, const s3::Clock& clock);
  Status OpenFile();
  void Write(Level level, std::string_view line) EXCLUDES(mu_);
  void Put(Level level, const std::string& line) REQUIRES(mu_);

  const Options options_;
  const s3::Clock& clock_;
  std::atomic<bool> report_requests_{true};
  mutable Mutex mu_;
  std::shared_ptr<spdlog::logger> logger_ GUARDED_BY(mu_);
  RepeatFilter repeats_ GUARDED_BY(mu_);
  std::uint64_t failures_ GUARDED_BY(mu_) = 0;
};

}  // namespace coffer::fs
