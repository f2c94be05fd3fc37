#include "crypto/bytes.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>
#include <vector>

template class std::vector<std::byte, coffer::DefaultInitAllocator<std::byte>>;

namespace coffer {
namespace {

constexpr std::size_t kLargePage = 2u << 20;
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kWatched = true;  // what is freed, lest it be used
#elif defined(__has_feature)
constexpr bool kWatched = __has_feature(address_sanitizer);
#else
constexpr bool kWatched = false;
#endif
// The few buffers that are free for a moment between one part and the next.
constexpr std::size_t kMostKept = kWatched ? 0 : 32u << 20;

// Large buffers that were freed, for the next ones of their size: what the system takes back it has
// to zero before it gives it again. Part of the allocator, as the lists of malloc are, and like
// those without an end. Sizes are whole large pages.
class Freed {
 public:
  static Freed& Get() {
    static Freed& freed = *new Freed;
    return freed;
  }

  void* Take(std::size_t size) {
    const std::lock_guard lock(mu_);
    const auto found = std::find_if(kept_.begin(), kept_.end(),
                                    [size](const Block& block) { return block.size == size; });
    if (found == kept_.end()) return nullptr;
    void* const memory = found->memory;
    total_ -= size;
    kept_.erase(found);
    return memory;
  }
  // In the place of the oldest, where there are too many.
  void Keep(void* memory, std::size_t size) noexcept {
    const std::lock_guard lock(mu_);
    while (!kept_.empty() && total_ + size > kMostKept) {
      total_ -= kept_.front().size;
      GiveBack(kept_.front().memory);
      kept_.erase(kept_.begin());
    }
    if (size > kMostKept) return GiveBack(memory);
    kept_.push_back({memory, size});
    total_ += size;
  }

 private:
  struct Block {
    void* memory;
    std::size_t size;
  };

  Freed() { kept_.reserve(kMostKept / kLargeBuffer + 1); }
  static void GiveBack(void* memory) { ::operator delete (memory, std::align_val_t{kLargePage}); }

  std::mutex mu_;
  std::vector<Block> kept_;  // the oldest first
  std::size_t total_ = 0;
};

std::size_t InLargePages(std::size_t size) {
  return (size + kLargePage - 1) / kLargePage * kLargePage;
}

}  // namespace

void* AllocateLarge(std::size_t size) {
  const std::size_t whole = InLargePages(size);
  if (void* const kept = Freed::Get().Take(whole)) return kept;
  void* const memory = ::operator new (whole, std::align_val_t{kLargePage});
  // Advice alone: where it is not taken, small pages do as well. The last page is often touched
  // at its beginning alone.
  static_cast<void>(madvise(memory, size / kLargePage * kLargePage, MADV_HUGEPAGE));
  return memory;
}

void FreeLarge(void* memory, std::size_t size) noexcept {
  Freed::Get().Keep(memory, InLargePages(size));
}

void Append(Bytes& to, ByteView from) {
  if (from.empty()) return;
  const std::size_t before = to.size();
  to.resize(before + from.size());
  std::memcpy(to.data() + before, from.data(), from.size());
}

}  // namespace coffer
