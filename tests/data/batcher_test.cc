#include "gemtune/data/batcher.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "tests/data/make_dataset.h"

namespace gemtune::data {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Pack, LaysExamplesEndToEnd) {
  const Dataset dataset = MakeDataset({2, 1, 3});
  const PackedBatch batch = Pack(dataset, {2, 0});
  EXPECT_THAT(batch.ids, ElementsAre(2, 2, 2, 0, 0));
  EXPECT_THAT(batch.cu_seqlens, ElementsAre(0, 3, 5));
  EXPECT_THAT(batch.labels, ElementsAre(2, 0));
  EXPECT_THAT(batch.examples, ElementsAre(2, 0));
  EXPECT_EQ(batch.num_tokens(), 5);
  EXPECT_EQ(batch.num_sequences(), 2);
}

TEST(Pack, OfNothingIsEmpty) {
  const PackedBatch batch = Pack(MakeDataset({1}), {});
  EXPECT_THAT(batch.ids, IsEmpty());
  EXPECT_THAT(batch.cu_seqlens, ElementsAre(0));
  EXPECT_EQ(batch.num_sequences(), 0);
}

TEST(Pack, EveryExampleComesBackFromItsBatch) {
  const Dataset dataset = MakeDataset(TextLengths(300));
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < 300; ++i) indices.push_back(i * 7 % 300);
  const PackedBatch batch = Pack(dataset, indices);
  EXPECT_EQ(batch.num_tokens(), dataset.tokens());
  for (size_t s = 0; s < indices.size(); ++s) {
    const std::vector<int64_t> ids(batch.ids.begin() + batch.cu_seqlens[s],
                                   batch.ids.begin() + batch.cu_seqlens[s + 1]);
    const auto expected = dataset.ids(indices[s]);
    EXPECT_TRUE(std::equal(ids.begin(), ids.end(), expected.begin(), expected.end()));
    EXPECT_EQ(batch.labels[s], dataset.label(indices[s])[0]);
  }
}

TEST(Pack, LabelsHaveTheirWidth) {
  Examples examples{.ids = {5, 6}, .offsets = {0, 1, 2}, .truncated = {0, 0}, .label_values = {0, 1, 1, 0}};
  examples.label_kind = LabelKind::kMultiLabel;
  examples.labels.names = {"a", "b"};
  EXPECT_THAT(Pack(Dataset(examples), {1, 0}).labels, ElementsAre(1, 0, 0, 1));
  examples.label_kind = LabelKind::kNone;
  examples.label_values.clear();
  EXPECT_THAT(Pack(Dataset(examples), {1, 0}).labels, IsEmpty());
}

TEST(Pack, TargetsStayWithTheirTokens) {
  const Dataset dataset(
      {.ids = {2, 10, 2, 20, 21}, .offsets = {0, 2, 5}, .truncated = {0, 0}, .is_target = {0, 1, 0, 0, 1}});
  const PackedBatch batch = Pack(dataset, {1, 0, 1});
  EXPECT_THAT(batch.ids, ElementsAre(2, 20, 21, 2, 10, 2, 20, 21));
  EXPECT_THAT(batch.is_target, ElementsAre(0, 0, 1, 0, 1, 0, 0, 1));
  EXPECT_THAT(Pack(MakeDataset({2}), {0}).is_target, IsEmpty());
}

TEST(Pack, RefusesAnIndexThatIsNotThere) {
  EXPECT_ANY_THROW(Pack(MakeDataset({1, 2}), {2}));
  EXPECT_ANY_THROW(Pack(MakeDataset({1, 2}), {-1}));
}

TEST(Cut, KeepsTheOrderAndGivesWhatIsTooLongABatchOfItsOwn) {
  const Dataset dataset = MakeDataset({2, 5, 1, 9, 3});
  EXPECT_THAT(Cut(dataset, {4, 0, 3, 2, 1}, 6, 0),
              ElementsAre(ElementsAre(4, 0), ElementsAre(3), ElementsAre(2, 1)));
  EXPECT_THAT(Cut(dataset, {4, 0, 2}, 6, 0), ElementsAre(ElementsAre(4, 0, 2)));
  EXPECT_THAT(Cut(dataset, {4, 0, 2}, 5, 2), ElementsAre(ElementsAre(4, 0), ElementsAre(2)));
  EXPECT_THAT(Cut(dataset, {1, 3}, 0, 0), ElementsAre(ElementsAre(1, 3)));
  EXPECT_THAT(Cut(dataset, {}, 6, 0), IsEmpty());
}

TEST(BatchesByLength, TheLongestComeFirst) {
  const Dataset dataset = MakeDataset({2, 5, 1, 5, 3});
  EXPECT_THAT(BatchesByLength(dataset, 0, 0), ElementsAre(ElementsAre(1, 3, 4, 0, 2)));
  EXPECT_THAT(BatchesByLength(dataset, 0, 2),
              ElementsAre(ElementsAre(1, 3), ElementsAre(4, 0), ElementsAre(2)));
  EXPECT_THAT(BatchesByLength(dataset, 8, 0),
              ElementsAre(ElementsAre(1), ElementsAre(3, 4), ElementsAre(0, 2)));
  EXPECT_THAT(BatchesByLength(dataset, 10, 0), ElementsAre(ElementsAre(1, 3), ElementsAre(4, 0, 2)));
  EXPECT_THAT(BatchesByLength(MakeDataset({}), 10, 10), IsEmpty());
}

TEST(BatchesByLength, BatchesKeepToTheirBudgets) {
  const Dataset dataset = MakeDataset(TextLengths(2000));
  for (const int64_t max_tokens : {0, 1, 500, 4096}) {
    for (const int64_t max_sequences : {0, 1, 16}) {
      std::map<int64_t, int> seen;
      int64_t previous_length = INT64_MAX;
      for (const auto& batch : BatchesByLength(dataset, max_tokens, max_sequences)) {
        ASSERT_FALSE(batch.empty());
        int64_t tokens = 0;
        for (const int64_t i : batch) {
          ++seen[i];
          tokens += dataset.length(i);
          ASSERT_LE(dataset.length(i), previous_length);
          previous_length = dataset.length(i);
        }
        ASSERT_TRUE(max_tokens == 0 || tokens <= max_tokens || batch.size() == 1);
        ASSERT_TRUE(max_sequences == 0 || std::ssize(batch) <= max_sequences);
      }
      ASSERT_EQ(seen.size(), 2000);
      for (const auto& [i, count] : seen) ASSERT_EQ(count, 1);
    }
  }
}

}  // namespace
}  // namespace gemtune::data
