#include "fs/archive_state.h"

#include "s3client/time_text.h"

namespace coffer::fs {

std::string ArchiveInWords(const s3::ObjectInfo& info) {
  if (info.restoring) return "in progress";
  if (info.archived) return "archived";
  if (info.restored_until_s == 0) return "not archived";
  return "restored until " + s3::IsoTime(info.restored_until_s);
}

}  // namespace coffer::fs
