// One row of a table of addresses: what a user types and what it must mean.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crypto/result.h"
#include "s3client/target.h"

namespace coffer::test {

struct AddressRow {
  std::string source;
  s3::AddressOptions options;
  std::string expected;
};

// "SOURCE | --flag VALUE ... | EXPECTED"; nothing when the row is not of that form.
std::optional<AddressRow> ParseAddressRow(std::string_view line);

// "URL SCHEME SIGNING-NAME REGION-OR-SET" ("-" for a Region to be discovered), or
// "refused: REASON".
std::string Summary(const Result<s3::Target>& target);

}  // namespace coffer::test
