#include "s3client/condition_memory.h"

namespace coffer::s3 {
namespace {

constexpr std::string_view kBegin = "v1 ";

}  // namespace

std::size_t ConditionMemory::IndexOf(const Case& c) {
  return static_cast<std::size_t>(c.write) * 4 + (c.kind == Condition::Kind::kMatches ? 2 : 0) +
         (c.versioned ? 1 : 0);
}

ConditionMemory::Cell ConditionMemory::Get(const Case& c) const {
  const std::lock_guard lock(mu_);
  return cells_[IndexOf(c)];
}

bool ConditionMemory::Counts(const Case& c) const {
  const Cell cell = Get(c);
  return cell.succeeded && cell.refused && !cell.unusable;
}

bool ConditionMemory::Unusable(const Case& c) const { return Get(c).unusable; }
bool ConditionMemory::Bare(const Case& c) const { return Get(c).bare; }

void ConditionMemory::SawSuccess(const Case& c) {
  const std::lock_guard lock(mu_);
  cells_[IndexOf(c)].succeeded = true;
}

void ConditionMemory::SawRefusal(const Case& c) {
  const std::lock_guard lock(mu_);
  cells_[IndexOf(c)].refused = true;
}

void ConditionMemory::SetBare(const Case& c) {
  const std::lock_guard lock(mu_);
  cells_[IndexOf(c)] = {.bare = true};  // what was seen was seen of the other spelling
}

void ConditionMemory::SetUnusable(const Case& c) {
  const std::lock_guard lock(mu_);
  cells_[IndexOf(c)] = {.unusable = true};
}

// A letter for each cell: '@' plus one bit for each flag.
std::string ConditionMemory::Export() const {
  const std::lock_guard lock(mu_);
  std::string text(kBegin);
  for (const Cell& cell : cells_) {
    text += static_cast<char>('@' + (cell.succeeded ? 1 : 0) + (cell.refused ? 2 : 0) +
                              (cell.bare ? 4 : 0) + (cell.unusable ? 8 : 0));
  }
  return text;
}

void ConditionMemory::Import(std::string_view text) {
  if (text.size() != kBegin.size() + kCells || text.substr(0, kBegin.size()) != kBegin) return;
  text.remove_prefix(kBegin.size());
  for (const char c : text) {
    if (c < '@' || c > '@' + 15) return;
  }
  const std::lock_guard lock(mu_);
  for (std::size_t i = 0; i < kCells; ++i) {
    const int bits = text[i] - '@';
    cells_[i] = {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
  }
}

}  // namespace coffer::s3
