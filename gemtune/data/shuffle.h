#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace gemtune::data {

/// A random order that is the same on every machine and with every standard library. (std::mt19937_64 and
/// std::seed_seq are specified exactly; std::shuffle and std::uniform_int_distribution are not.)
class Shuffler {
 public:
  /// Different (seed, stream) pairs give unrelated orders; each stream is named where it is used.
  Shuffler(uint64_t seed, uint64_t stream);

  /// Fisher-Yates shuffle from the back (Knuth, TAOCP 2, 3.4.2, algorithm P): every order equally likely.
  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (size_t left = items.size(); left > 1; --left) std::swap(items[left - 1], items[Below(left)]);
  }

 private:
  /// Uniform in [0, bound): the remainder of a draw; draws above the largest multiple of `bound` are
  /// repeated.
  uint64_t Below(uint64_t bound);

  std::mt19937_64 generator_;
};

}  // namespace gemtune::data
