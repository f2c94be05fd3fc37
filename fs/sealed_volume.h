// What all messages of one sealed volume have in common, as its descriptor says (coffer-format(5)).

#pragma once

#include <string>
#include <string_view>

#include "crypto/key_source.h"
#include "crypto/layout.h"

namespace coffer::fs {

// What becomes of an object whose bind tag is missing or belongs to another name.
enum class BindingPolicy { kStrict, kWarn, kOff };

// Coffer's own objects of a volume stand below it, and never show.
inline constexpr std::string_view kOwnDirectory = ".coffer/";

struct SealedVolume {
  std::string id;      // a UUID
  std::string prefix;  // of its keys: "" or one that ends in '/'
  Layout layout;
  EncryptionContext context;  // of every message but the descriptor
  BindingPolicy binding = BindingPolicy::kStrict;
  bool shows_own = false;  // only for whoever reads and writes the descriptor itself
};

}  // namespace coffer::fs
