// A whole message opened at once, for tests.

#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "crypto/whole_message_opener.h"

namespace coffer::test {

// Keeps what it is given.
class StringSink : public PlaintextSink {
 public:
  explicit StringSink(bool can_withdraw = false) : can_withdraw_(can_withdraw) {}

  Status Write(ByteView plaintext) override {
    text_ += AsText(plaintext);
    return Ok();
  }
  bool CanWithdraw() const override { return can_withdraw_; }
  const std::string& text() const { return text_; }

 private:
  bool can_withdraw_;
  std::string text_;
};

// Opens `message` into `sink`, `piece` bytes at a time.
inline Status OpenInto(PlaintextSink& sink, ByteView message, KeySource& keys, SecretArena& arena,
                       OpenRules rules, std::size_t piece = std::size_t{1} << 20) {
  WholeMessageOpener opener(keys, arena, std::move(rules), sink);
  for (std::size_t at = 0; at < message.size(); at += piece) {
    COFFER_TRY(opener.Write(message.subspan(at, std::min(piece, message.size() - at))));
  }
  return opener.Finish();
}

inline Result<std::string> OpenWhole(ByteView message, KeySource& keys, SecretArena& arena,
                                     OpenRules rules) {
  StringSink sink;
  COFFER_TRY(OpenInto(sink, message, keys, arena, std::move(rules)));
  return sink.text();
}

}  // namespace coffer::test
