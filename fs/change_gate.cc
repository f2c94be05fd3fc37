#include "fs/change_gate.h"

#include <algorithm>
#include <string_view>

namespace coffer::fs {
namespace {

bool Covers(std::string_view above, std::string_view below) {
  return above == below || above.empty() || (above.back() == '/' && below.starts_with(above));
}

}  // namespace

ChangeGate::Hold::Hold(ChangeGate& gate, std::vector<std::string> keys, IfBusy if_busy)
    : gate_(gate), keys_(std::move(keys)) {
  const Lock lock(gate_.mu_);
  if (if_busy == IfBusy::kLeave && !gate_.Free(keys_)) keys_.clear();
  while (!gate_.Free(keys_)) gate_.changed_.Wait(gate_.mu_);
  gate_.held_.insert(gate_.held_.end(), keys_.begin(), keys_.end());
}

ChangeGate::Hold::~Hold() {
  for (const auto& key : keys_) gate_.changed_name_(key);
  {
    const Lock lock(gate_.mu_);
    for (const auto& key : keys_) {
      gate_.held_.erase(std::find(gate_.held_.begin(), gate_.held_.end(), key));
    }
  }
  gate_.changed_.NotifyAll();
}

bool ChangeGate::Free(const std::vector<std::string>& keys) const {
  for (const auto& held : held_) {
    for (const auto& key : keys) {
      if (Covers(held, key) || Covers(key, held)) return false;
    }
  }
  return true;
}

}  // namespace coffer::fs
