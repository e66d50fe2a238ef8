#include "gemtune/train/run/windows.h"

#include <algorithm>
#include <numeric>

namespace gemtune::train {

int64_t NumTokens(const data::Dataset& train, const Window& window) {
  int64_t tokens = 0;
  for (const std::vector<int64_t>& batch : window) {
    for (const int64_t example : batch) tokens += train.length(example);
  }
  return tokens;
}

int64_t NumExamples(const Window& window) {
  int64_t examples = 0;
  for (const std::vector<int64_t>& batch : window) examples += std::ssize(batch);
  return examples;
}

std::vector<Window> SpreadOverLengths(const data::Dataset& train, const std::vector<Window>& windows,
                                      int64_t steps) {
  std::vector<size_t> by_tokens(windows.size());
  std::iota(by_tokens.begin(), by_tokens.end(), size_t{0});
  std::stable_sort(by_tokens.begin(), by_tokens.end(), [&](size_t a, size_t b) {
    return NumTokens(train, windows[a]) < NumTokens(train, windows[b]);
  });
  std::vector<size_t> chosen;
  for (int64_t i = 0; i < steps; ++i) {
    const double place = (static_cast<double>(i) + 0.5) / static_cast<double>(steps);
    chosen.push_back(by_tokens[static_cast<size_t>(place * static_cast<double>(windows.size()))]);
  }
  std::sort(chosen.begin(), chosen.end());
  std::vector<Window> spread = {windows[by_tokens.back()]};
  for (const size_t i : chosen) spread.push_back(windows[i]);
  return spread;
}

}  // namespace gemtune::train
