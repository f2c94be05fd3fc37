#include "crypto/bytes.h"

#include <cstring>

template class std::vector<std::byte, coffer::DefaultInitAllocator<std::byte>>;

namespace coffer {

void Append(Bytes& to, ByteView from) {
  if (from.empty()) return;
  const std::size_t before = to.size();
  to.resize(before + from.size());
  std::memcpy(to.data() + before, from.data(), from.size());
}

}  // namespace coffer
