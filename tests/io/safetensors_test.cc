#include "gemtune/io/safetensors.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "gemtune/base/file.h"
#include "gemtune/io/json_file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::io {
namespace {

using ::gemtune::test::MessageOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr const char* kGolden = GEMTUNE_SOURCE_DIR "/tests/io/golden/";

class Safetensors : public test::TempDir {
 protected:
  // The message for a file of this header and `data_bytes` zeros.
  std::string Fault(const std::string& header, size_t data_bytes = 0) {
    return FaultOf(Sized(header.size()) + header + std::string(data_bytes, '\0'));
  }
  std::string FaultOf(const std::string& bytes) {
    std::ofstream(dir_ / "f.safetensors", std::ios::binary) << bytes;
    return MessageOf([&] { SafetensorsFile::Open(dir_ / "f.safetensors"); });
  }
  static std::string Sized(uint64_t size) { return {reinterpret_cast<const char*>(&size), sizeof size}; }
};

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// {"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} with parts replaced.
std::string OneTensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"t":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

template <typename T>
std::vector<double> Values(const TensorView& tensor) {
  std::vector<T> values(tensor.data.size() / sizeof(T));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return {values.begin(), values.end()};
}

TEST_F(Safetensors, ReadsWhatPythonWrote) {
  const auto file = SafetensorsFile::Open(std::string(kGolden) + "python.safetensors");
  EXPECT_THAT(file.metadata(), ElementsAre(Pair("format", "pt")));
  EXPECT_EQ(file.tensors().size(), 13u);
  const auto count = ElementsAre(0, 1, 2, 3, 4, 5);
  EXPECT_THAT(Values<double>(file.tensors().at("float64")), count);
  EXPECT_THAT(Values<float>(file.tensors().at("float32")), count);
  EXPECT_THAT(Values<int64_t>(file.tensors().at("int64")), count);
  EXPECT_THAT(Values<int32_t>(file.tensors().at("int32")), count);
  EXPECT_THAT(Values<int16_t>(file.tensors().at("int16")), count);
  EXPECT_THAT(Values<int8_t>(file.tensors().at("int8")), count);
  EXPECT_THAT(Values<uint8_t>(file.tensors().at("uint8")), count);
  EXPECT_THAT(Values<uint8_t>(file.tensors().at("bool")), ElementsAre(0, 1, 1, 1, 1, 1));
  EXPECT_THAT(Values<uint16_t>(file.tensors().at("bfloat16")),
              ElementsAre(0, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0));
  EXPECT_EQ(file.tensors().at("float16").dtype, DType::kF16);
  EXPECT_THAT(file.tensors().at("float32").shape, ElementsAre(2, 3));
  EXPECT_TRUE(file.tensors().at("scalar").shape.empty());
  EXPECT_THAT(Values<float>(file.tensors().at("scalar")), ElementsAre(1.5));
  EXPECT_THAT(file.tensors().at("empty").shape, ElementsAre(0, 4));
  EXPECT_THAT(Values<int32_t>(file.tensors().at("\u00fcn\u00ef\"\\\n")), ElementsAre(7));
}

// So Python reads what we write: it is, byte for byte, what Python wrote itself.
TEST_F(Safetensors, WritesWhatPythonWrites) {
  const auto file = SafetensorsFile::Open(std::string(kGolden) + "python.safetensors");
  std::vector<NamedTensor> tensors;
  for (const auto& [name, view] : file.tensors()) tensors.push_back({name, view});
  std::sort(tensors.begin(), tensors.end(), [](const NamedTensor& a, const NamedTensor& b) {
    return std::pair(a.tensor.data.data(), a.tensor.data.size()) <
           std::pair(b.tensor.data.data(), b.tensor.data.size());
  });
  WriteSafetensors(dir_ / "f.safetensors", tensors, file.metadata());
  EXPECT_EQ(ReadFile(dir_ / "f.safetensors"), ReadFile(std::string(kGolden) + "python.safetensors"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), std::filesystem::directory_iterator()),
            1);
}

TEST_F(Safetensors, NothingAndMetadataOnlyRoundTrip) {
  WriteSafetensors(dir_ / "f", {});
  EXPECT_TRUE(SafetensorsFile::Open(dir_ / "f").tensors().empty());
  WriteSafetensors(dir_ / "f", {}, {{"a", "\u00e9"}, {"b", ""}});
  EXPECT_THAT(SafetensorsFile::Open(dir_ / "f").metadata(), ElementsAre(Pair("a", "\u00e9"), Pair("b", "")));
}

TEST_F(Safetensors, DataBeginsAtAMultipleOf8) {
  for (size_t length = 1; length <= 8; ++length) {
    const std::string data(8, 'x');
    WriteSafetensors(dir_ / "f", {{std::string(length, 'n'), {DType::kF64, {1}, Bytes(data)}}});
    const auto file = SafetensorsFile::Open(dir_ / "f");
    const auto* begin = file.tensors().begin()->second.data.data();
    EXPECT_EQ((begin - file.file().bytes().data()) % 8, 0);
  }
}

TEST_F(Safetensors, CopiesKeepTheFile) {
  std::optional<SafetensorsFile> copy;
  copy = SafetensorsFile::Open(std::string(kGolden) + "python.safetensors");
  EXPECT_THAT(Values<float>(copy->tensors().at("scalar")), ElementsAre(1.5));
}

TEST_F(Safetensors, WrongSizesAndHeaders) {
  EXPECT_THAT(FaultOf(""), HasSubstr("0 bytes are too few"));
  EXPECT_THAT(FaultOf("1234567"), HasSubstr("f.safetensors: 7 bytes"));
  EXPECT_THAT(FaultOf(Sized(100'000'001) + "{}"), HasSubstr("more than 100000000"));
  EXPECT_THAT(FaultOf(Sized(~uint64_t{0}) + "{}"), HasSubstr("not a safetensors file"));
  EXPECT_THAT(FaultOf(Sized(3) + "{}"), HasSubstr("cut short"));
  EXPECT_THAT(Fault(" {}"), HasSubstr("does not begin with '{'"));
  EXPECT_THAT(Fault(""), HasSubstr("does not begin with '{'"));
  EXPECT_THAT(Fault("{\"a\":"), HasSubstr("f.safetensors: header: not valid JSON at byte"));
  EXPECT_THAT(Fault("{\"a\":" + std::string(1000, '[')), HasSubstr("nested more than 64"));
  EXPECT_THAT(Fault("{}", 1), HasSubstr("1 bytes after the last tensor"));
  EXPECT_THAT(Fault(R"({"__metadata__":{"a":1}})"), HasSubstr("__metadata__ 'a' is not a string"));
  EXPECT_THAT(Fault(R"({"__metadata__":7})"), HasSubstr("__metadata__ is not an object"));
  const std::string twice = OneTensor("U8", "[1]", "[0,1]");
  EXPECT_THAT(Fault(twice.substr(0, twice.size() - 1) + "," + twice.substr(1), 1),
              HasSubstr("key 't' occurs twice"));
}

TEST_F(Safetensors, WrongTensors) {
  EXPECT_THAT(Fault(R"({"t":[]})"), HasSubstr("f.safetensors: 't': is not an object"));
  EXPECT_THAT(Fault(R"({"t":{}})"), HasSubstr("'t': has no string 'dtype'"));
  EXPECT_THAT(Fault(OneTensor("F8_E8M0", "[2]", "[0,2]"), 2),
              HasSubstr("'t': dtype 'F8_E8M0' is not supported"));
  EXPECT_THAT(Fault(OneTensor("F32", "2", "[0,8]"), 8), HasSubstr("has no array 'shape'"));
  EXPECT_THAT(Fault(OneTensor("F32", "[-2]", "[0,8]"), 8), HasSubstr("'shape' holds -2"));
  EXPECT_THAT(Fault(OneTensor("F32", "[2.0]", "[0,8]"), 8), HasSubstr("'shape' holds 2.0"));
  EXPECT_THAT(Fault(OneTensor("F32", "[\"\\n\"]", "[0,8]"), 8), HasSubstr("which is not a size"));
  EXPECT_THAT(Fault(OneTensor("F32", "[9223372036854775808]", "[0,8]"), 8), HasSubstr("which is not a size"));
  EXPECT_THAT(Fault(OneTensor("F32", "[4294967296,4294967296]", "[0,0]")), HasSubstr("its shape overflows"));
  EXPECT_THAT(Fault(OneTensor("F32", "[4611686018427387904]", "[0,0]")), HasSubstr("its shape overflows"));
  EXPECT_THAT(Fault(OneTensor("F32", "[2]", "[0]"), 8), HasSubstr("not a begin and an end"));
  EXPECT_THAT(Fault(OneTensor("F32", "[2]", "[0,8,8]"), 8), HasSubstr("not a begin and an end"));
  EXPECT_THAT(Fault(OneTensor("F32", "[2]", "[8,0]"), 8), HasSubstr("not a begin and an end"));
  EXPECT_THAT(Fault(OneTensor("F32", "[2]", "[-8,0]"), 8), HasSubstr("'data_offsets' holds -8"));
  EXPECT_THAT(Fault(OneTensor("F32", "[2]", "[0,8]"), 7), HasSubstr("'t': offset 8 past end 7"));
  EXPECT_THAT(Fault(OneTensor("F32", "[2]", "[0,4]"), 4),
              HasSubstr("'t': holds 4 bytes, its dtype and shape need 8"));
}

TEST_F(Safetensors, HolesAndOverlaps) {
  const auto two = [](const std::string& a, const std::string& b) {
    const std::string first = OneTensor("U8", "[4]", a);
    return first.substr(0, first.size() - 1) + R"(,"u":)" + OneTensor("U8", "[4]", b).substr(5);
  };
  std::ofstream(dir_ / "f.safetensors")
      << Sized(two("[4,8]", "[0,4]").size()) << two("[4,8]", "[0,4]") << "uuuutttt";
  EXPECT_THAT(Values<char>(SafetensorsFile::Open(dir_ / "f.safetensors").tensors().at("t")),
              ElementsAre('t', 't', 't', 't'));
  EXPECT_THAT(Fault(two("[0,4]", "[2,6]"), 6), HasSubstr("'u': begins at 2 where 4 was expected"));
  EXPECT_THAT(Fault(two("[0,4]", "[0,4]"), 4), HasSubstr("where 4 was expected"));
  EXPECT_THAT(Fault(two("[0,4]", "[5,9]"), 9), HasSubstr("'u': begins at 5 where 4 was expected"));
  EXPECT_THAT(Fault(two("[1,5]", "[5,9]"), 9), HasSubstr("'t': begins at 1 where 0 was expected"));
  EXPECT_THAT(Fault(two("[0,4]", "[4,8]"), 9), HasSubstr("1 bytes after the last tensor"));
}

TEST_F(Safetensors, EveryTruncationIsAnError) {
  const auto path = dir_ / "f.safetensors";
  std::filesystem::copy_file(std::string(kGolden) + "python.safetensors", path);
  for (uint64_t size = std::filesystem::file_size(path); size-- > 0;) {
    std::filesystem::resize_file(path, size);
    EXPECT_NE(MessageOf([&] { SafetensorsFile::Open(path); }), "") << size;
  }
}

TEST_F(Safetensors, WritingWhatDoesNotFitTogetherIsABug) {
  const std::string data(8, 'x');
  const NamedTensor good = {"t", {DType::kF32, {2}, Bytes(data)}};
  EXPECT_THROW(WriteSafetensors(dir_ / "f", {good, good}), std::logic_error);
  EXPECT_THROW(WriteSafetensors(dir_ / "f", {{"t", {DType::kF32, {3}, Bytes(data)}}}), std::logic_error);
  EXPECT_THROW(WriteSafetensors(dir_ / "f", {{"__metadata__", good.tensor}}), std::logic_error);
  EXPECT_TRUE(std::filesystem::is_empty(dir_));
  EXPECT_THROW(WriteSafetensors(dir_ / "missing" / "f", {good}), RunError);
}

// Against huggingface_hub's own split; see golden/generate_safetensors.py.
TEST_F(Safetensors, SplitsAsSavePretrainedDoes) {
  const std::string data(25, 'x');
  int sharded = 0;
  for (const auto& example : ParseJsonFile(std::string(kGolden) + "sharding.json")) {
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
    std::vector<NamedTensor> tensors;
    for (const int64_t size : example["sizes"].get<std::vector<int64_t>>()) {
      tensors.push_back({fmt::format("t{}", tensors.size()),
                         {DType::kU8, {size}, Bytes(data).first(static_cast<size_t>(size))}});
    }
    WriteShardedSafetensors(dir_, tensors, 10);
    for (const auto& [name, file] : example["files"].items()) {
      const auto shard = SafetensorsFile::Open(dir_ / file.get<std::string>());
      EXPECT_EQ(shard.tensors().count(name), 1u) << example.dump();
      EXPECT_THAT(shard.metadata(), ElementsAre(Pair("format", "pt")));
    }
    const auto index = dir_ / "model.safetensors.index.json";
    if (!std::filesystem::exists(index)) continue;
    ++sharded;
    const auto json = nlohmann::json::parse(ReadFile(index));
    EXPECT_EQ(json["weight_map"], nlohmann::json(example["files"]));
    const auto total = example["total_size"].get<int64_t>();
    EXPECT_EQ(json["metadata"]["total_size"], total);
    EXPECT_EQ(json["metadata"]["total_parameters"], total);  // one byte a parameter
  }
  EXPECT_GT(sharded, 5);
}

TEST_F(Safetensors, OneShardHasNoIndex) {
  const std::string data(10, 'x');
  WriteShardedSafetensors(dir_, {{"t", {DType::kU8, {10}, Bytes(data)}}}, 10);
  EXPECT_EQ(SafetensorsFile::Open(dir_ / "model.safetensors").tensors().size(), 1u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), std::filesystem::directory_iterator()),
            1);
}

}  // namespace
}  // namespace gemtune::io
