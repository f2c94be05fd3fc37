// FUSE callbacks: unpack, call Filesystem, reply. With mount_session the only door to libfuse.
//
// Callbacks run on the threads of libfuse's loop, many at once, and never throw: what fails for
// lack of memory is ENOMEM to its caller and nothing else.

#pragma once

#include <fuse_lowlevel.h>

#include <string_view>

#include "fs/filesystem.h"
#include "fs/worker_pool.h"

namespace coffer::fs {

// What the callbacks work on: libfuse's user data. Outlives the session.
struct OpsContext {
  Filesystem& filesystem;
};

const fuse_lowlevel_ops& FuseOperations();

// Tells the kernel to forget, from a thread of its own: the kernel may hold the directory's lock
// until a callback has answered, so a callback must not wait for it. Borrows the session; told
// nothing is lost when the mount is gone.
class FuseKernelCache : public KernelCache {
 public:
  explicit FuseKernelCache(fuse_session* session) : session_(session), thread_(1) {}
  void ForgetName(NodeId parent, std::string_view name) override;
  void ForgetAttributes(NodeId node) override;

 private:
  fuse_session* session_;
  WorkerPool thread_;
};

}  // namespace coffer::fs
