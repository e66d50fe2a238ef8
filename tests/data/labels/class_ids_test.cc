#include "gemtune/data/labels/class_ids.h"

#include <gmock/gmock.h>

#include "tests/data/labels/raw_labels.h"

namespace gemtune::data {
namespace {

using testing::HasSubstr;

// What a class of the first row's file comes to.
int64_t IdOf(const LabelSet& labels, const RowClass& row_class) {
  const RawLabels raw = Integers({0});
  return ClassIds(raw, labels).Find(0, row_class);
}

std::string Refusal(const LabelSet& labels, const RowClass& row_class) {
  return test::MessageOf([&] { IdOf(labels, row_class); });
}

TEST(ClassIds, AnIntegerIsAnIdOnlyWhereNoNameIsANumber) {
  EXPECT_EQ(IdOf({{"no", "yes"}}, int64_t{1}), 1);
  EXPECT_EQ(IdOf({{"LABEL_1", "LABEL_0"}}, int64_t{1}), 0);
  EXPECT_EQ(IdOf({{"1", "2", "3"}}, int64_t{3}), 2);
  EXPECT_EQ(IdOf({{" 1", " 2"}}, int64_t{2}), 1);
  EXPECT_EQ(IdOf({{"01", "02"}}, ClassName{"2", true}), 1);
  EXPECT_THAT(Refusal({{"1", "2", "3"}}, int64_t{0}), HasSubstr("label 0 is not one of '1', '2', '3'"));
  EXPECT_THAT(Refusal({{"1.5", "2.5"}}, int64_t{1}), HasSubstr("label 1 is not one of"));
}

TEST(ClassIds, ABooleanIsItsNameOrElseZeroOrOne) {
  EXPECT_EQ(IdOf({{"True", "False"}}, true), 0);
  EXPECT_EQ(IdOf({{"false", "true"}}, true), 1);
  EXPECT_EQ(IdOf({{"LABEL_0", "LABEL_1"}}, true), 1);
  EXPECT_EQ(IdOf({{"LABEL_0", "LABEL_1"}}, ClassName{"TRUE", true}), 1);
}

TEST(ClassIds, IntegersMeanOnlyWhatIsKnown) {
  const RawLabels raw = Integers({0});
  const LabelSet labels{{"a", "b", "new"}};
  const ClassIds ids(raw, labels, /*num_known=*/2);
  EXPECT_EQ(ids.Find(0, int64_t{1}), 1);
  EXPECT_FALSE(ids.Knows(0, int64_t{2}));
  EXPECT_TRUE(ids.Knows(0, ClassName{"new"}));
  EXPECT_TRUE(ids.SpellsNumber(ClassName{"7", true}));
  EXPECT_FALSE(ids.SpellsNumber(ClassName{"7", false}));
}

TEST(ClassIds, NamesOfAFileThatAreNoneOfTheLabelsAreWarnedOf) {
  RawLabels raw = Integers({0, 1});
  raw.schemas[0].class_names = {"neg", "pos"};
  const LabelSet labels{{"positive", "negative"}}, same{{"pos", "neg"}};
  const ClassIds others(raw, labels);
  ASSERT_EQ(others.warnings().size(), 1u);
  EXPECT_THAT(others.warnings()[0], HasSubstr("its classes 'neg', 'pos' are not the model's"));
  EXPECT_EQ(others.Find(0, int64_t{0}), 0);
  const ClassIds by_name(raw, same);
  EXPECT_TRUE(by_name.warnings().empty());
  EXPECT_EQ(by_name.Find(0, int64_t{0}), 1);
}

TEST(ClassIds, ANameThatIsThereTwiceIsAnError) {
  EXPECT_THAT(Refusal({{"a", "a"}}, int64_t{0}), HasSubstr("'a' occurs twice"));
}

}  // namespace
}  // namespace gemtune::data
