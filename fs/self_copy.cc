#include "fs/self_copy.h"

namespace coffer::fs {

s3::CopyRequest CopyOntoItself(const std::string& key, const s3::ObjectInfo& object) {
  s3::CopyRequest copy;
  copy.from = key;
  copy.to = key;
  copy.source_etag = object.etag;
  copy.size = object.size;
  // In parts, the last look at the source is long before the end.
  if (object.size > s3::kMaxCopySize) copy.target.condition = s3::Condition::Matches(object.etag);
  copy.target.headers = object.headers;
  copy.target.metadata = object.metadata;
  copy.storage_class = object.storage_class;
  copy.sse = object.sse;
  copy.sse_kms_key_id = object.sse_kms_key_id;
  copy.bucket_key = object.bucket_key;
  copy.tag_count = object.tag_count;
  return copy;
}

}  // namespace coffer::fs
