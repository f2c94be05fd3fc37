#include "crypto/multi_key_source.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <string_view>
#include <utility>

namespace coffer {
namespace {

constexpr std::size_t kSealingKeySize = 32;

// How much hope a failure leaves; the highest is told.
int Hope(Code code) {
  switch (code) {
    case Code::kUnavailable:
    case Code::kTimeout:
      return 5;
    case Code::kDenied:
      return 4;
    case Code::kKeyDisabled:
      return 3;
    case Code::kKeyMissing:
      return 2;
    case Code::kCorrupt:
      return 0;
    case Code::kUnsupported:  // it only seals (the public half of an RSA key), so it says nothing
      return -1;
    default:
      return 1;
  }
}

// What a stranger wrote, fit for a log.
std::string Plain(std::string_view text) {
  constexpr std::size_t kLimit = 120;
  std::string out(text.substr(0, kLimit));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return out;
}

// The name of a raw AES key; zero bytes, sizes and the nonce of the wrap follow it.
std::string_view NameIn(std::string_view info) { return info.substr(0, info.find('\0')); }

Error NoKey(const std::vector<EncryptedDataKey>& encrypted) {
  std::string what = "none of the keys at hand opens this; it is sealed for ";
  for (const EncryptedDataKey& one : encrypted) {
    if (&one != &encrypted.front()) what += ", ";
    what += Plain(one.provider) + " " + Plain(NameIn(one.info));
  }
  return {Code::kKeyMissing, encrypted.empty() ? "this names no key at all" : std::move(what)};
}

}  // namespace

struct MultiKeySource::Member {
  explicit Member(std::unique_ptr<Keyring> k) : keyring(std::move(k)) {}

  std::optional<Error> Standing(KeyUse use, const EncryptionContext& context, const Now& now) {
    auto standing = refusals.Standing(use, context, now());
    if (standing) ++left_alone;
    return standing;
  }

  // Asks the key, unless it has just refused the same; `tries` counts the former.
  template <typename Call>
  auto Ask(KeyUse use, const EncryptionContext& context, const Now& now, Call call,
           int* tries = nullptr) -> decltype(call()) {
    if (auto standing = Standing(use, context, now)) return *std::move(standing);
    ++calls[static_cast<std::size_t>(use)];
    if (tries != nullptr) ++*tries;
    auto got = call();
    if (!got) {
      ++failures;
      got = std::move(got).error().While(keyring->Name());
    }
    refusals.Learn(use, context, got ? nullptr : &got.error(), now());
    return got;
  }

  const std::unique_ptr<Keyring> keyring;
  KeyRefusals refusals;
  std::atomic<std::uint64_t> calls[3] = {};
  std::atomic<std::uint64_t> failures{0};
  std::atomic<std::uint64_t> left_alone{0};
};

MultiKeySource::MultiKeySource(std::vector<std::unique_ptr<Keyring>> keyrings, Now now)
    : now_(std::move(now)) {
  for (auto& one : keyrings) members_.push_back(std::make_unique<Member>(std::move(one)));
}

MultiKeySource::~MultiKeySource() = default;

Result<DataKeyPtr> MultiKeySource::ForSealing(const EncryptionContext& context) {
  if (members_.empty()) return Error{Code::kUnsupported, "there is no key to seal with"};
  Member& first = *members_.front();
  // No key is generated that another one is known not to wrap.
  for (std::size_t i = 1; i < members_.size(); ++i) {
    auto standing = members_[i]->Standing(KeyUse::kWrap, context, now_);
    if (standing) return *std::move(standing);
  }
  COFFER_ASSIGN(WrappedKey made, first.Ask(KeyUse::kGenerate, context, now_,
                                           [&] { return first.keyring->Generate(context); }));
  if (made.key.size() != kSealingKeySize) {
    return Error{Code::kCorrupt, first.keyring->Name() + ": a data key of a wrong size"};
  }
  std::vector<EncryptedDataKey> encrypted;
  encrypted.push_back(std::move(made.encrypted));
  for (std::size_t i = 1; i < members_.size(); ++i) {
    Member& other = *members_[i];
    COFFER_ASSIGN(EncryptedDataKey wrapped, other.Ask(KeyUse::kWrap, context, now_, [&] {
      return other.keyring->Wrap(made.key, context);
    }));
    encrypted.push_back(std::move(wrapped));
  }
  return std::make_shared<const DataKey>(DataKey{std::move(made.key), std::move(encrypted)});
}

// One key at the most may open it, but an alias of KMS may not know yet whether it is the one.
std::vector<MultiKeySource::Member*> MultiKeySource::OwnersOf(
    const EncryptedDataKey& encrypted) const {
  std::vector<Member*> owners;
  for (const auto& member : members_) {
    if (member->keyring->Owns(encrypted)) owners.push_back(member.get());
  }
  return owners;
}

Result<Secret> MultiKeySource::Unwrap(Member& owner, const EncryptedDataKey& encrypted,
                                      const Wanted& wanted, int& tries) {
  auto key = owner.Ask(
      KeyUse::kUnwrap, wanted.context, now_,
      [&] { return owner.keyring->Unwrap(encrypted, wanted.context, wanted.size); }, &tries);
  if (key && key->size() != wanted.size) {
    return Error{Code::kCorrupt, owner.keyring->Name() + ": a data key of a wrong size"};
  }
  return key;
}

Result<DataKeyPtr> MultiKeySource::ForOpening(const std::vector<EncryptedDataKey>& encrypted,
                                              const EncryptionContext& context, std::size_t size) {
  if (encrypted.size() > kMaxEncryptedKeys) {
    return Error{Code::kNotPermitted, std::to_string(encrypted.size()) +
                                          " encrypted data keys; Coffer takes at most " +
                                          std::to_string(kMaxEncryptedKeys)};
  }
  std::vector<std::pair<const EncryptedDataKey*, Member*>> candidates;
  for (const EncryptedDataKey& one : encrypted) {
    for (Member* const owner : OwnersOf(one)) candidates.emplace_back(&one, owner);
  }
  std::optional<Error> worst;
  int tries = 0;
  for (const auto& [one, owner] : candidates) {
    if (tries == kMaxTries) break;
    auto key = Unwrap(*owner, *one, {context, size}, tries);
    if (key) return std::make_shared<const DataKey>(DataKey{*std::move(key), encrypted});
    const Code code = key.error().code;
    // These say nothing of the key.
    if (code == Code::kInterrupted || code == Code::kNoMemory) return std::move(key).error();
    if (!worst || Hope(code) > Hope(worst->code)) worst = std::move(key).error();
  }
  if (!worst) return NoKey(encrypted);
  return *std::move(worst);
}

std::vector<KeyringCounts> MultiKeySource::Counts() const {
  std::vector<KeyringCounts> counts;
  for (const auto& member : members_) {
    const auto calls = [&](KeyUse use) -> std::uint64_t {
      return member->calls[static_cast<std::size_t>(use)];
    };
    counts.push_back({member->keyring->Name(), calls(KeyUse::kGenerate), calls(KeyUse::kWrap),
                      calls(KeyUse::kUnwrap), member->failures, member->left_alone});
  }
  return counts;
}

}  // namespace coffer
