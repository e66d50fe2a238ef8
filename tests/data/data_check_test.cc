#include "gemtune/data/data_check.h"

#include <gmock/gmock.h>

#include "tests/data/make_dataset.h"

namespace gemtune::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int32_t kBegin = 2;

// Each row has its own token after <bos>, and the given classes.
Dataset Rows(const std::vector<int32_t>& tokens, const std::vector<std::vector<float>>& labels,
             LabelKind kind = LabelKind::kSingle) {
  Examples examples;
  examples.label_kind = kind;
  if (kind != LabelKind::kRegression) examples.labels.names = {"good", "bad", "ugly"};
  for (size_t i = 0; i < tokens.size(); ++i) {
    examples.ids.push_back(kBegin);
    if (tokens[i] != kBegin) examples.ids.push_back(tokens[i]);
    examples.offsets.push_back(std::ssize(examples.ids));
    examples.truncated.push_back(0);
    examples.label_values.insert(examples.label_values.end(), labels[i].begin(), labels[i].end());
  }
  return Dataset(std::move(examples));
}

// `counts` rows of each class, tokens from `token` on.
Dataset OfClasses(const std::vector<int64_t>& counts, int32_t token = 100) {
  std::vector<int32_t> tokens;
  std::vector<std::vector<float>> labels;
  for (size_t c = 0; c < counts.size(); ++c) {
    for (int64_t i = 0; i < counts[c]; ++i) {
      tokens.push_back(token++);
      labels.push_back({static_cast<float>(c)});
    }
  }
  return Rows(tokens, labels);
}

std::vector<std::string> Warnings(const Dataset& train, const Dataset* validation = nullptr,
                                  const Dataset* test = nullptr) {
  return DataWarnings({&train, validation, test}, std::vector<int32_t>{kBegin});
}

TEST(LongestExample, IsCounted) {
  EXPECT_EQ(LongestExample(MakeDataset({3, 9, 7})), 9);
}

TEST(LengthHistogram, BucketsDoubleUpToTheLongest) {
  const auto buckets = LengthHistogram(MakeDataset({1, 32, 33, 64, 65, 100, 128, 129, 200}));
  EXPECT_THAT(buckets, ElementsAre(LengthBucket{1, 32, 2}, LengthBucket{33, 64, 2}, LengthBucket{65, 128, 3},
                                   LengthBucket{129, 200, 2}));
}

TEST(LengthHistogram, ShortOnesShareOneBucket) {
  EXPECT_THAT(LengthHistogram(MakeDataset({5, 7})), ElementsAre(LengthBucket{1, 7, 2}));
  EXPECT_THAT(LengthHistogram(MakeDataset({64})), ElementsAre(LengthBucket{33, 64, 1}));
}

TEST(DataWarnings, ThereAreNoneWhereNothingIsWrong) {
  const Dataset train = OfClasses({10, 1, 3}), test = OfClasses({1, 1, 1}, /*token=*/500);
  EXPECT_THAT(Warnings(train, nullptr, &test), IsEmpty());
}

TEST(DataWarnings, LessThanATenthIsImbalance) {
  EXPECT_THAT(Warnings(OfClasses({11, 1, 3})),
              ElementsAre("unbalanced labels: 11 training examples are 'good' and at most 1 'bad'; accuracy "
                          "says little then, look at macro_f1"));
}

TEST(DataWarnings, OfSeveralLabelsEachIsItsOwnQuestion) {
  std::vector<int32_t> tokens;
  std::vector<std::vector<float>> labels;
  for (int32_t i = 0; i < 12; ++i) {
    tokens.push_back(100 + i);
    // good: 6 of 12, bad: 1 of 12, ugly: 11 of 12.
    labels.push_back({i % 2 == 0 ? 1.0f : 0.0f, i == 3 ? 1.0f : 0.0f, i == 5 ? 0.0f : 1.0f});
  }
  EXPECT_THAT(Warnings(Rows(tokens, labels, LabelKind::kMultiLabel)),
              ElementsAre(HasSubstr("nearly all or nearly none of 12 training examples are 'bad', 'ugly'")));
}

TEST(DataWarnings, AClassThatIsOnlyMeasuredCannotBeLearned) {
  const Dataset train = OfClasses({2, 2, 0}), validation = OfClasses({1, 0, 0}, 300),
                test = OfClasses({1, 0, 4}, 500);
  EXPECT_THAT(
      Warnings(train, &validation, &test),
      ElementsAre(
          "no training example is of the class 'ugly': the model cannot learn it; 4 of the test data"));
}

TEST(DataWarnings, RowsThatStandInTheTrainingDataAreCounted) {
  const Dataset train = OfClasses({2, 2, 2}), apart = OfClasses({1, 1, 1}, 300),
                shared = Rows({100, 105, 900}, {{0}, {1}, {2}});
  EXPECT_EQ(CountShared(shared, train), 2);
  EXPECT_THAT(
      Warnings(train, &apart, &shared),
      ElementsAre("2 of 3 test rows stand in the training data, too: what is measured on them is memory"));
}

TEST(DataWarnings, EmptyTextsAreCounted) {
  const Dataset train = Rows({100, kBegin, kBegin}, {{0.5f}, {1}, {2}}, LabelKind::kRegression);
  EXPECT_THAT(Warnings(train), ElementsAre("2 of 3 training texts are empty"));
}

TEST(DataWarnings, OutputsAreNoClasses) {
  const Dataset train({.ids = {5, 6},
                       .offsets = {0, 1, 2},
                       .truncated = {0, 0},
                       .label_values = {0.5f, 0, 1, 0},
                       .label_kind = LabelKind::kRegression,
                       .labels = {{"LABEL_0", "LABEL_1"}}});
  EXPECT_THAT(CountClasses(train), IsEmpty());
  EXPECT_THAT(Warnings(train), IsEmpty());
}

}  // namespace
}  // namespace gemtune::data
