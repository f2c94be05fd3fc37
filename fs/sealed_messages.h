// A message that was opened before, or made here: its keys, and its size as its last frame proved
// it. Immutable.

#pragma once

#include <memory>

#include "crypto/key_source.h"
#include "crypto/layout.h"
#include "crypto/opener.h"
#include "fs/recent_objects.h"

namespace coffer::fs {

struct SealedMessage {
  Opener opener;
  Shape shape;
  DataKeyPtr key;
};
using SealedMessagePtr = std::shared_ptr<const SealedMessage>;
using SealedMessages = RecentObjects<SealedMessage>;

}  // namespace coffer::fs
