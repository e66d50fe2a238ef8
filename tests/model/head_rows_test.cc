#include "gemtune/model/head_rows.h"

#include <gmock/gmock.h>

namespace gemtune::model {
namespace {

using testing::ElementsAre;
using testing::Optional;
using Rows = std::vector<std::optional<int64_t>>;

constexpr const char* kSingle = "single_label_classification";

TEST(HeadRows, FollowTheNames) {
  const ClassifierHead before{kSingle, {"positive", "negative"}};
  EXPECT_EQ(HeadRows(before, {kSingle, {"negative", "positive"}}), (Rows{1, 0}));
  EXPECT_EQ(HeadRows(before, {kSingle, {"neutral", "positive"}}), (Rows{std::nullopt, 0}));
  EXPECT_EQ(HeadRows(before, {"multi_label_classification", {"negative"}}), (Rows{1}));
  EXPECT_EQ(HeadRows(before, {kSingle, {"LABEL_0", "LABEL_1"}}), (Rows{std::nullopt, std::nullopt}));
  EXPECT_EQ(HeadRows({kSingle, {"same", "same"}}, {kSingle, {"same", "same"}}), (Rows{0, 1}));
}

TEST(HeadRows, WithoutNamesGoByTheirIds) {
  const ClassifierHead before{kSingle, {"LABEL_0", "LABEL_1"}};
  EXPECT_TRUE(HasDefaultNames(before));
  EXPECT_EQ(HeadRows(before, {kSingle, {"no", "yes"}}), (Rows{0, 1}));
  EXPECT_EQ(HeadRows(before, {kSingle, {"no", "yes", "maybe"}}), Rows(3));
  EXPECT_EQ(HeadRows(before, {kSingle, {"LABEL_0", "LABEL_1", "LABEL_2"}}), (Rows{0, 1, std::nullopt}));
}

TEST(HeadRows, OfRegressionAreNoClasses) {
  const ClassifierHead one{"regression", {"LABEL_0"}}, two{"regression", {"LABEL_0", "LABEL_1"}};
  EXPECT_EQ(HeadRows(two, two), (Rows{0, 1}));
  EXPECT_EQ(HeadRows(one, two), Rows(2));
  EXPECT_EQ(HeadRows(two, {kSingle, {"LABEL_0", "LABEL_1"}}), Rows(2));
  EXPECT_EQ(HeadRows({kSingle, {"LABEL_0", "LABEL_1"}}, two), Rows(2));
}

TEST(DescribeHead, SaysWhatIsKeptAddedAndLeftOut) {
  const ClassifierHead before{kSingle, {"a", "b"}};
  EXPECT_EQ(DescribeHead(before, before), "head: continues with the model's 'a', 'b'");
  EXPECT_EQ(DescribeHead(before, {kSingle, {"a", "c"}}),
            "head: continues with the model's 'a'; 'c' begin at zero; 'b' left out");
  EXPECT_EQ(DescribeHead(before, {"regression", {"LABEL_0"}}),
            "head: starts from zero; the model's (single_label_classification, 'a', 'b') is not used");
}

}  // namespace
}  // namespace gemtune::model
