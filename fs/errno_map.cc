#include "fs/errno_map.h"

#include <cerrno>

namespace coffer::fs {

int ToErrno(Code code) {
  switch (code) {
    case Code::kNotFound:
      return ENOENT;
    case Code::kExists:
      return EEXIST;
    case Code::kChanged:
      return ESTALE;
    case Code::kDenied:
      return EACCES;
    case Code::kLocked:
      return EPERM;
    case Code::kCorrupt:
      return EBADMSG;
    case Code::kKeyMissing:
      return ENOKEY;
    case Code::kKeyDisabled:
      return EKEYREVOKED;
    case Code::kUnavailable:
      return EIO;
    case Code::kTimeout:
      return ETIMEDOUT;
    case Code::kTooLarge:
      return EFBIG;
    case Code::kNameTooLong:
      return ENAMETOOLONG;
    case Code::kArchived:
      return EIO;
    case Code::kNoSpace:
      return ENOSPC;
    case Code::kInvalid:
      return EINVAL;
    case Code::kUnsupported:
      return EOPNOTSUPP;
    case Code::kNotDirectory:
      return ENOTDIR;
    case Code::kIsDirectory:
      return EISDIR;
    case Code::kNotEmpty:
      return ENOTEMPTY;
    case Code::kNotPermitted:
      return EPERM;
    case Code::kReadOnly:
      return EROFS;
    case Code::kNoAttribute:
      return ENODATA;
    case Code::kRange:
      return ERANGE;
    case Code::kBusy:
      return EBUSY;
    case Code::kNoMemory:
      return ENOMEM;
    case Code::kTooManyOpen:
      return EMFILE;
    case Code::kCrossDevice:
      return EXDEV;
    case Code::kLoop:
      return ELOOP;
    case Code::kInterrupted:
      return EINTR;
  }
  return EIO;
}

}  // namespace coffer::fs
