#include "fs/log.h"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <system_error>

namespace coffer::fs {
namespace {

constexpr std::string_view kRequestId = "request id ";

// What a value follows that nobody may read in a log. Compared without case.
constexpr std::string_view kSecretMarks[] = {
    "x-amz-signature=",       "x-amz-security-token=", "x-amz-security-token: ",
    "x-amz-s3session-token:", "authorization: ",       "signature=",
    "aws_secret_access_key=", "secretaccesskey\":",    "sessiontoken\":",
    "aws_session_token=",     "customer-key: ",        "webidentitytoken=",
};

bool StartsWithoutCase(std::string_view text, std::string_view start) {
  if (text.size() < start.size()) return false;
  return std::equal(start.begin(), start.end(), text.begin(), [](char a, char b) {
    return a == std::tolower(static_cast<unsigned char>(b));
  });
}

// The length of the mark that `text` begins with, 0 for none.
std::size_t MarkAt(std::string_view text) {
  for (const std::string_view mark : kSecretMarks)
    if (StartsWithoutCase(text, mark)) return mark.size();
  return 0;
}

// Up to where a secret reaches: a header's value has blanks, a parameter's has none.
std::size_t EndOfSecret(std::string_view text, bool header) {
  const std::size_t end = text.find_first_of(header ? "\r\n;" : "&, \r\n\"';");
  return end == text.npos ? text.size() : end;
}

void AppendEscaped(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte != 0x7f) {
    out += c;
  } else {
    out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
  }
}

// The line without what makes two reports of one failure differ.
std::string KeyOf(std::string_view line) {
  std::string key(line);
  for (std::size_t at = 0; (at = key.find(kRequestId, at)) != key.npos;) {
    at += kRequestId.size();
    key.erase(at, EndOfSecret(std::string_view(key).substr(at), false));
  }
  return key;
}

// scheme://host/path: a query may hold a signature.
std::string Door(const s3::Request& request) {
  return request.method + " " + (request.url.https ? "https://" : "http://") +
         request.url.Authority();
}
std::string Where(const s3::Request& request) { return Door(request) + request.url.path; }

// Who may not list is told 403 of what is not there, too: of every name that is new.
bool MayBeAbsent(const s3::Request& request, const Error& error) {
  return request.operation == s3::Operation::kHeadObject && error.code == Code::kDenied;
}

std::shared_ptr<spdlog::logger> MakeLogger(std::shared_ptr<spdlog::sinks::sink> sink,
                                           const char* pattern, bool debug) {
  auto logger = std::make_shared<spdlog::logger>("coffer", std::move(sink));
  logger->set_pattern(pattern);
  logger->set_level(debug ? spdlog::level::debug : spdlog::level::info);
  logger->flush_on(spdlog::level::debug);
  return logger;
}

Error CannotLog(const std::string& directory, const std::string& path, int error) {
  if (error == ENOENT && access(directory.c_str(), F_OK) != 0) {
    return {Code::kInvalid, "--log-directory " + directory + " does not exist; 'mkdir -p " +
                                directory + "' makes it"};
  }
  return {Code::kInvalid,
          "--log-directory: " + path + ": " + std::generic_category().message(error)};
}

}  // namespace

std::string Redact(std::string_view line) {
  std::string out;
  out.reserve(line.size());
  while (!line.empty()) {
    const std::size_t mark = MarkAt(line);
    if (mark == 0) {
      AppendEscaped(out, line.front());
      line.remove_prefix(1);
      continue;
    }
    const bool header = line[mark - 1] == ' ' || line[mark - 1] == ':';
    out.append(line.substr(0, mark)).append("[...]");
    line.remove_prefix(mark);
    // A quoted value (JSON) is blanked with its quotes.
    if (header && line.starts_with('"')) line.remove_prefix(1);
    line.remove_prefix(EndOfSecret(line, header));
  }
  return out;
}

bool RepeatFilter::Admit(std::string_view line, s3::SteadyTime now) {
  std::string key = KeyOf(line);
  const auto found =
      std::find_if(seen_.begin(), seen_.end(), [&](const Seen& seen) { return seen.key == key; });
  if (found != seen_.end()) {
    ++found->held_back;
    found->line = line;
    return false;
  }
  // The oldest without anything held back makes room; Due() takes care of the others.
  if (seen_.size() >= kRemembered) {
    const auto quiet = std::find_if(seen_.begin(), seen_.end(),
                                    [](const Seen& seen) { return seen.held_back == 0; });
    if (quiet == seen_.end()) return true;
    seen_.erase(quiet);
  }
  seen_.push_back({std::move(key), std::string(line), now, 0});
  return true;
}

std::vector<RepeatFilter::Repeats> RepeatFilter::Due(s3::SteadyTime now, bool all) {
  std::vector<Repeats> due;
  for (auto seen = seen_.begin(); seen != seen_.end();) {
    if (!all && now - seen->since < kWindow) {
      ++seen;
      continue;
    }
    if (seen->held_back > 0) due.push_back({std::move(seen->line), seen->held_back});
    seen = seen_.erase(seen);
  }
  return due;
}

Log::Log(Options options, const s3::Clock& clock) : options_(std::move(options)), clock_(clock) {}

Result<std::unique_ptr<Log>> Log::Open(Options options, const s3::Clock& clock) {
  std::unique_ptr<Log> log(new Log(std::move(options), clock));
  if (log->options_.directory.empty()) {
    const Lock lock(log->mu_);
    log->logger_ = MakeLogger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), "coffer: %v",
                              log->options_.debug);
    return log;
  }
  COFFER_TRY(log->OpenFile());
  return log;
}

Log::~Log() {
  const Lock lock(mu_);
  for (const auto& [line, count] : repeats_.Due(clock_.Steady(), true))
    Put(Level::kWarning, "repeated " + std::to_string(count) + " times: " + line);
}

Status Log::OpenFile() {
  const std::string path = options_.directory + "/" + options_.name + ".log";
  // Made here, so that it is 0600 before the first byte.
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return CannotLog(options_.directory, path, errno);
  const bool narrowed = fchmod(fd, 0600) == 0;
  close(fd);
  if (!narrowed)
    return Error{Code::kInvalid, "--log-directory: " + path + " belongs to somebody else"};
  const Lock lock(mu_);
  try {
    logger_ = MakeLogger(std::make_shared<spdlog::sinks::basic_file_sink_mt>(path),
                         "%Y-%m-%dT%H:%M:%S.%e%z %l %v", options_.debug);
  } catch (const spdlog::spdlog_ex& error) {
    return Error{Code::kInvalid, std::string("--log-directory: ") + error.what()};
  }
  return Ok();
}

void Log::Detach() {
  if (!options_.directory.empty()) return;
  const Lock lock(mu_);
  logger_ = MakeLogger(
      std::make_shared<spdlog::sinks::syslog_sink_mt>("coffer", LOG_PID, LOG_DAEMON, false), "%v",
      options_.debug);
}

void Log::Reopen() {
  if (options_.directory.empty()) return;
  const Status opened = OpenFile();
  // The old file goes on, wherever it was moved.
  if (!opened) Warn(opened.error().what);
}

void Log::Tick() {
  const Lock lock(mu_);
  for (const auto& [line, count] : repeats_.Due(clock_.Steady()))
    Put(Level::kWarning, "repeated " + std::to_string(count) + " times: " + line);
}

void Log::Info(std::string_view line) { Write(Level::kInfo, line); }
void Log::Debug(std::string_view line) {
  if (options_.debug) Write(Level::kDebug, line);
}
void Log::Warn(const std::string& line) { Write(Level::kWarning, line); }
void Log::Fail(const std::string& line) { Write(Level::kError, line); }

void Log::OnRetry(const s3::Request& request, const Error& why, int attempt,
                  std::chrono::milliseconds delay) {
  Debug("try " + std::to_string(attempt) + " failed, again in " + std::to_string(delay.count()) +
        " ms: " + Where(request) + ": " + why.what);
}

void Log::OnFailure(const s3::Request& request, const Error& error, int attempts) {
  // Without the key, so that all of them are one line and a count.
  std::string line =
      (MayBeAbsent(request, error) ? Door(request) : Where(request)) + ": " + error.what;
  if (attempts > 1) line += " (after " + std::to_string(attempts) + " tries)";
  if (report_requests_) {
    Write(Level::kWarning, line);
  } else {
    Debug(line);
  }
}

void Log::OnNotice(std::string_view notice) { Write(Level::kWarning, notice); }

std::uint64_t Log::failures() const {
  const Lock lock(mu_);
  return failures_;
}

void Log::Write(Level level, std::string_view line) {
  const std::string safe = Redact(line);
  const Lock lock(mu_);
  if (level == Level::kWarning || level == Level::kError) {
    ++failures_;
    // A failure is never held back before it has been said; its repeats are counted.
    if (!repeats_.Admit(safe, clock_.Steady())) return;
  }
  Put(level, safe);
}

void Log::Put(Level level, const std::string& line) {
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err};
  logger_->log(kLevels[static_cast<int>(level)], spdlog::string_view_t(line));
}

}  // namespace coffer::fs
