#include "crypto/bytes.h"

#include <sys/mman.h>

#include <cstring>
#include <mutex>
#include <new>
#include <vector>

template class std::vector<std::byte, coffer::DefaultInitAllocator<std::byte>>;

namespace coffer {
namespace {

constexpr std::size_t kLargePage = 2u << 20;
#ifdef __has_feature
constexpr bool kWatched = __has_feature(address_sanitizer);  // what is freed, lest it be used
#else
constexpr bool kWatched = false;
#endif
// The few buffers that are free for a moment between one part and the next.
constexpr std::size_t kMostKept = kWatched ? 0 : 32u << 20;

// Large buffers that were freed, for the next of about their size: what the system takes back it
// has to zero before it gives it again. Part of the allocator, as the lists of malloc are, and like
// those without an end.
class Freed {
 public:
  static Freed& Get() {
    static Freed& freed = *new Freed;
    return freed;
  }

  void* Take(std::size_t size) {
    const std::lock_guard lock(mu_);
    for (auto at = kept_.begin(); at != kept_.end(); ++at) {
      if (at->size < size || at->size - size > size / 8) continue;
      void* const memory = at->memory;
      total_ -= at->size;
      kept_.erase(at);
      return memory;
    }
    return nullptr;
  }
  bool Keep(void* memory, std::size_t size) noexcept {
    const std::lock_guard lock(mu_);
    if (size > kMostKept - total_ || kept_.size() == kMost) return false;
    kept_.push_back({memory, size});
    total_ += size;
    return true;
  }

 private:
  struct Block {
    void* memory;
    std::size_t size;
  };
  static constexpr std::size_t kMost = kMostKept / kLarge;

  Freed() { kept_.reserve(kMost); }

  std::mutex mu_;
  std::vector<Block> kept_;
  std::size_t total_ = 0;
};

}  // namespace

void* AllocateLarge(std::size_t size) {
  if (void* const kept = Freed::Get().Take(size)) return kept;
  void* const memory = ::operator new (size, std::align_val_t{kLargePage});
  // Advice alone: where it is not taken, small pages do as well. The rest of the last page is not
  // ours.
  static_cast<void>(madvise(memory, size / kLargePage * kLargePage, MADV_HUGEPAGE));
  return memory;
}

void FreeLarge(void* memory, std::size_t size) noexcept {
  if (Freed::Get().Keep(memory, size)) return;
  ::operator delete (memory, std::align_val_t{kLargePage});
}

void Append(Bytes& to, ByteView from) {
  if (from.empty()) return;
  const std::size_t before = to.size();
  to.resize(before + from.size());
  std::memcpy(to.data() + before, from.data(), from.size());
}

}  // namespace coffer
