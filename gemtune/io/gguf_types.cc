#include "gemtune/io/gguf_types.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "gemtune/base/error.h"

namespace gemtune::io {
namespace {

using kernels::BlockType;

constexpr std::array<GgufOuttype, 6> kOuttypes = {{
    {"f32", 0, BlockType::kF32},
    {"f16", 1, BlockType::kF16},
    {"bf16", 32, BlockType::kBF16},
    {"q8_0", 7, BlockType::kQ8_0},
    {"q4_0", 2, BlockType::kQ4_0},
    {"q4_k_m", 15, BlockType::kQ4_K},
}};

bool IsWhole(BlockType type, int64_t columns) {
  return columns % kernels::Info(type).elements == 0;
}

// The tied embedding is the head, too, which llama.cpp does not round to four bits.
BlockType EmbeddingType(BlockType type, int64_t columns) {
  if (type != BlockType::kQ4_0 && type != BlockType::kQ4_K) return type;
  return IsWhole(type, columns) ? BlockType::kQ6_K : BlockType::kQ8_0;
}

// use_more_bits: the first and the last eighth of the layers, and every third between.
bool GetsMoreBits(int64_t layer, int64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

int64_t LayerOfBlock(std::string_view gguf_name) {
  constexpr std::string_view kBlock = "blk.";
  int64_t layer = 0;
  GEMTUNE_CHECK(gguf_name.starts_with(kBlock));
  std::from_chars(gguf_name.data() + kBlock.size(), gguf_name.data() + gguf_name.size(), layer);
  return layer;
}

// Types that a row of `columns` numbers is made of instead, if it is not of whole blocks.
BlockType FallBack(BlockType type, int64_t columns) {
  if (!IsWhole(type, columns) && type == BlockType::kQ4_K) type = BlockType::kQ5_0;
  if (!IsWhole(type, columns) && type == BlockType::kQ6_K) type = BlockType::kQ8_0;
  return IsWhole(type, columns) ? type : BlockType::kF16;
}

}  // namespace

std::span<const GgufOuttype> GgufOuttypes() {
  return kOuttypes;
}

const GgufOuttype& FindGgufOuttype(std::string_view name) {
  const auto found = std::ranges::find(kOuttypes, name, &GgufOuttype::name);
  if (found != kOuttypes.end()) return *found;
  std::vector<std::string> names;
  for (const GgufOuttype& outtype : kOuttypes) names.emplace_back(outtype.name);
  Fail("`outtype` '{}' is not known; there are {}", Printable(std::string(name)), Listed(names));
}

BlockType GgufTensorType(const GgufOuttype& outtype, std::string_view gguf_name,
                         const std::vector<int64_t>& shape, int64_t num_layers) {
  if (shape.size() < 2) return BlockType::kF32;  // norms
  BlockType type = outtype.matrices;
  const bool is_embedding = gguf_name == "token_embd.weight";
  const bool matters_more = gguf_name.ends_with(".attn_v.weight") || gguf_name.ends_with(".ffn_down.weight");
  if (is_embedding) {
    type = EmbeddingType(type, shape.back());
  } else if (type == BlockType::kQ4_K && matters_more && GetsMoreBits(LayerOfBlock(gguf_name), num_layers)) {
    type = BlockType::kQ6_K;
  }
  return FallBack(type, shape.back());
}

}  // namespace gemtune::io
