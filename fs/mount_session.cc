#include "fs/mount_session.h"

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <thread>

#include "fs/mount_point.h"
#include "fs/ops.h"

namespace coffer::fs {
namespace {

#ifndef MS_NOSYMFOLLOW
constexpr unsigned long MS_NOSYMFOLLOW = 256;  // Linux 5.10; not in Debian 12's <sys/mount.h>
#endif

// Wakes the main thread out of libfuse's wait; does nothing by itself.
constexpr int kWakeSignal = SIGUSR1;

struct DestroySession {
  void operator()(fuse_session* session) const { fuse_session_destroy(session); }
};
struct DestroyLoop {
  void operator()(fuse_loop_config* config) const { fuse_loop_cfg_destroy(config); }
};

// For libfuse's own parser, which splits at commas.
std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ',' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string MountWords(const SessionOptions& options) {
  std::string words = "default_permissions,nosuid,nodev,subtype=coffer,fsname=";
  words += Escape(options.source);
  if (options.read_only) words += ",ro";
  if (options.no_exec) words += ",noexec";
  if (options.allow_other) words += ",allow_other";
  if (options.allow_root) words += ",allow_root";
  return words;
}

// The kernel reads ahead 128 KiB unless told otherwise, which only root may.
void AllowReadAhead(const MountEntry& mount) {
  std::ofstream("/sys/class/bdi/" + mount.device + "/read_ahead_kb") << "1024";
}

void IgnoreSignal(int) {}

void CatchWakeSignal() {
  struct sigaction action = {};
  action.sa_handler = IgnoreSignal;
  sigemptyset(&action.sa_mask);
  sigaction(kWakeSignal, &action, nullptr);
}

}  // namespace

struct MountSession::State {
  State(Filesystem& filesystem, SessionOptions session_options)
      : options(std::move(session_options)), context{filesystem} {}

  const SessionOptions options;
  OpsContext context;
  std::unique_ptr<fuse_session, DestroySession> session;
  std::unique_ptr<FuseKernelCache> kernel_cache;  // goes before the session
  std::atomic<bool> mounted{false};
  std::atomic<bool> serving{false};
  pthread_t server = {};
};

MountSession::MountSession(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<MountSession>> MountSession::Mount(Filesystem& filesystem,
                                                          SessionOptions options) {
  std::unique_ptr<MountSession> mount(
      new MountSession(std::make_unique<State>(filesystem, std::move(options))));
  COFFER_TRY(mount->Attach());
  return mount;
}

Status MountSession::Attach() {
  const std::string words = MountWords(state_->options);
  fuse_args args = FUSE_ARGS_INIT(0, nullptr);
  fuse_opt_add_arg(&args, "coffer");
  fuse_opt_add_arg(&args, ("-o" + words).c_str());
  state_->session.reset(
      fuse_session_new(&args, &FuseOperations(), sizeof(fuse_lowlevel_ops), &state_->context));
  fuse_opt_free_args(&args);
  if (!state_->session) return Error{Code::kInvalid, "libfuse refused its options: " + words};

  const std::string& directory = state_->options.directory;
  if (fuse_session_mount(state_->session.get(), directory.c_str()) != 0) {
    return Error{Code::kDenied, "the kernel refused to mount on " + directory +
                                    "; a container needs --cap-add SYS_ADMIN for it"};
  }
  state_->mounted = true;
  const auto entry = FindMount(ReadMountInfo(), directory);
  if (!entry || entry->type != kFilesystemType)
    return Error{Code::kUnavailable, "the mount on " + directory + " is gone already"};
  mount_id_ = entry->id;
  AllowReadAhead(*entry);
  if (state_->options.no_symfollow) COFFER_TRY(ForbidSymlinks());
  state_->context.filesystem.SetMountId(mount_id_);
  state_->kernel_cache = std::make_unique<FuseKernelCache>(state_->session.get());
  state_->context.filesystem.SetKernelCache(state_->kernel_cache.get());
  return Ok();
}

// libfuse 3.14 does not know the word, so the kernel is told right after mounting, before anybody
// is served.
Status MountSession::ForbidSymlinks() {
  unsigned long flags = MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOSYMFOLLOW;
  if (state_->options.read_only) flags |= MS_RDONLY;
  if (state_->options.no_exec) flags |= MS_NOEXEC;
  if (mount(nullptr, state_->options.directory.c_str(), nullptr, flags, nullptr) == 0) return Ok();
  return Error{Code::kUnsupported, std::string("nosymfollow: ") +
                                       std::generic_category().message(errno) +
                                       " (Linux 5.10 knows it)"};
}

MountSession::~MountSession() {
  state_->context.filesystem.SetKernelCache(nullptr);
  state_->kernel_cache.reset();
  Unmount();
}

Status MountSession::Serve() {
  const std::unique_ptr<fuse_loop_config, DestroyLoop> config(fuse_loop_cfg_create());
  if (!config) return Error{Code::kNoMemory, "no memory for libfuse's loop"};
  const auto threads = static_cast<unsigned>(state_->options.max_threads);
  fuse_loop_cfg_set_max_threads(config.get(), threads);
  fuse_loop_cfg_set_idle_threads(config.get(), threads);
  state_->server = pthread_self();
  CatchWakeSignal();
  state_->serving = true;
  const int result = fuse_session_loop_mt(state_->session.get(), config.get());
  state_->serving = false;
  if (result < 0) {
    return Error{Code::kUnavailable, std::string("the connection to the kernel failed: ") +
                                         std::generic_category().message(-result)};
  }
  return Ok();
}

void MountSession::Stop() {
  fuse_session_exit(state_->session.get());
  // Once is not enough: the signal may come just before the wait that it is to end.
  for (int tries = 0; state_->serving && tries < 10; ++tries) {
    pthread_kill(state_->server, kWakeSignal);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void MountSession::Unmount() {
  if (state_->mounted.exchange(false)) fuse_session_unmount(state_->session.get());
}

}  // namespace coffer::fs
