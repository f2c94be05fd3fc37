// The dialect of INI that AWS's config and credentials files are written in.
//
// `#` and `;` begin comments, inside a line only after white space. Keys have no case. A key with
// an empty value may have indented sub-keys below it, which read as "s3.use_arn_region"; other
// indented lines go on with the value above. A later duplicate wins, of keys as of sections.
// A pure function, safe from any thread.

#pragma once

#include <map>
#include <string>
#include <string_view>

#include "crypto/result.h"

namespace coffer::s3 {

using IniValues = std::map<std::string, std::string, std::less<>>;
// By what stands between the brackets, white space folded: "default", "profile backup".
using IniFile = std::map<std::string, IniValues, std::less<>>;

// kInvalid with the number of the line that cannot be understood, never with what stands there.
Result<IniFile> ParseIni(std::string_view text);

}  // namespace coffer::s3
