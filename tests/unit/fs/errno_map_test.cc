#include "fs/errno_map.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <map>

namespace coffer::fs::errno_map_test {

TEST_CASE("every code has its errno, and only 'not found' is ENOENT") {
  const std::map<Code, int> table = {
      {Code::kNotFound, ENOENT},
      {Code::kExists, EEXIST},
      {Code::kChanged, ESTALE},
      {Code::kDenied, EACCES},
      {Code::kLocked, EPERM},
      {Code::kCorrupt, EBADMSG},
      {Code::kUnavailable, EIO},
      {Code::kTimeout, ETIMEDOUT},
      {Code::kTooLarge, EFBIG},
      {Code::kNameTooLong, ENAMETOOLONG},
      {Code::kArchived, EIO},
      {Code::kNoSpace, ENOSPC},
      {Code::kInvalid, EINVAL},
      {Code::kUnsupported, EOPNOTSUPP},
      {Code::kNotDirectory, ENOTDIR},
      {Code::kIsDirectory, EISDIR},
      {Code::kNotEmpty, ENOTEMPTY},
      {Code::kNotPermitted, EPERM},
      {Code::kReadOnly, EROFS},
      {Code::kNoAttribute, ENODATA},
      {Code::kRange, ERANGE},
      {Code::kBusy, EBUSY},
      {Code::kNoMemory, ENOMEM},
      {Code::kTooManyOpen, EMFILE},
      {Code::kCrossDevice, EXDEV},
      {Code::kLoop, ELOOP},
      {Code::kInterrupted, EINTR},
      {Code::kKeyMissing, ENOKEY},
      {Code::kKeyDisabled, EKEYREVOKED},
  };
  // Codes are numbered from 0 without a gap: none is missing from the table.
  CHECK(static_cast<int>(Code::kInterrupted) + 1 == static_cast<int>(table.size()));
  for (const auto& [code, expected] : table) {
    INFO("code " << static_cast<int>(code));
    CHECK(ToErrno(code) == expected);
  }
  for (int code = -1; code <= static_cast<int>(Code::kInterrupted) + 1; ++code) {
    const int number = ToErrno(static_cast<Code>(code));
    CHECK(number > 0);
    CHECK((number == ENOENT) == (code == static_cast<int>(Code::kNotFound)));
  }
}

}  // namespace coffer::fs::errno_map_test
