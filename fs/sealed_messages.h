// Messages that were opened before, or made here: their keys, and their size as their last frame
// proved it.

#pragma once

#include <memory>

#include "crypto/key_source.h"
#include "crypto/layout.h"
#include "crypto/opener.h"
#include "fs/version_cache.h"

namespace coffer::fs {

struct SealedMessage {
  Opener opener;
  Shape shape;
  DataKeyPtr key;
};
using SealedMessages = VersionCache<SealedMessage>;
using SealedMessagePtr = SealedMessages::Pointer;

}  // namespace coffer::fs
