#include "gemtune/data/arrow_column.h"

#include <arrow/api.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/support/message_of.h"

namespace gemtune::data {
namespace {

using test::MessageOf;

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> Array(const std::vector<std::optional<Value>>& values) {
  Builder builder;
  for (const auto& value : values) {
    EXPECT_TRUE((value ? builder.Append(*value) : builder.AppendNull()).ok());
  }
  return builder.Finish().ValueOrDie();
}

TEST(ArrowColumn, KnowsTextAndLabelTypes) {
  for (const auto& type : {arrow::utf8(), arrow::large_utf8(), arrow::utf8_view(), arrow::binary(),
                           arrow::dictionary(arrow::int8(), arrow::utf8())}) {
    EXPECT_TRUE(IsTextType(*type)) << type->ToString();
  }
  for (const auto& type : {arrow::int64(), arrow::list(arrow::utf8()), arrow::date32()})
    EXPECT_FALSE(IsTextType(*type));
  for (const auto& type :
       {arrow::uint8(), arrow::float32(), arrow::boolean(), arrow::utf8(), arrow::list(arrow::int32()),
        arrow::large_list(arrow::utf8()), arrow::fixed_size_list(arrow::int8(), 2),
        arrow::list(arrow::float64()), arrow::list(arrow::float32()), arrow::list(arrow::boolean()),
        arrow::dictionary(arrow::int8(), arrow::float64())}) {
    EXPECT_TRUE(IsLabelType(*type)) << type->ToString();
  }
  for (const auto& type : {arrow::date32(), arrow::list(arrow::date32()),
                           arrow::list(arrow::list(arrow::int8())), arrow::decimal128(10, 2)}) {
    EXPECT_FALSE(IsLabelType(*type)) << type->ToString();
  }
}

TEST(ArrowColumn, ReadsValuesAndNulls) {
  const auto text = Array<arrow::StringBuilder, std::string>({"a", std::nullopt, ""});
  EXPECT_EQ(TextAt(*text, 0), "a");
  EXPECT_EQ(TextAt(*text, 1), std::nullopt);
  EXPECT_EQ(TextAt(*text, 2), "");
  EXPECT_EQ(LabelAt(*Array<arrow::Int8Builder, int8_t>({-3}), 0), RawLabel(int64_t{-3}));
  EXPECT_EQ(LabelAt(*Array<arrow::DoubleBuilder, double>({0.5}), 0), RawLabel(0.5));
  EXPECT_EQ(LabelAt(*Array<arrow::BooleanBuilder, bool>({true}), 0), RawLabel(true));
  EXPECT_EQ(LabelAt(*Array<arrow::Int8Builder, int8_t>({std::nullopt}), 0), std::nullopt);
}

TEST(ArrowColumn, ReadsConversationsAsJson) {
  const auto turn = arrow::struct_({arrow::field("role", arrow::utf8()), arrow::field("n", arrow::int8())});
  EXPECT_TRUE(IsJsonType(*arrow::list(turn)));
  EXPECT_FALSE(IsJsonType(*arrow::list(arrow::date32())));
  const auto roles = Array<arrow::StringBuilder, std::string>({"user", std::nullopt, "model"});
  const auto numbers = Array<arrow::Int8Builder, int8_t>({1, 2, std::nullopt});
  const auto turns = arrow::StructArray::Make({roles, numbers}, turn->fields()).ValueOrDie();
  const auto offsets = Array<arrow::Int32Builder, int32_t>({0, 2, 3, 3});
  const auto lists = arrow::ListArray::FromArrays(*offsets, *turns).ValueOrDie();
  EXPECT_EQ(JsonAt(*lists, 0).dump(), R"([{"n":1,"role":"user"},{"n":2,"role":null}])");
  EXPECT_EQ(JsonAt(*lists, 1).dump(), R"([{"n":null,"role":"model"}])");
  EXPECT_EQ(JsonAt(*lists, 2).dump(), "[]");
  CheckArray("a.parquet", *lists);
}

// The reader checks text itself, because it knows the row; offsets that lead out of it are found here.
TEST(ArrowColumn, TextWithinListsNeedNotBeUtf8) {
  const auto text = Array<arrow::StringBuilder, std::string>({"caf\xe9"});
  const auto good = Array<arrow::Int32Builder, int32_t>({0, 1}),
             bad = Array<arrow::Int32Builder, int32_t>({0, 9});
  CheckArray("a.parquet", *arrow::ListArray::FromArrays(*good, *text).ValueOrDie());
  const arrow::ListArray broken(arrow::list(arrow::utf8()), 1, bad->data()->buffers[1], text);
  EXPECT_THAT(MessageOf([&] { CheckArray("a.parquet", broken); }), testing::HasSubstr("a.parquet"));
}

TEST(ArrowColumn, ReadsListsOfLabels) {
  arrow::ListBuilder lists(arrow::default_memory_pool(), std::make_shared<arrow::Int32Builder>());
  auto& values = static_cast<arrow::Int32Builder&>(*lists.value_builder());
  ASSERT_TRUE(lists.Append().ok() && values.Append(4).ok() && values.Append(2).ok());
  ASSERT_TRUE(lists.Append().ok());
  ASSERT_TRUE(lists.Append().ok() && values.AppendNull().ok());
  const auto array = lists.Finish().ValueOrDie();
  EXPECT_EQ(LabelAt(*array, 0), RawLabel(std::vector<RawClass>{int64_t{4}, int64_t{2}}));
  EXPECT_EQ(LabelAt(*array, 1), RawLabel(std::vector<RawClass>{}));
  EXPECT_EQ(LabelAt(*array, 2), std::nullopt);  // a null inside
}

TEST(ArrowColumn, AListKeepsTheTypeOfItsItems) {
  const auto only_list = [](const auto& builder, auto value) {
    arrow::ListBuilder lists(arrow::default_memory_pool(), builder);
    EXPECT_TRUE(lists.Append().ok() && builder->Append(value).ok());
    return LabelAt(*lists.Finish().ValueOrDie(), 0);
  };
  EXPECT_EQ(only_list(std::make_shared<arrow::DoubleBuilder>(), 0.5), RawLabel(std::vector<RawClass>{0.5}));
  EXPECT_EQ(only_list(std::make_shared<arrow::FloatBuilder>(), 1.0f), RawLabel(std::vector<RawClass>{1.0}));
  EXPECT_EQ(only_list(std::make_shared<arrow::BooleanBuilder>(), true),
            RawLabel(std::vector<RawClass>{true}));
  EXPECT_EQ(only_list(std::make_shared<arrow::Int8Builder>(), int8_t{1}),
            RawLabel(std::vector<RawClass>{int64_t{1}}));
}

TEST(ArrowColumn, RefusesIntegersBeyond63Bits) {
  const auto array = Array<arrow::UInt64Builder, uint64_t>({~uint64_t{0}});
  EXPECT_NE(MessageOf([&] { LabelAt(*array, 0); }), "");
}

TEST(ArrowColumn, RefusesOffsetsThatLeadOutOfTheBuffers) {
  const auto good = Array<arrow::StringBuilder, std::string>({"abc"});
  EXPECT_NO_THROW(CheckArray("f.parquet", *good));
  const std::vector<int32_t> offsets = {0, 1000};
  const auto data = arrow::ArrayData::Make(
      arrow::utf8(), 1, {nullptr, arrow::Buffer::Wrap(offsets), arrow::Buffer::FromString("abc")});
  EXPECT_THAT(MessageOf([&] { CheckArray("f.parquet", *arrow::MakeArray(data)); }),
              testing::StartsWith("f.parquet: "));
}

}  // namespace
}  // namespace gemtune::data
