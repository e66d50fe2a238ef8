#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gemtune/model/gemma3.h"

namespace gemtune::infer {

/// A sequence that can be continued: its tokens so far, and what the model's layers keep of them.
struct CachedSequence {
  std::vector<int32_t> ids;
  model::KvCache layers;

  /// Takes back what is not a beginning of `wanted`, all but at least one token of it, so that the sequence
  /// can be continued to it. A layer's ring has no way back: unless all ids are such a beginning, none stays.
  void KeepBeginningOf(const std::vector<int32_t>& wanted);
};

/// Sequences that take the place of finished ones, with their memory.
class KvCachePool {
 public:
  /// An empty sequence, which is the pool's until it is given back.
  CachedSequence& Take();
  void GiveBack(CachedSequence& sequence);

  /// Taken and not given back.
  int64_t in_use() const { return std::ssize(all_) - std::ssize(free_); }

 private:
  std::vector<std::unique_ptr<CachedSequence>> all_;
  std::vector<CachedSequence*> free_;
};

}  // namespace gemtune::infer
