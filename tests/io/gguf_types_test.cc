#include "gemtune/io/gguf_types.h"

#include <gmock/gmock.h>

#include <string>

#include "tests/support/message_of.h"

namespace gemtune::io {
namespace {

using kernels::BlockType;
using ::testing::HasSubstr;

BlockType TypeOf(const char* outtype, const std::string& name, std::vector<int64_t> shape, int64_t layers) {
  return GgufTensorType(FindGgufOuttype(outtype), name, shape, layers);
}

TEST(GgufTypes, PlainTypesAndQ8_0HoldForAllMatrices) {
  const std::pair<const char*, BlockType> types[] = {{"f32", BlockType::kF32},
                                                     {"f16", BlockType::kF16},
                                                     {"bf16", BlockType::kBF16},
                                                     {"q8_0", BlockType::kQ8_0}};
  for (const auto& [outtype, type] : types) {
    EXPECT_EQ(TypeOf(outtype, "token_embd.weight", {262144, 640}, 18), type);
    EXPECT_EQ(TypeOf(outtype, "blk.0.attn_v.weight", {256, 640}, 18), type);
    EXPECT_EQ(TypeOf(outtype, "blk.0.attn_norm.weight", {640}, 18), BlockType::kF32);
  }
  EXPECT_EQ(TypeOf("q8_0", "blk.0.attn_q.weight", {64, 48}, 18), BlockType::kF16);
}

// The types of models/gemma-3-270m-q4_k_m.gguf, which llama.cpp quantised; rows of 640 are no whole
// super-blocks.
TEST(GgufTypes, Q4_K_MMixesTypesAsLlamaCpp) {
  const auto type = [](const std::string& name, int64_t columns) {
    return TypeOf("q4_k_m", name, {256, columns}, 18);
  };
  EXPECT_EQ(type("token_embd.weight", 640), BlockType::kQ8_0);
  for (int layer = 0; layer < 18; ++layer) {
    const std::string of = "blk." + std::to_string(layer) + ".";
    const bool more = layer < 2 || layer == 4 || layer == 7 || layer == 10 || layer == 13 || layer >= 15;
    EXPECT_EQ(type(of + "attn_v.weight", 640), more ? BlockType::kQ8_0 : BlockType::kQ5_0) << layer;
    EXPECT_EQ(type(of + "ffn_down.weight", 2048), more ? BlockType::kQ6_K : BlockType::kQ4_K) << layer;
    for (const char* name : {"attn_q", "attn_k", "ffn_gate", "ffn_up"}) {
      EXPECT_EQ(type(of + name + ".weight", 640), BlockType::kQ5_0) << layer << name;
    }
    EXPECT_EQ(type(of + "attn_output.weight", 1024), BlockType::kQ4_K) << layer;
  }
  EXPECT_EQ(type("blk.0.attn_q.weight", 16), BlockType::kF16);
  EXPECT_EQ(type("blk.0.ffn_down.weight", 16), BlockType::kF16);
}

// llama-quantize's choices for rows of whole super-blocks (2560: the 4B) and others.
TEST(GgufTypes, TheTiedEmbeddingHasTheHeadsType) {
  for (const char* outtype : {"q4_0", "q4_k_m"}) {
    EXPECT_EQ(TypeOf(outtype, "token_embd.weight", {262208, 2560}, 34), BlockType::kQ6_K) << outtype;
    EXPECT_EQ(TypeOf(outtype, "token_embd.weight", {262144, 640}, 18), BlockType::kQ8_0) << outtype;
    EXPECT_EQ(TypeOf(outtype, "token_embd.weight", {288, 16}, 7), BlockType::kF16) << outtype;
  }
  EXPECT_EQ(TypeOf("q4_0", "blk.0.attn_v.weight", {256, 640}, 18), BlockType::kQ4_0);
  EXPECT_EQ(TypeOf("q4_k_m", "blk.3.attn_v.weight", {1024, 2560}, 34), BlockType::kQ6_K);
  EXPECT_EQ(TypeOf("q4_k_m", "blk.4.attn_v.weight", {1024, 2560}, 34), BlockType::kQ4_K);
}

TEST(GgufTypes, AnotherNameIsRefused) {
  EXPECT_THAT(test::MessageOf([] { FindGgufOuttype("q2_k"); }),
              HasSubstr("'q2_k' is not known; there are 'f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'q4_k_m'"));
}

}  // namespace
}  // namespace gemtune::io
