#pragma once

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <vector>

#include "gemtune/kernels/quant.h"
#include "gemtune/ops/block_rows.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/random_blocks.h"

namespace gemtune::test {

/// A matrix of random blocks, see RandomBlocks.
inline ops::BlockRows RandomBlockRows(kernels::BlockType type, int64_t rows, int64_t columns, unsigned seed) {
  const std::vector<std::byte> bytes = RandomBlocks(type, rows, columns, seed);
  return {.bytes = at::from_blob(const_cast<std::byte*>(bytes.data()),
                                 {rows, static_cast<int64_t>(bytes.size()) / rows}, at::kByte)
                       .clone(),
          .type = type};
}

/// TinyTokenizer as metadata.
inline void SetTinyTokenizer(GgufWriter& writer) {
  std::vector<std::string> tokens = {"<pad>", "<eos>", "<bos>", "<unk>"};
  std::vector<int32_t> types = {3, 3, 3, 2};  // llama.cpp's: control and unknown; below byte and normal
  const auto add = [&](const std::string& token, int32_t type) {
    tokens.push_back(token);
    types.push_back(type);
  };
  for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), 6);
  add("\xe2\x96\x81", 1);
  for (char letter = 'a'; letter <= 'z'; ++letter) add(std::string(1, letter), 1);
  add("th", 1);
  writer.Set("tokenizer.ggml.model", std::string("llama"))
      .Set("tokenizer.ggml.tokens", tokens)
      .Set("tokenizer.ggml.scores", std::vector<float>(tokens.size(), 0.0f))
      .Set("tokenizer.ggml.token_type", types)
      .Set("tokenizer.ggml.bos_token_id", uint32_t{2})
      .Set("tokenizer.ggml.eos_token_id", uint32_t{1})
      .Set("tokenizer.ggml.padding_token_id", uint32_t{0})
      .Set("tokenizer.ggml.unknown_token_id", uint32_t{3});
}

/// Writes a pre-trained model of two layers with TinyTokenizer, its matrices in blocks of several types.
inline void WriteTinyGguf(const std::filesystem::path& path) {
  using kernels::BlockType;
  constexpr uint32_t kHidden = 64, kIntermediate = 256, kHeads = 4, kKvHeads = 2, kHeadDim = 16, kLayers = 2;
  GgufWriter writer;
  writer.Set("general.architecture", "gemma3")
      .Set("gemma3.block_count", kLayers)
      .Set("gemma3.embedding_length", kHidden)
      .Set("gemma3.context_length", uint32_t{512})
      .Set("gemma3.feed_forward_length", kIntermediate)
      .Set("gemma3.attention.head_count", kHeads)
      .Set("gemma3.attention.head_count_kv", kKvHeads)
      .Set("gemma3.attention.key_length", kHeadDim)
      .Set("gemma3.attention.sliding_window", uint32_t{8})
      .Set("gemma3.attention.layer_norm_rms_epsilon", 1e-6f);
  SetTinyTokenizer(writer);
  unsigned seed = 0;
  const auto matrix = [&](const std::string& name, BlockType type, uint64_t rows, uint64_t columns) {
    const auto bytes = RandomBlocks(type, static_cast<int64_t>(rows), static_cast<int64_t>(columns), ++seed);
    writer.Tensor(name, kernels::Info(type).ggml_id, {rows, columns},
                  {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  const auto norm = [&](const std::string& name, uint64_t size) {
    writer.Tensor(name, {size}, std::vector<float>(size, 1.25f));
  };
  matrix("token_embd.weight", BlockType::kQ8_0, 288, kHidden);
  for (uint32_t layer = 0; layer < kLayers; ++layer) {
    const std::string of = "blk." + std::to_string(layer) + ".";
    for (const char* name : {"attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"})
      norm(of + name + ".weight", kHidden);
    for (const char* name : {"attn_q_norm", "attn_k_norm"}) norm(of + name + ".weight", kHeadDim);
    matrix(of + "attn_q.weight", BlockType::kQ5_0, kHeads * kHeadDim, kHidden);
    matrix(of + "attn_k.weight", BlockType::kQ4_0, kKvHeads * kHeadDim, kHidden);
    matrix(of + "attn_v.weight", BlockType::kQ8_0, kKvHeads * kHeadDim, kHidden);
    matrix(of + "attn_output.weight", BlockType::kF16, kHidden, kHeads * kHeadDim);
    matrix(of + "ffn_gate.weight", BlockType::kQ5_0, kIntermediate, kHidden);
    matrix(of + "ffn_up.weight", BlockType::kQ5_0, kIntermediate, kHidden);
    matrix(of + "ffn_down.weight", layer == 0 ? BlockType::kQ4_K : BlockType::kQ6_K, kHidden, kIntermediate);
  }
  norm("output_norm.weight", kHidden);
  writer.Write(path);
}

}  // namespace gemtune::test
