#include "gemtune/io/gguf_writer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "gemtune/io/gguf.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::io {
namespace {

namespace fs = std::filesystem;
using kernels::BlockType;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class GgufWriting : public test::TempDir {
 protected:
  const fs::path file_ = dir_ / "m.gguf";
};

std::vector<float> Numbers(int64_t count) {
  std::vector<float> numbers(static_cast<size_t>(count));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = std::sin(static_cast<float>(i));
  return numbers;
}

TEST_F(GgufWriting, MetadataOfEveryTypeIsReadAsWritten) {
  GgufMetadata metadata;
  metadata.Set("u8", uint8_t{200})
      .Set("i8", int8_t{-100})
      .Set("u16", uint16_t{60000})
      .Set("i16", int16_t{-30000})
      .Set("u32", uint32_t{4000000000})
      .Set("i32", int32_t{-2000000000})
      .Set("u64", std::numeric_limits<uint64_t>::max())
      .Set("i64", std::numeric_limits<int64_t>::min())
      .Set("f32", 0.1f)
      .Set("f64", 0.1)
      .Set("yes", true)
      .Set("text", std::string("a\0b", 3))
      .Set("literal", "llama")
      .Set("texts", std::vector<std::string>{"x", "", "yz"})
      .Set("floats", std::vector<float>{1.5f, -2.0f})
      .Set("doubles", std::vector<double>{0.25})
      .Set("ints", std::vector<int32_t>{-1, 7})
      .Set("bytes", std::vector<uint8_t>{255})
      .Set("longs", std::vector<int64_t>{-5})
      .Set("none", std::vector<std::string>{});
  EXPECT_EQ(metadata.size(), 20u);
  io::GgufWriter(file_, metadata, {}).Commit();
  const GgufFile file = GgufFile::Open(file_);
  EXPECT_EQ(file.Required<uint32_t>("u8"), 200u);
  EXPECT_EQ(file.Required<int32_t>("i8"), -100);
  EXPECT_EQ(file.Required<int64_t>("u16"), 60000);
  EXPECT_EQ(file.Required<int32_t>("i16"), -30000);
  EXPECT_EQ(file.Required<uint32_t>("u32"), 4000000000u);
  EXPECT_EQ(file.Required<int32_t>("i32"), -2000000000);
  EXPECT_EQ(file.Required<uint64_t>("u64"), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(file.Required<int64_t>("i64"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(file.Required<double>("f32"), double{0.1f});
  EXPECT_EQ(file.Required<double>("f64"), 0.1);
  EXPECT_TRUE(file.Required<bool>("yes"));
  EXPECT_EQ(file.Required<std::string_view>("text"), std::string_view("a\0b", 3));
  EXPECT_EQ(file.Required<std::string_view>("literal"), "llama");
  EXPECT_THAT(file.Required<std::span<const std::string_view>>("texts"), ElementsAre("x", "", "yz"));
  EXPECT_THAT(file.Required<std::vector<float>>("floats"), ElementsAre(1.5f, -2.0f));
  EXPECT_THAT(file.Required<std::vector<float>>("doubles"), ElementsAre(0.25f));
  EXPECT_THAT(file.Required<std::vector<int32_t>>("ints"), ElementsAre(-1, 7));
  EXPECT_THAT(file.Required<std::vector<int32_t>>("bytes"), ElementsAre(255));
  EXPECT_THAT(file.Required<std::vector<int32_t>>("longs"), ElementsAre(-5));
  EXPECT_TRUE(file.Required<std::span<const std::string_view>>("none").empty());
}

TEST_F(GgufWriting, AKeyTwiceIsABug) {
  GgufMetadata metadata;
  metadata.Set("a", true);
  EXPECT_THROW(metadata.Set("a", 1.0f), std::logic_error);
}

// Sizes that are no multiples of the alignment, and a tensor larger than what is rounded at a time.
TEST_F(GgufWriting, TensorsAreReadAsWritten) {
  const std::vector<GgufTensorEntry> entries = {{"norm", BlockType::kF32, {5}},
                                                {"half", BlockType::kF16, {3, 7}},
                                                {"bf", BlockType::kBF16, {1}},
                                                {"q8", BlockType::kQ8_0, {3, 64}},
                                                {"q4", BlockType::kQ4_0, {2, 3, 32}},
                                                {"k", BlockType::kQ6_K, {1, 256}},
                                                {"large", BlockType::kQ8_0, {129, int64_t{1} << 18}}};
  io::GgufWriter writer(file_, {}, entries);
  for (const GgufTensorEntry& entry : entries) {
    int64_t count = 1;
    for (const int64_t size : entry.shape) count *= size;
    writer.Write(Numbers(count));
  }
  EXPECT_FALSE(fs::exists(file_));
  writer.Commit();
  EXPECT_EQ(fs::file_size(file_) % 32, 0u);

  const GgufFile file = GgufFile::Open(file_);
  ASSERT_EQ(file.tensors().size(), entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const GgufTensor& tensor = file.tensors()[i];
    EXPECT_EQ(tensor.name, entries[i].name);
    EXPECT_EQ(tensor.type, entries[i].type);
    EXPECT_EQ(tensor.shape, entries[i].shape);
    ASSERT_EQ(static_cast<int64_t>(tensor.data.size()), entries[i].bytes());
    const kernels::BlockTypeInfo& info = kernels::Info(tensor.type);
    const int64_t count = entries[i].bytes() / info.bytes * info.elements;
    std::vector<float> back(static_cast<size_t>(count));
    kernels::Dequantize(tensor.type, tensor.data.data(), count, back.data());
    const std::vector<float> numbers = Numbers(count);
    const float bound = tensor.type == BlockType::kF32 ? 0 : tensor.type == BlockType::kQ4_0 ? 0.14f : 0.03f;
    float worst = 0;
    for (size_t j = 0; j < numbers.size(); ++j) worst = std::max(worst, std::fabs(back[j] - numbers[j]));
    EXPECT_LE(worst, bound) << tensor.name;
  }
}

TEST_F(GgufWriting, PiecesOfATensorFollowOneAnother) {
  const std::vector<float> numbers = Numbers(192);
  const std::span<const float> all = numbers;
  io::GgufWriter writer(file_, {}, {{"a", BlockType::kQ8_0, {6, 32}}, {"b", BlockType::kF32, {2}}});
  writer.Write(all.first(64));
  writer.Write(all.subspan(64, 32));
  EXPECT_THROW(writer.Write(numbers), std::logic_error);  // more than there is room for
  EXPECT_THROW(writer.Commit(), std::logic_error);
  writer.Write(all.subspan(96));
  writer.Write(all.first(2));
  writer.Commit();
  const GgufFile file = GgufFile::Open(file_);
  std::vector<float> back(192);
  kernels::Dequantize(BlockType::kQ8_0, file.tensors()[0].data.data(), 192, back.data());
  for (size_t i = 0; i < 192; ++i) EXPECT_NEAR(back[i], numbers[i], 0.01f);
}

TEST_F(GgufWriting, NumbersThatDoNotFitAreNamedAndLeaveNoFile) {
  const auto write = [&](BlockType type, float number) {
    std::vector<float> numbers = Numbers(256);
    numbers[200] = number;
    io::GgufWriter writer(file_, {}, {{"blk.0.attn_q.weight", type, {1, 256}}});
    writer.Write(numbers);
  };
  EXPECT_EQ(
      test::MessageOf([&] { write(BlockType::kF32, std::nanf("")); }),
      file_.string() + ": 'blk.0.attn_q.weight' holds a number that is not finite, or too large for F32");
  EXPECT_THAT(test::MessageOf([&] { write(BlockType::kF16, 1e5f); }), HasSubstr("too large for F16"));
  EXPECT_TRUE(fs::is_empty(dir_));
}

TEST_F(GgufWriting, AFolderThatIsNotThereIsARunError) {
  EXPECT_THROW(io::GgufWriter(dir_ / "none" / "m.gguf", {}, {}), RunError);
}

}  // namespace
}  // namespace gemtune::io
