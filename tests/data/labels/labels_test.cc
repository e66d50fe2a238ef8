#include "gemtune/data/labels/labels.h"

#include <gtest/gtest.h>

#include "tests/data/labels/raw_labels.h"

namespace gemtune::data {
namespace {

TEST(RawLabels, TakesTheLabelsOfABatchWithTheirPlaces) {
  RawLabels raw;
  RowBatch batch{.file = 2, .rows = {3, 5}};
  batch.labels = {RawLabel(int64_t{7}), RawLabel(std::string("a"))};
  raw.Append(batch);
  ASSERT_EQ(raw.values.size(), 2u);
  EXPECT_EQ(raw.values[0], RawLabel(int64_t{7}));
  EXPECT_EQ(raw.places[1].file, 2u);
  EXPECT_EQ(raw.places[1].row, 5);
}

TEST(LabelWidth, IsTheNumbersAnExampleHas) {
  const LabelSet none, three{{"a", "b", "c"}};
  EXPECT_EQ(LabelWidth(LabelKind::kNone, three), 0);
  EXPECT_EQ(LabelWidth(LabelKind::kSingle, three), 1);
  EXPECT_EQ(LabelWidth(LabelKind::kMultiLabel, three), 3);
  EXPECT_EQ(LabelWidth(LabelKind::kRegression, none), 1);
  EXPECT_EQ(LabelWidth(LabelKind::kRegression, three), 3);
}

TEST(SourceOf, NamesTheFirstFile) {
  EXPECT_EQ(SourceOf({FileOfPath("a.csv")}), "a.csv");
  EXPECT_EQ(SourceOf({FileOfPath("a.csv"), FileOfPath("b.csv")}), "a.csv and the other files");
}

}  // namespace
}  // namespace gemtune::data
