#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "gemtune/base/dtype.h"
#include "gemtune/kernels/quant.h"

namespace gemtune::io {

/// One tensor of a checkpoint, under its Hugging Face name and in PyTorch's order of dimensions.
struct TensorInfo {
  std::string name;            // "model.layers.0.self_attn.q_proj.weight"
  std::string stored_type;     // the file's name for it: "BF16", "Q4_K"
  std::vector<int64_t> shape;  // [out, in]
  int64_t stored_bytes = 0;
};

/// A tensor of a GGUF file as stored.
struct StoredBlocks {
  kernels::BlockType type;
  std::span<const std::byte> bytes;   // its rows, one after the other
  std::shared_ptr<const void> owner;  // the bytes are valid as long as this exists
};

/// A pre-trained model on disk in any supported format: a Hugging Face directory (config.json with
/// model.safetensors, or with model.safetensors.index.json and its shards) or one GGUF file. The weights are
/// mapped; nothing is copied until Read.
///
/// Names are always those of a text-only Hugging Face checkpoint: `language_model.` prefixes of the
/// multimodal layout are removed, its vision tower and projector are not listed, GGUF names are translated,
/// and a GGUF's norm weights (1 + w there) are read as w.
class Checkpoint {
 public:
  /// Throws an Error that names the file and what is wrong or missing.
  static Checkpoint Open(const std::filesystem::path& path);

  /// The contents of config.json, or the equivalent made from a GGUF's metadata (model_type "gemma3_text").
  const nlohmann::ordered_json& config() const;

  /// generation_config.json if the directory has one, else null.
  const nlohmann::ordered_json& generation_config() const;

  /// Sorted by name.
  const std::vector<TensorInfo>& tensors() const;

  /// nullptr if there is no tensor of that name.
  const TensorInfo* Find(const std::string& name) const;

  /// Converts or dequantises `name` to F32 or BF16 (through fp32, rounded to nearest even) into `out`, which
  /// has room for the tensor's elements, on all threads. `out_dtype` is kF32 or kBF16. The pages read from
  /// the file do not stay resident in this process. Throws Error if there is no such tensor.
  void Read(const std::string& name, DType out_dtype, void* out) const;

  /// Rounds `name` to Q8_0 blocks (kernels::Quantize) along its rows into `out`, which has room for
  /// them, on all threads. Converts through fp32, a megabyte at a time. The last dimension must be a multiple
  /// of 32. Throws Error if there is no such tensor, or for numbers that Q8_0 cannot hold.
  void ReadQ8_0(const std::string& name, std::byte* out) const;

  /// The blocks of `name`, if this is a GGUF file. Throws Error if there is no such tensor.
  StoredBlocks Blocks(const std::string& name) const;

  /// "safetensors" or "gguf".
  const std::string& format() const;

  /// The path that Open was given.
  const std::filesystem::path& path() const;

 private:
  struct State;
  explicit Checkpoint(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

}  // namespace gemtune::io
