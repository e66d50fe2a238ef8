#include "gemtune/train/run/windows.h"

#include <gtest/gtest.h>

namespace gemtune::train {
namespace {

data::Dataset OfLengths(const std::vector<int64_t>& lengths) {
  data::Examples examples;
  for (const int64_t length : lengths) {
    examples.ids.insert(examples.ids.end(), static_cast<size_t>(length), 5);
    examples.offsets.push_back(std::ssize(examples.ids));
    examples.truncated.push_back(0);
  }
  return data::Dataset(std::move(examples));
}

TEST(SpreadOverLengths, TakesEveryLengthAlikeTheLongestFirst) {
  const data::Dataset dataset = OfLengths({50, 10, 80, 20, 60, 30, 70, 40});
  std::vector<Window> windows;
  for (int64_t i = 0; i < 8; ++i) windows.push_back({{i}});
  const auto first_examples = [&](int64_t steps) {
    std::vector<int64_t> examples;
    for (const Window& window : SpreadOverLengths(dataset, windows, steps)) examples.push_back(window[0][0]);
    return examples;
  };
  EXPECT_EQ(first_examples(4), (std::vector<int64_t>{2, 2, 3, 4, 7}));  // 80; then 80, 20, 60, 40
  EXPECT_EQ(first_examples(1), (std::vector<int64_t>{2, 0}));           // 80; then 50
  EXPECT_EQ(first_examples(16).size(), 17u);
}

TEST(Windows, CountWhatTheyHold) {
  const data::Dataset dataset = OfLengths({5, 7, 11});
  EXPECT_EQ(NumTokens(dataset, {{0, 2}, {0}}), 5 + 11 + 5);
  EXPECT_EQ(NumExamples({{0, 2}, {0}}), 3);
}

}  // namespace
}  // namespace gemtune::train
