#include "gemtune/data/sampler.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

#include "tests/data/make_dataset.h"

namespace gemtune::data {
namespace {

using Batches = std::vector<std::vector<int64_t>>;

SamplerOptions Options(int64_t batch_size, bool group_by_length = true, uint64_t seed = 42) {
  return {.batch_size = batch_size, .group_by_length = group_by_length, .seed = seed};
}

std::vector<int64_t> Flat(const Batches& batches) {
  std::vector<int64_t> flat;
  for (const auto& batch : batches) flat.insert(flat.end(), batch.begin(), batch.end());
  return flat;
}

int64_t NumTokens(const Dataset& dataset, const std::vector<int64_t>& batch) {
  int64_t tokens = 0;
  for (const int64_t i : batch) tokens += dataset.length(i);
  return tokens;
}

// Mean over the batches of the longest minus the shortest example.
double MeanSpread(const Dataset& dataset, const Batches& batches) {
  double sum = 0;
  for (const auto& batch : batches) {
    const auto [low, high] = std::minmax_element(batch.begin(), batch.end(), [&](int64_t a, int64_t b) {
      return dataset.length(a) < dataset.length(b);
    });
    sum += static_cast<double>(dataset.length(*high) - dataset.length(*low));
  }
  return sum / static_cast<double>(batches.size());
}

TEST(EpochBatches, EveryExampleIsThereOnceAndOnlyTheLastBatchIsShort) {
  for (const int64_t size : {0, 1, 7, 8, 9, 400, 401, 1003}) {
    const Dataset dataset = MakeDataset(TextLengths(size));
    for (const bool grouped : {false, true}) {
      for (const int64_t batch_size : {1, 8, 5000}) {
        const Batches batches = EpochBatches(dataset, Options(batch_size, grouped), 3);
        ASSERT_EQ(std::ssize(batches), (size + batch_size - 1) / batch_size);
        for (size_t i = 0; i + 1 < batches.size(); ++i) ASSERT_EQ(std::ssize(batches[i]), batch_size);
        std::vector<int64_t> seen = Flat(batches);
        std::sort(seen.begin(), seen.end());
        ASSERT_EQ(std::ssize(seen), size);
        for (int64_t i = 0; i < size; ++i) ASSERT_EQ(seen[i], i);
      }
    }
  }
}

TEST(EpochBatches, TheOrderFollowsFromSeedAndEpoch) {
  const Dataset dataset = MakeDataset(TextLengths(1000));
  for (const bool grouped : {false, true}) {
    const Batches batches = EpochBatches(dataset, Options(8, grouped, 1), 5);
    EXPECT_EQ(batches, EpochBatches(dataset, Options(8, grouped, 1), 5));
    EXPECT_NE(batches, EpochBatches(dataset, Options(8, grouped, 1), 6));
    EXPECT_NE(batches, EpochBatches(dataset, Options(8, grouped, 2), 5));
  }
}

// Frozen: a run that resumes on another machine must find the same order. From golden/generate_shuffle.py.
TEST(EpochBatches, TheOrderIsFrozen) {
  const Dataset dataset = MakeDataset({3, 1, 4, 1, 5, 9, 2, 6, 5, 3});
  EXPECT_EQ(EpochBatches(dataset, Options(4, false), 0), (Batches{{0, 6, 5, 1}, {3, 9, 7, 8}, {4, 2}}));
  EXPECT_EQ(EpochBatches(dataset, Options(4, true), 0), (Batches{{5, 7, 8, 4}, {2, 0, 9, 6}, {1, 3}}));
  EXPECT_EQ(EpochBatches(dataset, Options(4, true), 1), (Batches{{5, 7, 8, 4}, {2, 9, 0, 6}, {3, 1}}));
  EXPECT_EQ(EpochBatches(dataset, Options(2, true), 0), (Batches{{5, 7}, {2, 0}, {8, 4}, {1, 3}, {9, 6}}));
}

TEST(EpochBatches, GroupedBatchesAreOfSimilarLengthInRandomOrder) {
  const Dataset dataset = MakeDataset(TextLengths(4000));
  const Batches plain = EpochBatches(dataset, Options(8, false), 0);
  const Batches grouped = EpochBatches(dataset, Options(8, true), 0);
  EXPECT_LT(MeanSpread(dataset, grouped), 0.1 * MeanSpread(dataset, plain));
  // Not sorted: about half of the neighbours rise.
  int rising = 0;
  for (size_t i = 1; i < grouped.size(); ++i) {
    if (NumTokens(dataset, grouped[i - 1]) < NumTokens(dataset, grouped[i])) ++rising;
  }
  EXPECT_GT(rising, 0.4 * static_cast<double>(grouped.size()));
  EXPECT_LT(rising, 0.6 * static_cast<double>(grouped.size()));
}

TEST(EpochBatches, TheLargestGroupedBatchComesFirst) {
  const Dataset dataset = MakeDataset(TextLengths(1003));
  for (const int64_t epoch : {0, 1, 2}) {
    const Batches batches = EpochBatches(dataset, Options(8), epoch);
    for (const auto& batch : batches) EXPECT_LE(NumTokens(dataset, batch), NumTokens(dataset, batches[0]));
  }
}

TEST(EpochBatches, PackedOnesAreFullAndTheSameInEveryEpoch) {
  const Dataset dataset = MakeDataset(TextLengths(1003));
  const SamplerOptions options{.pack_tokens = 2048, .seed = 42};
  const auto sorted = [](Batches batches) {
    std::ranges::sort(batches);
    return batches;
  };
  const Batches first = EpochBatches(dataset, options, 0), second = EpochBatches(dataset, options, 1);
  EXPECT_NE(first, second);
  EXPECT_EQ(sorted(first), sorted(second));
  EXPECT_EQ(std::ssize(first), NumBatches(dataset, options));
  std::vector<int64_t> all = Flat(first);
  std::ranges::sort(all);
  EXPECT_EQ(std::ssize(all), dataset.size());
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
  for (const auto& batch : first) {
    EXPECT_LE(NumTokens(dataset, batch), 2048);
    EXPECT_LE(NumTokens(dataset, batch), NumTokens(dataset, first[0]));
  }
  const double full = static_cast<double>(dataset.tokens()) / (2048.0 * static_cast<double>(first.size()));
  EXPECT_GT(full, 0.98);
  EXPECT_NE(sorted(first), sorted(EpochBatches(dataset, {.pack_tokens = 2048, .seed = 1}, 0)));
}

TEST(EpochBatches, AnExampleThatIsTooLongIsABatchOfItsOwn) {
  const Dataset dataset = MakeDataset({5, 30, 4, 1});
  EXPECT_EQ(EpochBatches(dataset, {.pack_tokens = 10}, 0), (Batches{{1}, {0, 2, 3}}));
}

TEST(NumBatches, CountsThem) {
  const Dataset dataset = MakeDataset({5, 30, 4, 1, 2});
  for (const SamplerOptions& options :
       {Options(2), Options(5), Options(8, false), SamplerOptions{.pack_tokens = 6}})
    EXPECT_EQ(NumBatches(dataset, options), std::ssize(EpochBatches(dataset, options, 0)));
}

TEST(EpochBatches, RefusesNonsense) {
  EXPECT_THROW(EpochBatches(MakeDataset({1}), Options(0), 0), std::logic_error);
  EXPECT_THROW(EpochBatches(MakeDataset({1}), Options(1), -1), std::logic_error);
}

}  // namespace
}  // namespace gemtune::data
