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
  std::string stored_type;     // as the file calls it: "BF16", "Q4_K"
  std::vector<int64_t> shape;  // [out, in]
  int64_t stored_bytes = 0;
};

/// A tensor of a GGUF file as it lies there.
struct StoredBlocks {
  kernels::BlockType type;
  std::span<const std::byte> bytes;   // its rows, one behind the other
  std::shared_ptr<const void> owner;  // the bytes are valid as long as this
};

/// A pre-trained model on disk whatever its format: a Hugging Face directory (config.json with
/// model.safetensors, or with model.safetensors.index.json and its shards) or one GGUF file. The weights stay
/// mapped, nothing is copied until Read.
///
/// Names are those of a text-only Hugging Face checkpoint, whatever the file calls them: `language_model.`
/// prefixes of the multimodal layout are taken off, its vision tower and projector are not listed, GGUF names
/// are translated, and a GGUF's norm weights (1 + w there) come out as w.
class Checkpoint {
 public:
  /// Throws Error naming the file and what is wrong with it or missing.
  static Checkpoint Open(const std::filesystem::path& path);

  /// config.json as it stands, or the equal of it made from a GGUF's metadata (model_type "gemma3_text").
  const nlohmann::ordered_json& config() const;

  /// generation_config.json if the directory has one, else null.
  const nlohmann::ordered_json& generation_config() const;

  /// Sorted by name.
  const std::vector<TensorInfo>& tensors() const;

  /// nullptr if there is none of that name.
  const TensorInfo* Find(const std::string& name) const;

  /// Converts or dequantises `name` to F32 or BF16 (through fp32, rounded to nearest even) into `out`, which
  /// holds the tensor's number of elements, on all threads. `out_dtype` is kF32 or kBF16. What was read of
  /// the file does not stay resident in this process. Throws Error if there is no such tensor.
  void Read(const std::string& name, DType out_dtype, void* out) const;

  /// Rounds `name` to Q8_0 blocks (kernels::QuantizeToQ8_0) along its rows into `out`, which holds them, on
  /// all threads and from fp32, of which it makes a megabyte at a time. The last dimension is a multiple
  /// of 32. Throws Error if there is no such tensor, or for numbers that Q8_0 cannot hold.
  void ReadQ8_0(const std::string& name, std::byte* out) const;

  /// The blocks of `name`, of a GGUF file. Throws Error if there is no such tensor.
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
