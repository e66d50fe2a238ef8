#include "gemtune/data/labels/distinct_classes.h"

#include <gmock/gmock.h>

#include "tests/data/labels/raw_labels.h"

namespace gemtune::data {
namespace {

using testing::ElementsAre;
using testing::Pair;

DistinctClasses Resolved(const RawLabels& raw, BadRows* bad = nullptr) {
  DistinctClasses distinct = FindDistinct(RowClasses(raw, LabelKind::kSingle, std::nullopt, bad));
  ResolveFields(raw, distinct, bad);
  ResolveBooleans(distinct);
  return distinct;
}

TEST(DistinctClasses, HaveTheFirstRowThatHasEach) {
  const RawLabels raw = Integers({5, 2, 5});
  EXPECT_THAT(FindDistinct(RowClasses(raw, LabelKind::kSingle, std::nullopt, nullptr)).integers,
              ElementsAre(Pair(2, 1), Pair(5, 0)));
}

TEST(DistinctClasses, FieldsAreWhatAllOfThemTogetherAre) {
  EXPECT_THAT(Resolved(Fields({" 2", "+1", "2.0"})).integers, ElementsAre(Pair(1, 1), Pair(2, 0)));
  EXPECT_EQ(Resolved(Fields({"True", "FALSE", " true"})).booleans.size(), 2u);
  const DistinctClasses names = Resolved(Fields({" 2", "True", "x"}));
  EXPECT_TRUE(names.integers.empty() && names.booleans.empty());
  EXPECT_EQ(names.names.size(), 3u);
}

TEST(DistinctClasses, AMissingValueAmongNumbersIsABadRow) {
  BadRows bad;
  EXPECT_EQ(Resolved(Fields({"1", "NA", "2"}), &bad).integers.size(), 2u);
  EXPECT_TRUE(bad.contains(1));
}

TEST(DistinctClasses, BooleansAmongIntegersAreZeroAndOne) {
  EXPECT_THAT(Resolved(Raw({{true, int64_t{3}, false}})).integers,
              ElementsAre(Pair(0, 2), Pair(1, 0), Pair(3, 1)));
  EXPECT_EQ(Resolved(Raw({{true, std::string("false")}})).booleans.size(), 2u);
}

}  // namespace
}  // namespace gemtune::data
