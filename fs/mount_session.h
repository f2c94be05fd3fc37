// The kernel's side of a mount: made, served by libfuse's threads, taken away. With ops the only
// door to libfuse.
//
// Owned by the main thread. The filesystem is borrowed and outlives the session; its kernel cache
// is this session's, from Mount until the session goes.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "crypto/result.h"
#include "fs/filesystem.h"

namespace coffer::fs {

struct SessionOptions {
  std::string directory;  // real path
  std::string source;     // what mount(8) shows
  bool read_only = false;
  bool allow_other = false;
  bool allow_root = false;
  bool no_exec = false;
  bool no_symfollow = false;
  std::size_t max_threads = 64;
};

class MountSession {
 public:
  // Mounts; requests wait in the kernel until Serve. kDenied or kUnsupported when the kernel
  // refuses.
  static Result<std::unique_ptr<MountSession>> Mount(Filesystem& filesystem,
                                                     SessionOptions options);
  ~MountSession();  // unmounts what is still mounted
  MountSession(const MountSession&) = delete;
  MountSession& operator=(const MountSession&) = delete;

  // Answers requests, on up to max_threads threads, until the mount is gone or Stop was called.
  Status Serve();
  // Ends Serve from any thread: what is in the middle of a request ends it, later ones fail.
  void Stop();
  // Takes the mount away if it still is there; whoever uses it gets ENOTCONN. After Serve.
  void Unmount();

  std::uint64_t mount_id() const { return mount_id_; }

 private:
  struct State;
  explicit MountSession(std::unique_ptr<State> state);
  Status Attach();
  Status ForbidSymlinks();

  std::unique_ptr<State> state_;
  std::uint64_t mount_id_ = 0;
};

}  // namespace coffer::fs
