#pragma once

#include <cstdint>
#include <fstream>

namespace gemtune::test {

/// Pages of mapped files in this process, from /proc/self/statm's third number; 0 if there is none.
inline int64_t SharedPages() {
  std::ifstream statm("/proc/self/statm");
  int64_t size = 0;
  int64_t resident = 0;
  int64_t shared = 0;
  statm >> size >> resident >> shared;
  return shared;
}

}  // namespace gemtune::test
