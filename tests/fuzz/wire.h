// A bucket whose replies an input writes down.

#pragma once

#include "s3client/target.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/fake_transport.h"

namespace coffer::test {

s3::Target BucketTarget();

// One byte for the status, header lines up to an empty one, then the body.
s3::Response ReadReply(Pieces& pieces);

}  // namespace coffer::test
