// Owned bytes and views of them, as every layer passes them around.
//
// Bytes is a vector that does not zero what it is about to overwrite: a 64 MiB buffer for a reply
// costs no pass over memory. A ByteView is borrowed and never stored.

#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer {

// Memory for buffers of many megabytes, in pages of two: to touch it costs a fault for each page,
// which of 4 KiB are as dear as the deciphering of what goes in. Throws std::bad_alloc.
void* AllocateLarge(std::size_t size);
void FreeLarge(void* memory, std::size_t size) noexcept;
inline constexpr std::size_t kLargeBuffer = 4u << 20;

// Leaves bytes uninitialised where a vector would zero them.
template <typename T>
struct DefaultInitAllocator : std::allocator<T> {
  T* allocate(std::size_t count) {
    if (count < kLargeBuffer / sizeof(T)) return std::allocator<T>::allocate(count);
    return static_cast<T*>(AllocateLarge(count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    if (count < kLargeBuffer / sizeof(T)) return std::allocator<T>::deallocate(memory, count);
    FreeLarge(memory, count * sizeof(T));
  }
  template <typename U>
  struct rebind {
    using other = DefaultInitAllocator<U>;
  };
  template <typename U>
  void construct(U* p) noexcept {
    ::new (static_cast<void*>(p)) U;
  }
  template <typename U, typename... Args>
  void construct(U* p, Args&&... args) {
    ::new (static_cast<void*>(p)) U(std::forward<Args>(args)...);
  }
};

using Bytes = std::vector<std::byte, DefaultInitAllocator<std::byte>>;
using ByteView = std::span<const std::byte>;
using MutableByteView = std::span<std::byte>;

// Adds `from`, which is no part of `to`, in one copy.
void Append(Bytes& to, ByteView from);

inline ByteView AsBytes(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}
inline std::string_view AsText(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace coffer

// A vector goes over its elements one by one; what does so with bytes is compiled once, in
// bytes.cc, which is optimized in every build.
extern template class std::vector<std::byte, coffer::DefaultInitAllocator<std::byte>>;
