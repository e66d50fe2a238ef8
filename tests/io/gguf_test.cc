#include "gemtune/io/gguf.h"

#include <gmock/gmock.h>

#include <fstream>
#include <limits>

#include "tests/support/gguf_writer.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::io {
namespace {

using ::gemtune::test::GgufWriter;
using ::gemtune::test::MessageOf;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Gguf : public test::TempDir {
 protected:
  GgufFile Open(const std::string& bytes) {
    std::ofstream(dir_ / "m.gguf", std::ios::binary) << bytes;
    return GgufFile::Open(dir_ / "m.gguf");
  }
  GgufFile Open(const GgufWriter& writer) { return Open(writer.Bytes()); }
  std::string Fault(const std::string& bytes) {
    return MessageOf([&] { Open(bytes); });
  }
  std::string Fault(const GgufWriter& writer) { return Fault(writer.Bytes()); }
};

template <typename T>
std::string Raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string RawText(const std::string& text) {
  return Raw(uint64_t{text.size()}) + text;
}

std::string Header(uint64_t tensors, uint64_t pairs, uint32_t version = 3) {
  return "GGUF" + Raw(version) + Raw(tensors) + Raw(pairs);
}

TEST_F(Gguf, ReadsMetadataOfEveryType) {
  const GgufFile file = Open(GgufWriter()
                                 .Set("u8", uint8_t{200})
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
                                 .Set("texts", std::vector<std::string>{"x", "", "yz"})
                                 .Set("floats", std::vector<float>{1.5f, -2.0f})
                                 .Set("doubles", std::vector<double>{0.25})
                                 .Set("ints", std::vector<int32_t>{-1, 7})
                                 .Set("bytes", std::vector<uint8_t>{255})
                                 .Set("longs", std::vector<int64_t>{-5})
                                 .Set("none", std::vector<std::string>{}));
  EXPECT_EQ(file.Required<uint32_t>("u8"), 200u);
  EXPECT_EQ(file.Required<int32_t>("i8"), -100);
  EXPECT_EQ(file.Required<int64_t>("u16"), 60000);
  EXPECT_EQ(file.Required<int32_t>("i16"), -30000);
  EXPECT_EQ(file.Required<uint32_t>("u32"), 4000000000u);
  EXPECT_EQ(file.Required<int32_t>("i32"), -2000000000);
  EXPECT_EQ(file.Required<uint64_t>("u64"), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(file.Required<int64_t>("i64"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(file.Required<float>("f32"), 0.1f);
  EXPECT_EQ(file.Required<double>("f32"), double{0.1f});
  EXPECT_EQ(file.Required<double>("f64"), 0.1);
  EXPECT_TRUE(file.Required<bool>("yes"));
  EXPECT_EQ(file.Required<std::string_view>("text"), std::string_view("a\0b", 3));
  EXPECT_THAT(file.Required<std::span<const std::string_view>>("texts"), ElementsAre("x", "", "yz"));
  EXPECT_THAT(file.Required<std::vector<float>>("floats"), ElementsAre(1.5f, -2.0f));
  EXPECT_THAT(file.Required<std::vector<float>>("doubles"), ElementsAre(0.25f));
  EXPECT_THAT(file.Required<std::vector<int32_t>>("ints"), ElementsAre(-1, 7));
  EXPECT_THAT(file.Required<std::vector<int32_t>>("bytes"), ElementsAre(255));
  EXPECT_THAT(file.Required<std::vector<int32_t>>("longs"), ElementsAre(-5));
  EXPECT_TRUE(file.Required<std::span<const std::string_view>>("none").empty());
  EXPECT_EQ(file.Find("other"), nullptr);
  EXPECT_EQ(file.Optional<bool>("other"), std::nullopt);
  EXPECT_TRUE(std::holds_alternative<double>(*file.Find("f32")));
}

TEST_F(Gguf, AccessorsNameTheKeyAndBothTypes) {
  const GgufFile file = Open(GgufWriter()
                                 .Set("n", uint32_t{3000000000})
                                 .Set("negative", int8_t{-1})
                                 .Set("s", "text")
                                 .Set("wide", std::vector<uint32_t>{3000000000}));
  EXPECT_THAT(MessageOf([&] { file.Required<bool>("gone"); }),
              HasSubstr("m.gguf: metadata 'gone' is missing"));
  EXPECT_THAT(MessageOf([&] { file.Required<int32_t>("n"); }),
              HasSubstr("'n' is the integer 3000000000; expected an integer that fits int32"));
  EXPECT_THAT(MessageOf([&] { file.Optional<uint64_t>("negative"); }), HasSubstr("fits uint64"));
  EXPECT_THAT(MessageOf([&] { file.Optional<float>("s"); }), HasSubstr("'s' is a string; expected a float"));
  EXPECT_THAT(MessageOf([&] { file.Optional<std::string_view>("n"); }), HasSubstr("expected a string"));
  EXPECT_THAT(MessageOf([&] { file.Optional<std::vector<int32_t>>("wide"); }),
              HasSubstr("is an array of uint32; expected an array of integers that fit 32 bits"));
  EXPECT_THAT(MessageOf([&] { file.Optional<std::vector<float>>("wide"); }), HasSubstr("array of floats"));
}

TEST_F(Gguf, ReadsTensorsInPyTorchsOrder) {
  for (const uint32_t version : {2u, 3u}) {
    GgufWriter writer;
    writer.version = version;
    writer.Tensor("a", {2, 3}, {0, 1, 2, 3, 4, 5});
    writer.Tensor("q", 8, {2, 64}, std::string(136, 'q'));
    writer.Tensor("scalar", 0, {}, std::string(4, '\0'));
    writer.Tensor("none", 0, {0, 7}, "");
    const GgufFile file = Open(writer);
    ASSERT_EQ(file.tensors().size(), 4u);
    const GgufTensor& a = file.tensors()[0];
    EXPECT_EQ(a.name, "a");
    EXPECT_EQ(a.type, kernels::BlockType::kF32);
    EXPECT_THAT(a.shape, ElementsAre(2, 3));
    ASSERT_EQ(a.data.size(), 24u);
    float last = 0;
    std::memcpy(&last, a.data.data() + 20, 4);
    EXPECT_EQ(last, 5.0f);
    const GgufTensor& q = file.tensors()[1];
    EXPECT_EQ(q.type, kernels::BlockType::kQ8_0);
    EXPECT_THAT(q.shape, ElementsAre(2, 64));
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(q.data.data()), q.data.size()),
              std::string(136, 'q'));
    EXPECT_EQ(file.tensors()[2].data.size(), 4u);
    EXPECT_EQ(file.tensors()[3].data.size(), 0u);
  }
}

TEST_F(Gguf, HonoursAlignment) {
  GgufWriter writer;
  writer.alignment = 128;
  writer.Set("general.alignment", uint32_t{128}).Tensor("a", {1}, {7.0f}).Tensor("b", {1}, {8.0f});
  const GgufFile file = Open(writer);
  float b = 0;
  std::memcpy(&b, file.tensors()[1].data.data(), 4);
  EXPECT_EQ(b, 8.0f);
  EXPECT_EQ((file.tensors()[1].data.data() - file.file().bytes().data()) % 128, 0);
  for (const uint32_t bad : {0u, 24u}) {
    EXPECT_THAT(Fault(GgufWriter().Set("general.alignment", bad)), HasSubstr("power of two"));
  }
  EXPECT_THAT(Fault(GgufWriter().Set("general.alignment", "32")), HasSubstr("power of two"));
}

TEST_F(Gguf, ViewsOutliveTheFirstHandle) {
  std::optional<GgufFile> copy;
  {
    const GgufFile file = Open(GgufWriter().Set("k", "value").Tensor("a", {1}, {7.0f}));
    copy = file;
  }
  EXPECT_EQ(copy->Required<std::string_view>("k"), "value");
  EXPECT_EQ(copy->tensors()[0].name, "a");
}

TEST_F(Gguf, RefusesWhatIsNoGguf) {
  EXPECT_THAT(Fault(std::string()), HasSubstr("m.gguf: header needs 4 bytes"));
  EXPECT_THAT(Fault("PK\3\4 and more"), HasSubstr("is not a GGUF file"));
  EXPECT_THAT(Fault(Header(0, 0, 1)), HasSubstr("GGUF version 1; 2 and 3"));
  EXPECT_THAT(Fault(Header(0, 0, 0x03000000)), HasSubstr("big endian"));
  EXPECT_THAT(Fault("GGUF" + Raw(uint32_t{3})), HasSubstr("cut short"));
  EXPECT_THROW(GgufFile::Open(dir_), Error);
  Open(Header(0, 0));
  EXPECT_TRUE(GgufFile::HasMagic(dir_ / "m.gguf"));
  std::ofstream(dir_ / "m.gguf") << "GG";
  EXPECT_FALSE(GgufFile::HasMagic(dir_ / "m.gguf"));
  EXPECT_FALSE(GgufFile::HasMagic(dir_ / "missing"));
}

// Each lies about one count or length; none may be believed, let alone allocated.
TEST_F(Gguf, CountsAndLengthsThatLie) {
  constexpr uint64_t kHuge = std::numeric_limits<uint64_t>::max();
  EXPECT_THAT(Fault(Header(0, kHuge)), HasSubstr("metadata key 0"));
  EXPECT_THAT(Fault(Header(kHuge, 0)), HasSubstr("tensor 0"));
  EXPECT_THAT(Fault(Header(0, 1) + Raw(kHuge) + "key"), HasSubstr("needs 18446744073709551615 bytes"));
  const std::string key = Header(0, 1) + RawText("k");
  EXPECT_THAT(Fault(key + Raw(uint32_t{13})), HasSubstr("metadata 'k' has unknown type 13"));
  EXPECT_THAT(Fault(key + Raw(uint32_t{8}) + Raw(kHuge)), HasSubstr("metadata 'k' needs"));
  EXPECT_THAT(Fault(key + Raw(uint32_t{10}) + "1234567"), HasSubstr("metadata 'k' needs 8 bytes"));
  EXPECT_THAT(Fault(key + Raw(uint32_t{7}) + "\2"), HasSubstr("bool of value 2"));
  const std::string array = key + Raw(uint32_t{9});
  for (const uint32_t type : {0u, 6u, 8u, 10u}) {
    EXPECT_THAT(Fault(array + Raw(type) + Raw(kHuge) + "12345678"),
                HasSubstr("metadata 'k' is an array of 18446"));
    EXPECT_THAT(Fault(array + Raw(type) + Raw(kHuge / 8 + 2) + "12345678"),
                HasSubstr("is an array of 23058"));
  }
  EXPECT_THAT(Fault(array + Raw(uint32_t{8}) + Raw(uint64_t{1}) + Raw(uint64_t{9}) + "12345678"),
              HasSubstr("needs 9 bytes"));
  EXPECT_THAT(Fault(array + Raw(uint32_t{9}) + Raw(uint64_t{1})), HasSubstr("array of arrays"));
  EXPECT_THAT(Fault(array + Raw(uint32_t{99}) + Raw(uint64_t{0})), HasSubstr("unknown type 99"));
}

TEST_F(Gguf, TensorsThatLie) {
  constexpr uint64_t kHuge = uint64_t{1} << 40;
  EXPECT_THAT(Fault(GgufWriter().Tensor("a", 0, {1, 1, 1, 1, 1}, "1234")), HasSubstr("5 dimensions"));
  EXPECT_THAT(Fault(GgufWriter().Tensor("a", 0, {kHuge, kHuge}, "1234")), HasSubstr("overflows"));
  EXPECT_THAT(Fault(GgufWriter().Tensor("a", 0, {kHuge << 21}, "1234")), HasSubstr("overflows"));
  EXPECT_THAT(Fault(GgufWriter().Tensor("a", 0, {kHuge << 23}, "1234")), HasSubstr("dimension of"));
  EXPECT_THAT(Fault(GgufWriter().Tensor("a", 8, {2, 33}, std::string(99, 'x'))),
              AllOf(HasSubstr("tensor 'a'"), HasSubstr("Q8_0"), HasSubstr("rows of 33")));
  EXPECT_THAT(Fault(GgufWriter().Tensor("a", 0, {2}, "1234567")), HasSubstr("needs 8 bytes from 0"));
  EXPECT_THAT(Fault(GgufWriter().Tensor("a", {1}, {1}).Tensor("a", {1}, {1})), HasSubstr("'a' occurs twice"));
  EXPECT_THAT(Fault(GgufWriter().Set("k", 1).Set("k", 2)), HasSubstr("metadata 'k' occurs twice"));
  const std::string entry =
      Header(1, 0) + RawText("t") + Raw(uint32_t{1}) + Raw(uint64_t{1}) + Raw(uint32_t{0});
  const std::string data(64, '\0');
  EXPECT_THAT(Fault(entry + Raw(uint64_t{4}) + data), HasSubstr("begins at 4, not a multiple of 32"));
  EXPECT_THAT(Fault(entry + Raw(~uint64_t{31}) + data), HasSubstr("past the data's end"));
  EXPECT_THAT(Fault(entry + Raw(uint64_t{0})), HasSubstr("past the data's end"));  // ends before the data
}

TEST_F(Gguf, TensorsMayNotOverlap) {
  const auto entry = [](const std::string& name, uint64_t elements, uint64_t offset) {
    return RawText(name) + Raw(uint32_t{1}) + Raw(elements) + Raw(uint32_t{0}) + Raw(offset);
  };
  const auto file = [&](const std::string& entries) {
    std::string bytes = Header(2, 0) + entries;
    bytes.resize((bytes.size() + 31) / 32 * 32 + 96);
    return bytes;
  };
  EXPECT_THAT(Fault(file(entry("a", 8, 32) + entry("b", 16, 0))),
              HasSubstr("tensor 'a' overlaps tensor 'b'"));
  EXPECT_THAT(Fault(file(entry("a", 8, 32) + entry("b", 8, 32))), HasSubstr("overlaps tensor"));
  EXPECT_EQ(Open(file(entry("a", 8, 64) + entry("b", 8, 0))).tensors().size(), 2u);
  EXPECT_EQ(Open(file(entry("a", 8, 0) + entry("b", 0, 0))).tensors().size(), 2u);  // nothing is nowhere
}

TEST_F(Gguf, UnreadableTypesAreNamed) {
  EXPECT_THAT(
      Fault(GgufWriter().Tensor("blk.0.attn_k.weight", 10, {256}, std::string(84, 'x'))),
      AllOf(HasSubstr("tensor 'blk.0.attn_k.weight' is stored as Q2_K"), HasSubstr("Q4_K, Q5_K, Q6_K")));
  EXPECT_THAT(Fault(GgufWriter().Tensor("a", 23, {256}, "")), HasSubstr("IQ4_XS"));
  EXPECT_THAT(Fault(GgufWriter().Tensor("a", 99, {256}, "")), HasSubstr("type 99"));
}

// No prefix of a good file may crash or be taken for a whole one.
TEST_F(Gguf, EveryTruncationIsAnError) {
  const auto path = dir_ / "m.gguf";
  Open(GgufWriter()
           .Set("k", "value")
           .Set("a", std::vector<std::string>{"x", "yz"})
           .Set("n", std::vector<int16_t>{1, 2})
           .Tensor("t", 2, {2, 32}, std::string(36, 'x')));
  for (uint64_t size = std::filesystem::file_size(path); size-- > 0;) {
    std::filesystem::resize_file(path, size);
    EXPECT_NE(MessageOf([&] { GgufFile::Open(path); }), "") << size;
  }
}

}  // namespace
}  // namespace gemtune::io
