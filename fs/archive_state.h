// Whether an object can be read, as `coffer restore` and user.coffer.restore say it. Pure
// functions.

#pragma once

#include <string>

#include "s3client/object_store.h"

namespace coffer::fs {

// "not archived", "archived", "in progress", "restored until 2027-01-31T00:00:00Z".
std::string ArchiveInWords(const s3::ObjectInfo& info);

}  // namespace coffer::fs
