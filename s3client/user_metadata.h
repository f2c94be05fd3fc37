// User metadata as HTTP header fields: any bytes in, the same bytes out.
//
// Printable ASCII travels as it is. Everything else travels as an RFC 2047 encoded word, which is
// what S3 itself shows for such values; so does a value that would read as one. Pure functions.

#pragma once

#include "crypto/result.h"
#include "s3client/http.h"
#include "s3client/object_store.h"

namespace coffer::s3 {

// Adds x-amz-meta-* fields. kInvalid for a name that is not a header token in lower case; kNoSpace
// when names and values, as sent, are over S3's 2 KB.
Status AddUserMetadata(Headers& headers, const Metadata& metadata);

// Every x-amz-meta-* field, names in lower case; of a name given twice the values are joined by
// ",".
Metadata ReadUserMetadata(const Headers& headers);

}  // namespace coffer::s3
