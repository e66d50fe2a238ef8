#include "gemtune/data/labels/multi_hot.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/data/labels/raw_labels.h"

namespace gemtune::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr LabelKind kKind = LabelKind::kMultiLabel;

template <typename T>
List ListOf(std::initializer_list<T> items) {
  return {items.begin(), items.end()};
}
List Ids(std::initializer_list<int64_t> items) {
  return ListOf(items);
}
List Floats(std::initializer_list<double> items) {
  return ListOf(items);
}
List Truths(std::initializer_list<bool> items) {
  return ListOf(items);
}

Names FoundIn(const std::vector<RawLabel>& rows) {
  return FoundNames(Raw({rows}), kKind);
}
std::vector<float> EncodedAs(const std::vector<RawLabel>& rows, const Names& names) {
  return Encoded(Raw({rows}), names, kKind);
}
std::string FindRefusal(const std::vector<RawLabel>& rows) {
  return FindMessage(Raw({rows}), kKind);
}
std::string EncodeRefusal(const std::vector<RawLabel>& rows, const Names& names) {
  return EncodeMessage(Raw({rows}), names, kKind);
}

constexpr const char* kEither =
    "zeros and ones, which may be ids or one-hot; write one-hot as 1.0 and 0.0 or true and false, ids as "
    "names";

TEST(MultiHot, FloatsAndBooleansSayOfEachClassWhetherItApplies) {
  const auto three = ElementsAre("LABEL_0", "LABEL_1", "LABEL_2");
  for (const std::vector<RawLabel>& rows : {std::vector<RawLabel>{Floats({1, 0, 1}), Floats({0, 0, 0})},
                                            {Truths({true, false, true}), Truths({false, false, false})},
                                            {List{int64_t{1}, 0.0, int64_t{1}}, Ids({0, 0, 0})},
                                            {List{true, int64_t{0}, 1.0}, Truths({false, false, false})}}) {
    EXPECT_THAT(FoundIn(rows), three);
    EXPECT_THAT(EncodedAs(rows, FoundIn(rows)), ElementsAre(1, 0, 1, 0, 0, 0));
    EXPECT_THAT(EncodedAs(rows, {"a", "b", "c"}), ElementsAre(1, 0, 1, 0, 0, 0));
    // The places are ids, whatever integers would mean.
    EXPECT_THAT(EncodedAs(rows, {"3", "2", "1"}), ElementsAre(1, 0, 1, 0, 0, 0));
    EXPECT_THAT(EncodedAs(rows, {"LABEL_2", "LABEL_1", "LABEL_0"}), ElementsAre(1, 0, 1, 0, 0, 0));
  }
  EXPECT_THAT(FoundIn({Floats({1}), Floats({0})}), ElementsAre("LABEL_0"));
  EXPECT_THAT(EncodedAs({Floats({1}), Floats({0})}, {"a"}), ElementsAre(1, 0));
}

TEST(MultiHot, AListThatIsNoneOfThemIsABadRow) {
  EXPECT_EQ(
      FindRefusal({Floats({1, 0}), Floats({0.5, 0})}),
      "a.csv: row 2: label 0.5 is neither 0 nor 1; lists with floats or booleans say of each class whether "
      "it applies; write ids as integers");
  EXPECT_THAT(FindRefusal({Floats({3}), Floats({5})}), HasSubstr("row 1: label 3 is neither 0 nor 1"));
  EXPECT_THAT(FindRefusal({Floats({1, 0}), Floats({std::nan(""), 0})}), HasSubstr("label nan is neither"));
  EXPECT_THAT(FindRefusal({Floats({1, 0}), Floats({1, 0, 0}), Floats({0, 1})}),
              HasSubstr("row 2: the label is a list of 3 zeros and ones, those of other rows are of 2"));
  EXPECT_THAT(FindRefusal({Floats({1, 0}), List{}}),
              HasSubstr("row 2: the label is a list of 0 zeros and ones"));
  EXPECT_THAT(
      FindRefusal({Floats({1, 0}), List{"a"}}),
      HasSubstr("row 2: the label is a list with 'a' in it, those of other rows are of zeros and ones"));
  EXPECT_THAT(FindRefusal({Floats({1, 0}), 1.0}), HasSubstr("row 2: the label is not a list"));
  EXPECT_THAT(EncodeRefusal({Floats({0, 2})}, {"a", "b"}), HasSubstr("label 2 is neither 0 nor 1"));
}

TEST(MultiHot, ItsLengthIsTheNumberOfClasses) {
  EXPECT_EQ(EncodeRefusal({Floats({1, 0})}, {"a", "b", "c"}),
            "a.csv: its labels are lists of 2 zeros and ones, but there are 3 classes: 'a', 'b', 'c'");
  RawLabels raw = Raw({{Floats({0, 1, 1}), Floats({1, 0, 0})}});
  raw.schemas[0].class_names = {"x", "y", "z"};
  EXPECT_THAT(FoundNames(raw, kKind), ElementsAre("x", "y", "z"));
  // A place means the name that the file gives it.
  EXPECT_THAT(Encoded(raw, {"z", "y", "x", "more"}, kKind), ElementsAre(1, 1, 0, 0, 0, 0, 1, 0));
  raw.schemas[0].class_names = {"x", "y"};
  EXPECT_THAT(FindMessage(raw, kKind),
              HasSubstr("lists of 3 zeros and ones, but there are 2 classes: 'x', 'y'"));
}

TEST(MultiHot, IntegersAreWhereIdsCannotBeMeant) {
  EXPECT_THAT(FoundIn({Ids({0, 0, 1}), Ids({0, 0, 0})}), ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
  EXPECT_THAT(EncodedAs({Ids({0, 0, 1}), Ids({1, 0, 1})}, {"a", "b", "c"}), ElementsAre(0, 0, 1, 1, 0, 1));
  EXPECT_THAT(FoundIn({Ids({1, 0}), Ids({1, 1})}), ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_THAT(EncodedAs({Ids({1, 0}), Ids({1, 1})}, {"a", "b"}), ElementsAre(1, 0, 1, 1));
  EXPECT_THAT(EncodedAs({Ids({0, 0})}, {"a", "b"}), ElementsAre(0, 0));
}

TEST(MultiHot, IntegersThatMayBeBothAreRefused) {
  EXPECT_EQ(FindRefusal({Ids({1, 0}), Ids({0, 1})}),
            fmt::format("a.csv: row 1: every label is a list of 2 {}", kEither));
  EXPECT_EQ(FindRefusal({Ids({1}), Ids({0})}),
            fmt::format("a.csv: row 1: every label is a list of 1 {}", kEither));
  EXPECT_THAT(EncodeRefusal({Ids({0, 1})}, {"a", "b"}), HasSubstr(kEither));
  EXPECT_THAT(EncodeRefusal({Ids({0})}, {"a"}), HasSubstr(kEither));
}

TEST(MultiHot, OtherIntegersAreIds) {
  EXPECT_THAT(FoundIn({Ids({1, 0}), Ids({0})}), ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_THAT(FoundIn({Ids({1, 0}), Ids({})}), ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_THAT(FoundIn({Ids({1, 0}), Ids({0, 2})}), ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
  EXPECT_THAT(FoundIn({Ids({0, 0, 1}), Ids({1})}), ElementsAre("LABEL_0", "LABEL_1"));
  // A file of a model with more classes.
  const Names five = {"a", "b", "c", "d", "e"};
  EXPECT_THAT(EncodedAs({Ids({0}), Ids({1})}, five), ElementsAre(1, 0, 0, 0, 0, 0, 1, 0, 0, 0));
  EXPECT_THAT(EncodedAs({Ids({0, 1})}, five), ElementsAre(1, 1, 0, 0, 0));
  RawLabels raw = Raw({{Ids({0}), Ids({1})}});
  raw.schemas[0].class_names = five;
  EXPECT_THAT(FoundNames(raw, kKind), testing::ElementsAreArray(five));
}

TEST(MultiHot, ThatOneListIsLikeItDoesNotMakeAllOfThemSo) {
  const std::vector<RawLabel> rows = {Ids({2, 5}), Floats({1, 0}), Ids({3})};
  EXPECT_THAT(
      FindRefusal(rows),
      HasSubstr("row 2: the label is a list with a float or a boolean in it, which says of each class "
                "whether it applies; those of other rows are of ids or names"));
  BadRows bad;
  EXPECT_THAT(FoundNames(Raw({rows}), kKind, &bad), ElementsAre("2", "3", "5"));
  EXPECT_THAT(bad, ElementsAre(testing::Key(1)));
}

TEST(MultiHot, BadRowsDoNotDecideWhereTheyAreLeftOut) {
  BadRows bad;
  const std::vector<RawLabel> rows = {"no list", Ids({0, 0, 1}), List{""}, Ids({1, 1, 1}), int64_t{1}};
  EXPECT_THAT(FoundNames(Raw({rows}), kKind, &bad), ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
  EXPECT_THAT(bad, ElementsAre(testing::Key(0), testing::Key(2), testing::Key(4)));
  const std::vector<float> values = Encoded(Raw({rows}), {"LABEL_0", "LABEL_1", "LABEL_2"}, kKind, &bad);
  EXPECT_THAT(std::vector<float>(values.begin() + 3, values.begin() + 6), ElementsAre(0, 0, 1));
  bad.clear();
  EXPECT_THAT(FoundNames(Raw({{Floats({1, 0}), Floats({0.5, 0}), Floats({1})}}), kKind, &bad),
              ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_THAT(bad, ElementsAre(testing::Key(1), testing::Key(2)));
}

TEST(MultiHot, IsOfListsOnly) {
  EXPECT_THAT(FindMessage(Raw({{Floats({1, 0}), Floats({0, 1})}})),
              HasSubstr("row 1: the label is a list; lists "
                        "are for multi-label"));
  EXPECT_THAT(PlacesOfOnes(Raw({{Floats({})}}), 0, {}, 0), IsEmpty());
}

}  // namespace
}  // namespace gemtune::data
