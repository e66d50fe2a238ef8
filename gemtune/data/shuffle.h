#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace gemtune::data {

/// Random order that is the same on every machine and with every standard library: std::mt19937_64 and
/// std::seed_seq are specified to the bit, std::shuffle and std::uniform_int_distribution are not.
class Shuffler {
 public:
  /// Different (seed, stream) give unrelated orders; the streams in use are named at their use.
  Shuffler(uint64_t seed, uint64_t stream);

  /// Fisher and Yates's shuffle from the back (Knuth, TAOCP 2, 3.4.2, algorithm P): every order equally
  /// likely.
  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (size_t left = items.size(); left > 1; --left) std::swap(items[left - 1], items[Below(left)]);
  }

 private:
  /// Uniform in [0, bound): the remainder of a draw, those above the largest multiple of `bound` drawn again.
  uint64_t Below(uint64_t bound);

  std::mt19937_64 generator_;
};

}  // namespace gemtune::data
