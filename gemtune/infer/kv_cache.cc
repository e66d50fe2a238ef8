#include "gemtune/infer/kv_cache.h"

#include <algorithm>

namespace gemtune::infer {

void CachedSequence::KeepBeginningOf(const std::vector<int32_t>& wanted) {
  const bool is_beginning = ids.size() < wanted.size() && std::equal(ids.begin(), ids.end(), wanted.begin());
  if (!is_beginning) ids.clear();
}

CachedSequence& KvCachePool::Take() {
  if (free_.empty()) {
    all_.push_back(std::make_unique<CachedSequence>());
    return *all_.back();
  }
  CachedSequence& sequence = *free_.back();
  free_.pop_back();
  sequence.ids.clear();
  return sequence;
}

void KvCachePool::GiveBack(CachedSequence& sequence) {
  free_.push_back(&sequence);
}

}  // namespace gemtune::infer
