#include "gemtune/data/labels/loss_weights.h"

#include <gmock/gmock.h>

#include <limits>

#include "tests/data/labels/raw_labels.h"

namespace gemtune::data {
namespace {

using ::testing::ElementsAre;

TEST(LossWeights, AreNumbersOfAnyKind) {
  const std::vector<RawLabel> values = {0.5, int64_t{3}, CsvField{" 1e-3"}, CsvField{"0"}};
  EXPECT_THAT(ReadLossWeights(values, Raw({values}), nullptr), ElementsAre(0.5f, 3, 1e-3f, 0));
}

TEST(LossWeights, RefuseWhatCannotWeigh) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const RawLabel& bad :
       {RawLabel(-1.0), RawLabel(infinity), RawLabel(1e300), RawLabel("2"), RawLabel(true),
        RawLabel(CsvField{"x"}), RawLabel(CsvField{""}), RawLabel(List{0.5})}) {
    const std::vector<RawLabel> values = {1.0, bad};
    EXPECT_THAT(test::MessageOf([&] { ReadLossWeights(values, Raw({values}), nullptr); }),
                testing::MatchesRegex("a.csv: row 2: the loss weight is .*; it must be a number from 0 on"));
    BadRows skipped;
    ReadLossWeights(values, Raw({values}), &skipped);
    EXPECT_EQ(skipped.count(1), 1u);
  }
}

}  // namespace
}  // namespace gemtune::data
