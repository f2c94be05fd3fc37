// Memory for keys: locked where the system allows it, not in core dumps, empty in a forked child,
// wiped when it is let go, and without a way to print it.
//
// A SecretArena is made once per process, after it has forked for the last time, and outlives every
// Secret made from it. Safe from any thread. A Secret belongs to one thread at a time; a const one
// may be shared. Neither blocks on anything but the arena's own mutex.

#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer {

class SecretArena;

// At most kMaxSecret bytes of key. Move-only: what moved away is empty.
class Secret {
 public:
  Secret() = default;
  Secret(Secret&& other) noexcept
      : arena_(std::exchange(other.arena_, nullptr)), bytes_(std::exchange(other.bytes_, {})) {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(arena_, other.arena_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  ByteView view() const { return bytes_; }
  // To be filled by whoever made it, before anybody else sees it.
  MutableByteView fill() { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

 private:
  friend class SecretArena;
  Secret(SecretArena& arena, MutableByteView bytes) : arena_(&arena), bytes_(bytes) {}

  SecretArena* arena_ = nullptr;
  MutableByteView bytes_;
};

inline constexpr std::size_t kMaxSecret = 64;

class SecretArena {
 public:
  // Room for `secrets` of them. With `require_lock`, memory that cannot be locked (RLIMIT_MEMLOCK)
  // makes every Make fail; without it locked() tells, for a warning at start.
  explicit SecretArena(std::size_t secrets, bool require_lock = false);
  ~SecretArena();
  SecretArena(const SecretArena&) = delete;
  SecretArena& operator=(const SecretArena&) = delete;

  // `size` zero bytes. kNoMemory when the arena is full; kInvalid over kMaxSecret.
  Result<Secret> Make(std::size_t size);
  // A copy; the caller wipes the original.
  Result<Secret> Copy(ByteView bytes);
  // Fresh from the operating system's generator.
  Result<Secret> Random(std::size_t size);

  // kNoMemory, with what to do, when every Make would fail whatever is in use.
  Status Usable() const;
  bool locked() const { return locked_; }
  std::size_t in_use() const;

 private:
  friend class Secret;
  void Return(MutableByteView bytes);

  std::byte* base_ = nullptr;  // between two guard pages
  std::size_t mapped_ = 0;     // bytes, guard pages included
  bool locked_ = false;
  bool refuse_ = false;
  mutable std::mutex mu_;          // guards all below
  std::vector<std::size_t> free_;  // slots of kMaxSecret bytes
  std::size_t slots_ = 0;
};

// Wipes a buffer that held a key for a while, its spare room too, at the end of the scope. The
// buffer must not have grown meanwhile: what it outgrew is not reached any more.
class WipeAtEnd {
 public:
  explicit WipeAtEnd(Bytes& buffer) : bytes_(&buffer) {}
  explicit WipeAtEnd(std::string& buffer) : text_(&buffer) {}
  ~WipeAtEnd();
  WipeAtEnd(const WipeAtEnd&) = delete;
  WipeAtEnd& operator=(const WipeAtEnd&) = delete;

 private:
  Bytes* bytes_ = nullptr;
  std::string* text_ = nullptr;
};

// No core dump and no debugger's look at this process from now on: prctl(PR_SET_DUMPABLE, 0), and
// RLIMIT_CORE 0 (a core_pattern that is a pipe ignores the one, setuid helpers reset the other).
Status HideProcessMemory();

}  // namespace coffer
