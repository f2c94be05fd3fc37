#include "crypto/secret.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "crypto/openssl.h"

namespace coffer {
namespace {

std::size_t PageSize() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

Secret::~Secret() {
  if (arena_ != nullptr) arena_->Return(bytes_);
}

SecretArena::SecretArena(std::size_t secrets, bool require_lock) {
  const std::size_t page = PageSize();
  const std::size_t room = (secrets * kMaxSecret + page - 1) / page * page;
  void* map = mmap(nullptr, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return;  // Make says so
  mapped_ = room + 2 * page;
  base_ = static_cast<std::byte*>(map) + page;
  const bool usable = mprotect(base_, room, PROT_READ | PROT_WRITE) == 0 &&
                      madvise(base_, room, MADV_DONTDUMP) == 0 &&
                      madvise(base_, room, MADV_WIPEONFORK) == 0;
  locked_ = usable && mlock(base_, room) == 0;
  refuse_ = !usable || (require_lock && !locked_);
  slots_ = room / kMaxSecret;
  free_.reserve(slots_);
  for (std::size_t slot = slots_; slot > 0; --slot) free_.push_back(slot - 1);
}

SecretArena::~SecretArena() {
  if (base_ == nullptr) return;
  const std::size_t page = PageSize();
  Wipe({base_, mapped_ - 2 * page});
  munmap(base_ - page, mapped_);
}

Status SecretArena::Usable() const {
  if (base_ != nullptr && !refuse_) return Ok();
  return Error{Code::kNoMemory,
               "memory for keys cannot be locked: raise RLIMIT_MEMLOCK (ulimit -l)"};
}

Result<Secret> SecretArena::Make(std::size_t size) {
  if (size == 0 || size > kMaxSecret) return Error{Code::kInvalid, "a key of that size"};
  COFFER_TRY(Usable());
  const std::lock_guard lock(mu_);
  if (free_.empty()) return Error{Code::kNoMemory, "the memory for keys is full"};
  std::byte* at = base_ + free_.back() * kMaxSecret;
  free_.pop_back();
  return Secret(*this, {at, size});
}

Result<Secret> SecretArena::Copy(ByteView bytes) {
  COFFER_ASSIGN(Secret made, Make(bytes.size()));
  std::copy(bytes.begin(), bytes.end(), made.fill().begin());
  return made;
}

Result<Secret> SecretArena::Random(std::size_t size) {
  COFFER_ASSIGN(Secret made, Make(size));
  COFFER_TRY(RandomBytes(made.fill()));
  return made;
}

std::size_t SecretArena::in_use() const {
  const std::lock_guard lock(mu_);
  return slots_ - free_.size();
}

void SecretArena::Return(MutableByteView bytes) {
  Wipe(bytes);
  const std::lock_guard lock(mu_);
  free_.push_back(static_cast<std::size_t>(bytes.data() - base_) / kMaxSecret);
}

// Neither resize can allocate.
WipeAtEnd::~WipeAtEnd() {
  if (bytes_ != nullptr) {
    bytes_->resize(bytes_->capacity());
    Wipe(*bytes_);
    bytes_->clear();
  }
  if (text_ != nullptr) {
    text_->resize(text_->capacity());
    Wipe(std::as_writable_bytes(std::span(*text_)));
    text_->clear();
  }
}

Status HideProcessMemory() {
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0) {
    return Error{Code::kUnsupported, "cannot keep this process out of core dumps: " +
                                         std::generic_category().message(errno)};
  }
  return Ok();
}

}  // namespace coffer
