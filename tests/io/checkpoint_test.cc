#include "gemtune/io/checkpoint.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <numeric>

#include "gemtune/base/file.h"
#include "gemtune/base/float16.h"
#include "gemtune/base/parallel.h"
#include "gemtune/io/safetensors.h"
#include "gemtune/kernels/quantize.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/message_of.h"
#include "tests/support/shared_pages.h"
#include "tests/support/temp_dir.h"

namespace gemtune::io {
namespace {

namespace fs = std::filesystem;
using ::gemtune::test::GgufWriter;
using ::gemtune::test::MessageOf;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

int64_t Elements(const TensorInfo& info) {
  return std::accumulate(info.shape.begin(), info.shape.end(), int64_t{1}, std::multiplies<>());
}

std::vector<float> ReadFloats(const Checkpoint& checkpoint, const std::string& name) {
  const TensorInfo* info = checkpoint.Find(name);
  if (info == nullptr) throw std::runtime_error("no " + name);
  std::vector<float> values(static_cast<size_t>(Elements(*info)));
  checkpoint.Read(name, DType::kF32, values.data());
  return values;
}

std::vector<uint16_t> ReadBFloats(const Checkpoint& checkpoint, const std::string& name) {
  std::vector<uint16_t> values(static_cast<size_t>(Elements(*checkpoint.Find(name))));
  checkpoint.Read(name, DType::kBF16, values.data());
  return values;
}

std::vector<uint32_t> Bits(const std::vector<float>& values) {
  std::vector<uint32_t> bits(values.size());
  std::memcpy(bits.data(), values.data(), values.size() * sizeof(float));
  return bits;
}

std::vector<std::string> Names(const Checkpoint& checkpoint) {
  std::vector<std::string> names;
  names.reserve(checkpoint.tensors().size());
  for (const TensorInfo& info : checkpoint.tensors()) names.push_back(info.name);
  return names;
}

class CheckpointTest : public test::TempDir {
 protected:
  void Write(const std::string& name, std::string_view contents) {
    std::ofstream(dir_ / name, std::ios::binary) << contents;
  }
  // A file of float32 vectors of one value each.
  void WriteTensors(const std::string& file, const std::map<std::string, float>& values) {
    std::vector<NamedTensor> tensors;
    tensors.reserve(values.size());
    for (const auto& [name, value] : values) {
      tensors.push_back({name, {DType::kF32, {1}, std::as_bytes(std::span(&value, 1))}});
    }
    WriteSafetensors(dir_ / file, tensors);
  }
  std::string Fault() {
    return MessageOf([&] { Checkpoint::Open(dir_); });
  }
};

TEST_F(CheckpointTest, ReadsADirectory) {
  const std::vector<float> f32 = {1.0f, -2.5f, 0x1.01p0f, 3.0f};  // the third rounds to 1 in bfloat16
  const std::vector<uint16_t> bf16 = {0x3f80, 0xc020};
  const std::vector<uint16_t> f16 = {0x3c00, 0x0001};
  const std::vector<int64_t> ids = {7};
  WriteSafetensors(dir_ / "model.safetensors",
                   {{"model.b", {DType::kBF16, {2, 1}, std::as_bytes(std::span(bf16))}},
                    {"model.a", {DType::kF32, {2, 2}, std::as_bytes(std::span(f32))}},
                    {"model.c", {DType::kF16, {2}, std::as_bytes(std::span(f16))}},
                    {"model.d", {DType::kI64, {1}, std::as_bytes(std::span(ids))}}});
  Write("config.json", R"({"z": 1, "a": {"x": 2}})");
  const Checkpoint checkpoint = Checkpoint::Open(dir_);
  EXPECT_EQ(checkpoint.format(), "safetensors");
  EXPECT_EQ(checkpoint.path(), dir_);
  EXPECT_EQ(checkpoint.config().dump(), R"({"z":1,"a":{"x":2}})");
  EXPECT_TRUE(checkpoint.generation_config().is_null());
  EXPECT_THAT(Names(checkpoint), ElementsAre("model.a", "model.b", "model.c", "model.d"));
  const TensorInfo& b = *checkpoint.Find("model.b");
  EXPECT_EQ(b.stored_type, "BF16");
  EXPECT_THAT(b.shape, ElementsAre(2, 1));
  EXPECT_EQ(b.stored_bytes, 4);
  EXPECT_EQ(checkpoint.Find("model"), nullptr);
  EXPECT_EQ(ReadFloats(checkpoint, "model.a"), f32);
  EXPECT_THAT(ReadBFloats(checkpoint, "model.a"), ElementsAre(0x3f80, 0xc020, 0x3f80, 0x4040));
  EXPECT_THAT(ReadFloats(checkpoint, "model.b"), ElementsAre(1.0f, -2.5f));
  EXPECT_EQ(ReadBFloats(checkpoint, "model.b"), bf16);
  EXPECT_THAT(ReadFloats(checkpoint, "model.c"), ElementsAre(1.0f, 0x1p-24f));
  EXPECT_THAT(ReadBFloats(checkpoint, "model.c"), ElementsAre(0x3f80, 0x3380));
  float out = 0;
  EXPECT_THAT(MessageOf([&] { checkpoint.Read("model.d", DType::kF32, &out); }),
              HasSubstr("'model.d' is stored as I64"));
  EXPECT_THAT(MessageOf([&] { checkpoint.Read("x", DType::kF32, &out); }), HasSubstr("has no tensor 'x'"));
  EXPECT_THROW(checkpoint.Read("model.a", DType::kF16, &out), std::logic_error);
}

TEST_F(CheckpointTest, ReadsGenerationConfig) {
  WriteTensors("model.safetensors", {{"t", 1.0f}});
  Write("config.json", "{}");
  Write("generation_config.json", R"({"eos_token_id": [1, 106]})");
  EXPECT_EQ(Checkpoint::Open(dir_).generation_config()["eos_token_id"][1], 106);
}

// What transformers makes of the same file, bitwise; see golden/generate_gguf.py.
TEST_F(CheckpointTest, AGgufReadsAsTransformersReadsIt) {
  const std::string golden = GEMTUNE_SOURCE_DIR "/tests/io/golden/";
  const Checkpoint checkpoint = Checkpoint::Open(golden + "tiny.gguf");
  const auto theirs = SafetensorsFile::Open(golden + "tiny.safetensors");
  EXPECT_EQ(checkpoint.format(), "gguf");
  EXPECT_EQ(checkpoint.config()["model_type"], "gemma3_text");
  ASSERT_EQ(checkpoint.tensors().size(), theirs.tensors().size());
  for (const TensorInfo& info : checkpoint.tensors()) {
    const TensorView& view = theirs.tensors().at(info.name);
    EXPECT_EQ(info.shape, view.shape) << info.name;
    std::vector<float> expected(view.data.size() / sizeof(float));
    std::memcpy(expected.data(), view.data.data(), view.data.size());
    EXPECT_EQ(Bits(ReadFloats(checkpoint, info.name)), Bits(expected)) << info.name;
    std::vector<uint16_t> rounded;
    rounded.reserve(expected.size());
    for (const float value : expected) rounded.push_back(BFloat16FromFloat(value));
    EXPECT_EQ(ReadBFloats(checkpoint, info.name), rounded) << info.name;
  }
  EXPECT_EQ(checkpoint.Find("model.embed_tokens.weight")->stored_type, "Q8_0");
  EXPECT_EQ(checkpoint.Find("model.embed_tokens.weight")->stored_bytes, 48 * 34);
}

// Larger than a chunk, and not a multiple of one: the split must not show.
TEST_F(CheckpointTest, LargeTensorsOnAnyNumberOfThreads) {
  constexpr int64_t kElements = (int64_t{1} << 19) + 96;
  std::string blocks;
  for (int64_t i = 0; i < kElements / 32; ++i) {
    blocks += std::string("\x00\x3c", 2);  // scale 1
    for (int64_t j = 0; j < 32; ++j) blocks += static_cast<char>((i + j) % 127);
  }
  auto writer = GgufWriter();
  writer.Set("general.architecture", "gemma3");
  for (const char* key : {"block_count", "embedding_length", "context_length", "feed_forward_length",
                          "attention.head_count", "attention.head_count_kv", "attention.sliding_window"}) {
    writer.Set(fmt::format("gemma3.{}", key), uint32_t{1});
  }
  writer.Set("gemma3.attention.layer_norm_rms_epsilon", 1e-6f);
  writer.Tensor("token_embd.weight", 8, {1, kElements}, blocks);
  writer.Tensor("v.blk.0.attn_q.weight", {1}, {1}).Tensor("mm.input_projection.weight", {1}, {1});
  writer.Tensor("output_norm.weight", {2}, {1.5f, 0x1.000002p0f}).Tensor("other.weight", {1}, {9});
  writer.Write(dir_ / "m.gguf");
  const Checkpoint checkpoint = Checkpoint::Open(dir_ / "m.gguf");
  EXPECT_THAT(Names(checkpoint),
              ElementsAre("model.embed_tokens.weight", "model.norm.weight", "other.weight"));
  EXPECT_THAT(ReadFloats(checkpoint, "model.norm.weight"), ElementsAre(0.5f, 0x1p-23f));
  EXPECT_THAT(ReadBFloats(checkpoint, "model.norm.weight"), ElementsAre(0x3f00, 0x3400));
  for (const int threads : {1, 2, 3}) {
    SetNumThreads(threads);
    const auto values = ReadFloats(checkpoint, "model.embed_tokens.weight");
    const auto rounded = ReadBFloats(checkpoint, "model.embed_tokens.weight");
    for (int64_t i = 0; i < kElements; ++i) {
      const auto expected = static_cast<float>((i / 32 + i % 32) % 127);
      ASSERT_EQ(values[static_cast<size_t>(i)], expected) << i;
      ASSERT_EQ(rounded[static_cast<size_t>(i)], BFloat16FromFloat(expected)) << i;
    }
  }
  SetNumThreads(0);
}

TEST_F(CheckpointTest, WhatWasReadDoesNotStayResident) {
  if (test::SharedPages() == 0) GTEST_SKIP() << "needs /proc/self/statm";
  const std::vector<float> numbers(1 << 22, 1.5f);
  Write("config.json", "{}");
  WriteSafetensors(dir_ / "model.safetensors",
                   {{"w", {DType::kF32, {1 << 10, 1 << 12}, std::as_bytes(std::span(numbers))}}});
  const Checkpoint checkpoint = Checkpoint::Open(dir_);
  const int64_t before = test::SharedPages(), pages = (int64_t{4} << 22) / ::getpagesize();
  EXPECT_EQ(ReadFloats(checkpoint, "w"), numbers);
  std::vector<std::byte> blocks(numbers.size() / 32 * 34);
  checkpoint.ReadQ8_0("w", blocks.data());
  EXPECT_LT(test::SharedPages(), before + pages / 10);
}

// Larger than a chunk: the split must not show.
TEST_F(CheckpointTest, RoundsToQ8_0OnAnyNumberOfThreads) {
  constexpr int64_t kRows = 3, kColumns = (int64_t{1} << 18) - 96;
  std::vector<float> numbers(kRows * kColumns);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = std::sin(static_cast<float>(i));
  std::vector<std::byte> expected(numbers.size() / 32 * 34), blocks(expected.size());
  kernels::Quantize(kernels::BlockType::kQ8_0, numbers.data(), std::ssize(numbers), expected.data());
  Write("config.json", "{}");
  const auto save = [&] {
    WriteSafetensors(dir_ / "model.safetensors",
                     {{"w", {DType::kF32, {kRows, kColumns}, std::as_bytes(std::span(numbers))}}});
    return Checkpoint::Open(dir_);
  };
  const Checkpoint checkpoint = save();
  for (const int threads : {1, 3}) {
    SetNumThreads(threads);
    std::fill(blocks.begin(), blocks.end(), std::byte{});
    checkpoint.ReadQ8_0("w", blocks.data());
    EXPECT_TRUE(blocks == expected);
  }
  SetNumThreads(0);
  EXPECT_THAT(MessageOf([&] { checkpoint.ReadQ8_0("x", blocks.data()); }), HasSubstr("has no tensor 'x'"));
  numbers[kColumns] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(MessageOf([&] { save().ReadQ8_0("w", blocks.data()); }),
              HasSubstr("'w' holds a number that is not finite, or too large for Q8_0"));
}

TEST_F(CheckpointTest, MultimodalLayoutsAreTextOnly) {
  Write("config.json", R"({"model_type": "gemma3", "text_config": {}})");
  WriteTensors("model.safetensors", {{"language_model.model.norm.weight", 1.0f},
                                     {"language_model.lm_head.weight", 2.0f},
                                     {"vision_tower.x", 3.0f},
                                     {"multi_modal_projector.y", 4.0f}});
  Checkpoint checkpoint = Checkpoint::Open(dir_);
  EXPECT_THAT(Names(checkpoint), ElementsAre("lm_head.weight", "model.norm.weight"));
  EXPECT_EQ(ReadFloats(checkpoint, "lm_head.weight")[0], 2.0f);
  EXPECT_EQ(checkpoint.config()["model_type"], "gemma3");
  WriteTensors(
      "model.safetensors",
      {{"model.language_model.norm.weight", 1.0f}, {"model.vision_tower.x", 3.0f}, {"score.weight", 4.0f}});
  checkpoint = Checkpoint::Open(dir_);
  EXPECT_THAT(Names(checkpoint), ElementsAre("model.norm.weight", "score.weight"));
  EXPECT_EQ(ReadFloats(checkpoint, "model.norm.weight")[0], 1.0f);
  WriteTensors("model.safetensors", {{"norm.weight", 1.0f}, {"layers.0.mlp.up_proj.weight", 2.0f}});
  EXPECT_THAT(Names(Checkpoint::Open(dir_)),
              ElementsAre("model.layers.0.mlp.up_proj.weight", "model.norm.weight"));
  WriteTensors("model.safetensors", {{"norm.weight", 1.0f}, {"model.norm.weight", 2.0f}});
  EXPECT_THAT(Fault(), HasSubstr("holds 'model.norm.weight' twice"));
}

TEST_F(CheckpointTest, ReadsShards) {
  Write("config.json", "{}");
  WriteTensors("model-1.safetensors", {{"a", 1.0f}, {"not listed", 9.0f}});
  fs::create_directories(dir_ / "sub");
  WriteTensors("sub/model-2.safetensors", {{"b", 2.0f}});
  Write("model.safetensors.index.json",
        R"({"metadata": {}, "weight_map": {"b": "sub/model-2.safetensors", "a": "model-1.safetensors"}})");
  const Checkpoint checkpoint = Checkpoint::Open(dir_);
  EXPECT_THAT(Names(checkpoint), ElementsAre("a", "b"));
  EXPECT_EQ(ReadFloats(checkpoint, "a")[0], 1.0f);
  EXPECT_EQ(ReadFloats(checkpoint, "b")[0], 2.0f);
  WriteTensors("model.safetensors", {{"c", 3.0f}});  // preferred to the index, as transformers does
  EXPECT_THAT(Names(Checkpoint::Open(dir_)), ElementsAre("c"));
}

TEST_F(CheckpointTest, WrongIndexes) {
  Write("config.json", "{}");
  WriteTensors("m.safetensors", {{"a", 1.0f}});
  const auto index = [&](const std::string& text) {
    Write("model.safetensors.index.json", text);
    return Fault();
  };
  const auto map_to = [&](const std::string& file) {
    return index(R"({"weight_map": {"a": ")" + file + "\"}}");
  };
  EXPECT_THAT(index("{"), HasSubstr("model.safetensors.index.json: not valid JSON"));
  EXPECT_THAT(index("[]"), HasSubstr("has no object 'weight_map'"));
  EXPECT_THAT(index("{}"), HasSubstr("has no object 'weight_map'"));
  EXPECT_THAT(index(R"({"weight_map": []})"), HasSubstr("has no object 'weight_map'"));
  EXPECT_THAT(index(R"({"weight_map": {"a": 1}})"), HasSubstr("'a' is not mapped to a file name"));
  for (const std::string outside :
       {"", "/etc/passwd", "../m.safetensors", "x/../../m.safetensors", "..", ".", "./model-1.safetensors",
        "sub//model-2.safetensors", "sub/../model-1.safetensors", "sub/", "model-1.safetensors\\u0000"}) {
    EXPECT_THAT(map_to(outside), HasSubstr("is not a file of this directory")) << outside;
  }
  EXPECT_THAT(map_to("gone.safetensors"),
              AllOf(HasSubstr("'gone.safetensors' is missing"), HasSubstr("not complete")));
  EXPECT_THAT(index(R"({"weight_map": {"a": "m.safetensors", "b": "m.safetensors"}})"),
              AllOf(HasSubstr("m.safetensors: 'b' is missing"), HasSubstr("not complete")));
}

TEST_F(CheckpointTest, WhatIsNoModel) {
  EXPECT_THAT(Fault(), HasSubstr("has no config.json; a model directory"));
  Write("adapter_config.json", "{}");
  EXPECT_THAT(Fault(), HasSubstr("is an adapter, not a whole model"));
  fs::remove(dir_ / "adapter_config.json");
  Write("x.gguf", "GGUF");
  EXPECT_THAT(Fault(), HasSubstr("name the file itself: " + (dir_ / "x.gguf").string()));
  Write("config.json", "[]");
  EXPECT_THAT(Fault(), HasSubstr("config.json: is not a JSON object"));
  Write("config.json", "{}");
  EXPECT_THAT(Fault(), HasSubstr("has neither model.safetensors nor model.safetensors.index.json"));
  Write("pytorch_model.bin", "PK");
  EXPECT_THAT(Fault(), AllOf(HasSubstr("PyTorch weights only (pytorch_model.bin)"),
                             HasSubstr("AutoModelForCausalLM.from_pretrained(\"" + dir_.string() + "\")"),
                             HasSubstr("save_pretrained(\"" + dir_.string() + "\")")));
  const auto open = [&](const char* name) { return MessageOf([&] { Checkpoint::Open(dir_ / name); }); };
  EXPECT_THAT(open("gone"), HasSubstr("there is no such file or directory"));
  EXPECT_THAT(open("pytorch_model.bin"), HasSubstr("is neither a GGUF file nor a model directory"));
  WriteTensors("m.safetensors", {});
  EXPECT_THAT(open("m.safetensors"), HasSubstr("name the directory"));
  EXPECT_THAT(open("x.gguf"), HasSubstr("cut short"));
  GgufWriter().Set("general.architecture", "llama").Write(dir_ / "l.gguf");
  EXPECT_THAT(open("l.gguf"), HasSubstr("architecture 'llama'; gemtune reads gemma3"));
  GgufWriter().Set("split.count", uint16_t{2}).Write(dir_ / "s.gguf");
  EXPECT_THAT(open("s.gguf"), HasSubstr("is one of 2 parts; merge them"));
}

// AutoModelForCausalLM would drop the head.
TEST_F(CheckpointTest, AClassifierInPyTorchsFilesIsToBeConvertedAsOne) {
  Write("pytorch_model.bin", "PK");
  for (const char* config : {R"({"architectures": ["Gemma3TextForSequenceClassification"]})",
                             R"({"id2label": {"0": "a"}})", R"({"num_labels": 3})"}) {
    Write("config.json", config);
    EXPECT_THAT(Fault(), HasSubstr("transformers.AutoModelForSequenceClassification.from_pretrained"))
        << config;
  }
  Write("config.json", R"({"architectures": ["Gemma3ForCausalLM"], "id2label": null})");
  EXPECT_THAT(Fault(), HasSubstr("AutoModelForCausalLM"));
  Write("pytorch_model.bin.index.json", R"({"weight_map": {"score.weight": "pytorch_model-1.bin"}})");
  EXPECT_THAT(Fault(), HasSubstr("AutoModelForSequenceClassification"));
}

TEST_F(CheckpointTest, AQuantisedModelIsNoneOfNumbers) {
  Write("config.json", R"({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": true}})");
  const std::vector<std::byte> packed(4);
  WriteSafetensors(dir_ / "model.safetensors",
                   {{"model.layers.0.mlp.up_proj.weight", {DType::kU8, {4, 1}, packed}}});
  EXPECT_THAT(Fault(), HasSubstr("is quantised (bitsandbytes); take the unquantised model"));
  WriteSafetensors(dir_ / "model.safetensors", {{"model.norm.weight", {DType::kF8E4M3, {4}, packed}}});
  Write("config.json", "{}");
  EXPECT_THAT(Fault(), HasSubstr("is quantised (fp8)"));
}

// A real file and what transformers made of it, where the environment names them.
TEST_F(CheckpointTest, RealGgufReadsAsTransformersReadsIt) {
  const char* gguf = std::getenv("GEMTUNE_REAL_GGUF");
  const char* hf = std::getenv("GEMTUNE_REAL_HF");
  if (gguf == nullptr || hf == nullptr) GTEST_SKIP() << "set GEMTUNE_REAL_GGUF and GEMTUNE_REAL_HF (float32)";
  const Checkpoint ours = Checkpoint::Open(gguf);
  const Checkpoint theirs = Checkpoint::Open(hf);
  ASSERT_EQ(Names(ours), Names(theirs));
  for (const TensorInfo& info : ours.tensors()) {
    EXPECT_EQ(info.shape, theirs.Find(info.name)->shape);
    EXPECT_TRUE(Bits(ReadFloats(ours, info.name)) == Bits(ReadFloats(theirs, info.name))) << info.name;
    EXPECT_TRUE(ReadBFloats(ours, info.name) == ReadBFloats(theirs, info.name)) << info.name;
  }
  for (const char* key :
       {"bos_token_id", "eos_token_id", "head_dim", "hidden_size", "intermediate_size", "layer_types",
        "max_position_embeddings", "model_type", "num_attention_heads", "num_hidden_layers",
        "num_key_value_heads", "pad_token_id", "query_pre_attn_scalar", "rope_parameters", "sliding_window",
        "tie_word_embeddings", "vocab_size", "architectures", "hidden_activation"}) {
    EXPECT_EQ(ours.config()[key], theirs.config()[key]) << key;
  }
}

TEST_F(CheckpointTest, BlocksOfAGgufOutliveIt) {
  const std::string data(2 * 34, 'x');
  GgufWriter()
      .Set("general.architecture", "gemma3")
      .Set("gemma3.block_count", uint32_t{1})
      .Set("gemma3.embedding_length", uint32_t{32})
      .Set("gemma3.context_length", uint32_t{8})
      .Set("gemma3.feed_forward_length", uint32_t{8})
      .Set("gemma3.attention.head_count", uint32_t{1})
      .Set("gemma3.attention.head_count_kv", uint32_t{1})
      .Set("gemma3.attention.sliding_window", uint32_t{8})
      .Set("gemma3.attention.layer_norm_rms_epsilon", 1e-6f)
      .Tensor("token_embd.weight", 8, {2, 32}, data)
      .Write(dir_ / "m.gguf");
  const StoredBlocks blocks = [&] {
    const Checkpoint checkpoint = Checkpoint::Open(dir_ / "m.gguf");
    EXPECT_THAT(MessageOf([&] { checkpoint.Blocks("x"); }), HasSubstr("has no tensor 'x'"));
    return checkpoint.Blocks("model.embed_tokens.weight");
  }();
  EXPECT_EQ(blocks.type, kernels::BlockType::kQ8_0);
  ASSERT_EQ(blocks.bytes.size(), data.size());
  EXPECT_EQ(std::memcmp(blocks.bytes.data(), data.data(), data.size()), 0);
}

}  // namespace
}  // namespace gemtune::io
