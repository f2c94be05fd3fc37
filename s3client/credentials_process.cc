#include "s3client/credentials_process.h"

#include "s3client/child_process.h"
#include "s3client/date.h"
#include "s3client/json.h"

namespace coffer::s3 {
namespace {

// The first line, printable and of a bearable length: it goes to a log.
std::string FirstLine(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  std::string line;
  for (const char c : text.substr(0, text.find('\n')).substr(0, kLongest)) {
    line += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
  }
  return line;
}

Error Bad(const std::string& source, const std::string& why) {
  return {Code::kDenied, source + " " + why};
}

Result<Credentials> FromJson(std::string_view text, const std::string& source) {
  const auto parsed = ParseJsonObject(text);
  if (!parsed) return Bad(source, "printed something that is not one JSON object");
  const auto member = [&](const char* name) {
    const auto found = parsed->find(name);
    return found == parsed->end() ? std::string() : found->second;
  };
  if (member("Version") != "1") return Bad(source, "printed JSON without \"Version\": 1");
  Credentials credentials;
  credentials.access_key_id = member("AccessKeyId");
  credentials.secret_access_key = member("SecretAccessKey");
  credentials.session_token = member("SessionToken");
  credentials.account_id = member("AccountId");
  credentials.source = source;
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    return Bad(source, "printed no AccessKeyId or no SecretAccessKey");
  }
  if (const std::string expiration = member("Expiration"); !expiration.empty()) {
    credentials.expires_at = ParseIsoMoment(expiration);
    if (!credentials.expires_at) return Bad(source, "printed an Expiration that is not ISO 8601");
  }
  return credentials;
}

// Splits as IEEE 1003.1 (2.2 Quoting) says, one character at a time.
class Splitter {
 public:
  void Put(char c) {
    if (escaped_) {
      // Between double quotes a backslash stands for itself, but before these.
      if (quote_ == '"' && c != '"' && c != '\\' && c != '$' && c != '`') word_ += '\\';
      word_ += c;
      escaped_ = false;
    } else if (c == '\\' && quote_ != '\'') {
      escaped_ = in_word_ = true;
    } else if (quote_ != 0) {
      if (c == quote_) {
        quote_ = 0;
      } else {
        word_ += c;
      }
    } else if (c == '"' || c == '\'') {
      quote_ = c;
      in_word_ = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      EndWord();
    } else {
      word_ += c;
      in_word_ = true;
    }
  }
  Result<std::vector<std::string>> Finish() {
    if (quote_ != 0 || escaped_) return Error{Code::kInvalid, "a quote that never ends"};
    EndWord();
    return std::move(words_);
  }

 private:
  void EndWord() {
    if (in_word_) words_.push_back(std::move(word_));
    word_.clear();
    in_word_ = false;
  }

  std::vector<std::string> words_;
  std::string word_;
  char quote_ = 0;
  bool escaped_ = false;
  bool in_word_ = false;
};

}  // namespace

Result<std::vector<std::string>> SplitCommand(std::string_view command) {
  Splitter splitter;
  for (const char c : command) splitter.Put(c);
  return splitter.Finish();
}

Result<Credentials> RunCredentialProcess(std::string_view command, const std::string& source,
                                         std::chrono::milliseconds timeout) {
  const auto words = SplitCommand(command);
  if (!words || words->empty()) {
    return Bad(source, "is not a command: it is empty, or a quote in it never ends");
  }
  auto run = RunProcess(*words, timeout);
  if (!run) return std::move(run).error().While(source);
  if (run->status != 0) {
    const std::string said = FirstLine(run->err);
    return Bad(source, "failed with status " + std::to_string(run->status) +
                           (said.empty() ? " and said nothing on stderr" : ": " + said));
  }
  return FromJson(run->out, source);
}

}  // namespace coffer::s3
