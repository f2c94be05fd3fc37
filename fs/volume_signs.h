// Where sealed volumes begin, and what gives away an object of one: all that a plain mount knows of
// them.
//
// Holds no state; safe from any thread.

#pragma once

#include <string>
#include <string_view>

#include "crypto/result.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// The name of the directory that a volume keeps its own objects in.
inline constexpr std::string_view kVolumeOwn = ".coffer";

// The key of the descriptor of a volume at `prefix` ("", or one that ends in '/').
std::string DescriptorKey(const std::string& prefix);

// Does a sealed volume begin at `prefix`? One request as a rule, on which it blocks; failures as
// ObjectStore::Get's. kDenied where neither a read nor a listing tells.
Result<bool> HoldsVolume(s3::ObjectStore& store, const std::string& prefix);

// Is `key` the descriptor of a volume, whichever?
bool IsDescriptorKey(std::string_view key);

// Does an object with such metadata say of itself that it is a sealed file?
bool IsBound(const s3::Metadata& metadata);

}  // namespace coffer::fs
