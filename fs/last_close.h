// Does a process still hold a file open for writing? Asked at every flush, because a flush is not
// the last close: a shell's `cmd > f` flushes when it closes the spare descriptor, and every child
// that inherited one flushes when it exits.
//
// Answers come from /proc/PID/fdinfo (ino, mnt_id, flags; the kernel documents them in
// filesystems/proc.rst), never from stat(2), which would re-enter the mount. Blocks on nothing.

#pragma once

#include <cstdint>

namespace coffer::fs {

enum class Holder { kNo, kYes, kUnknown };

// The process of a thread, as FUSE names threads; 0 when it is gone or of another pid namespace.
std::int32_t ProcessOf(std::int32_t thread);

// Does `process` hold a descriptor open for writing of the file `ino` in the mount `mount_id`? A
// process that has ended holds none.
Holder HoldsForWriting(std::int32_t process, std::uint64_t ino, std::uint64_t mount_id);

}  // namespace coffer::fs
