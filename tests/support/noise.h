// Bytes that look like nothing, the same each time.

#pragma once

#include <cstddef>
#include <string>

namespace coffer::test {

std::string Noise(std::size_t size, unsigned seed = 1);

}  // namespace coffer::test
