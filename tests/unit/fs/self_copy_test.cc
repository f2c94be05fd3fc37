#include "fs/self_copy.h"

#include <catch2/catch.hpp>

namespace coffer::fs::self_copy_test {

TEST_CASE("a copy onto itself in parts is conditional to its end") {
  s3::ObjectInfo object;
  object.etag = "\"e\"";
  object.size = s3::kMaxCopySize;
  const s3::CopyRequest whole = CopyOntoItself("k", object);
  CHECK(whole.source_etag == object.etag);
  CHECK(whole.target.condition.kind == s3::Condition::None().kind);
  ++object.size;
  const s3::CopyRequest parts = CopyOntoItself("k", object);
  CHECK(parts.source_etag == object.etag);
  CHECK(parts.target.condition.kind == s3::Condition::Matches(object.etag).kind);
  CHECK(parts.target.condition.etag == object.etag);
}

}  // namespace coffer::fs::self_copy_test
