// `coffer share`: a presigned URL, through the access point of the mount or of the address.
//
// The caller's own credentials sign, whoever mounted; only the URL goes to standard output.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Blocks on the network. The exit code; the reason for a refusal is on `err`.
int RunShare(const ShareOptions& options, const Environment& environment, Console& console);

// The value of response-content-disposition that has a browser save a file as `name` (RFC 6266,
// with the ASCII spelling for old ones). kInvalid for a name that is none: with '/', or with
// control characters.
Result<std::string> AttachmentNamed(const std::string& name);

}  // namespace coffer::fs
