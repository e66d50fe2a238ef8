#include "gemtune/data/labels/row_classes.h"

#include <gmock/gmock.h>

#include "tests/data/labels/raw_labels.h"

namespace gemtune::data {
namespace {

using testing::HasSubstr;

std::vector<std::pair<size_t, RowClass>> ClassesOf(const RawLabels& raw, LabelKind kind,
                                                   BadRows* bad = nullptr) {
  std::vector<std::pair<size_t, RowClass>> classes;
  RowClasses(raw, kind, std::nullopt, bad).ForEach([&](size_t i, const RowClass& row_class) {
    classes.emplace_back(i, row_class);
  });
  return classes;
}

TEST(RowClasses, OfSingleLabelsAreOneARow) {
  const RawLabels raw = Raw({{int64_t{3}, 4.0, true, std::string("a"), CsvField{"b"}}});
  const auto classes = ClassesOf(raw, LabelKind::kSingle);
  ASSERT_EQ(classes.size(), 5u);
  EXPECT_EQ(std::get<int64_t>(classes[1].second), 4);  // a float that is whole
  EXPECT_TRUE(std::get<bool>(classes[2].second));
  EXPECT_FALSE(std::get<ClassName>(classes[3].second).is_field);
  EXPECT_TRUE(std::get<ClassName>(classes[4].second).is_field);
}

TEST(RowClasses, OfListsAreTheirItemsOrThePlacesOfOnes) {
  const RawLabels ids = Raw({{List{int64_t{2}, std::string("a")}, List{}}});
  EXPECT_EQ(ClassesOf(ids, LabelKind::kMultiLabel).size(), 2u);
  const RawLabels hot =
      Raw({{List{int64_t{0}, int64_t{1}, int64_t{1}}, List{int64_t{0}, int64_t{0}, int64_t{0}}}});
  EXPECT_EQ(RowClasses(hot, LabelKind::kMultiLabel, std::nullopt, nullptr).multi_hot_length(), 3u);
  const auto places = ClassesOf(hot, LabelKind::kMultiLabel);
  ASSERT_EQ(places.size(), 2u);
  EXPECT_EQ(std::get<ClassPlace>(places[1].second).index, 2u);
}

TEST(RowClasses, ALabelThatDoesNotFitIsOfItsRow) {
  const RawLabels raw = Raw({{int64_t{1}, 0.5, std::string("")}});
  EXPECT_THAT(test::MessageOf([&] { ClassesOf(raw, LabelKind::kSingle); }),
              HasSubstr("a.csv: row 2: label 0.5"));
  BadRows bad;
  EXPECT_EQ(ClassesOf(raw, LabelKind::kSingle, &bad).size(), 1u);
  EXPECT_EQ(bad.size(), 2u);
}

}  // namespace
}  // namespace gemtune::data
