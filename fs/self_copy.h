// The copy of an object onto itself: how S3 changes metadata. Pure.

#pragma once

#include <string>

#include "s3client/object_store.h"

namespace coffer::fs {

// Of the version that `object` describes, carrying everything that S3 drops unless it is sent
// again: headers, metadata, storage class, encryption and, of large objects, tags. The caller
// changes `target.metadata`.
s3::CopyRequest CopyOntoItself(const std::string& key, const s3::ObjectInfo& object);

}  // namespace coffer::fs
