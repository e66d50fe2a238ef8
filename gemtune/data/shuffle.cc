#include "gemtune/data/shuffle.h"

#include <limits>

namespace gemtune::data {

Shuffler::Shuffler(uint64_t seed, uint64_t stream) {
  std::seed_seq words{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32),
                      static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)};
  generator_.seed(words);
}

uint64_t Shuffler::Below(uint64_t bound) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  const uint64_t rejected = (kMost % bound + 1) % bound;  // 2^64 mod bound draws at the top
  while (true) {
    const uint64_t draw = generator_();
    if (draw <= kMost - rejected) return draw % bound;
  }
}

}  // namespace gemtune::data
