#include "fs/interrupts.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "fs/exit_code.h"

namespace coffer::fs {
namespace {

Error NoSignals() {
  return {Code::kUnavailable, "watch for signals: " + std::generic_category().message(errno)};
}

}  // namespace

Result<std::unique_ptr<Interrupts>> Interrupts::Watch() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return NoSignals();
  const int signals = signalfd(-1, &set, SFD_CLOEXEC);
  if (signals < 0) return NoSignals();
  const int stop = eventfd(0, EFD_CLOEXEC);
  if (stop < 0) {
    close(signals);
    return NoSignals();
  }
  std::unique_ptr<Interrupts> watch(new Interrupts(signals, stop));
  watch->pool_ = std::make_unique<WorkerPool>(1);
  watch->pool_->Submit([self = watch.get()] { self->Run(); });
  return watch;
}

Interrupts::~Interrupts() {
  const std::uint64_t one = 1;
  // An eventfd that was never written to takes it.
  if (write(stop_, &one, sizeof one) != sizeof one) _exit(kExitFailed);
  pool_ = nullptr;
  close(signals_);
  close(stop_);
}

void Interrupts::Run() {
  for (;;) {
    pollfd waits[2] = {{signals_, POLLIN, 0}, {stop_, POLLIN, 0}};
    if (poll(waits, 2, -1) < 0) continue;
    if ((waits[1].revents & POLLIN) != 0) return;
    signalfd_siginfo info = {};
    if (read(signals_, &info, sizeof info) == sizeof info) {
      Handle(static_cast<int>(info.ssi_signo));
    }
  }
}

void Interrupts::Handle(int signal) {
  const Lock lock(mu_);
  if (!action_ || happened_.exchange(true)) _exit(128 + signal);
  action_();
}

void Interrupts::Set(std::function<void()> action) {
  const Lock lock(mu_);
  action_ = std::move(action);
}

void Interrupts::Clear() { Set(nullptr); }

}  // namespace coffer::fs
