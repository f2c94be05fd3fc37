#include "crypto/suite.h"

#include <algorithm>
#include <array>

namespace coffer {
namespace {

constexpr std::array<Suite, 11> kSuites{{
    {0x0014, 16, Hash::kNone, false, Curve::kNone},
    {0x0046, 24, Hash::kNone, false, Curve::kNone},
    {0x0078, 32, Hash::kNone, false, Curve::kNone},
    {0x0114, 16, Hash::kSha256, false, Curve::kNone},
    {0x0146, 24, Hash::kSha256, false, Curve::kNone},
    {0x0178, 32, Hash::kSha256, false, Curve::kNone},
    {0x0214, 16, Hash::kSha256, false, Curve::kP256},
    {0x0346, 24, Hash::kSha384, false, Curve::kP384},
    {0x0378, 32, Hash::kSha384, false, Curve::kP384},
    {0x0478, 32, Hash::kSha512, true, Curve::kNone},
    {0x0578, 32, Hash::kSha512, true, Curve::kP384},
}};
constexpr const Suite& kSealing = kSuites[9];
static_assert(kSealing.id == 0x0478);

}  // namespace

std::span<const Suite> AllSuites() { return kSuites; }

const Suite* FindSuite(std::uint16_t id) {
  const auto* at = std::find_if(kSuites.begin(), kSuites.end(),
                                [id](const Suite& suite) { return suite.id == id; });
  return at == kSuites.end() ? nullptr : at;
}

const Suite& SealingSuite() { return kSealing; }

}  // namespace coffer
