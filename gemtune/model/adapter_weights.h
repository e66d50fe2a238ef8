#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "gemtune/io/safetensors.h"

namespace gemtune::model {

/// What can be told of an adapter from the names and shapes of its tensors.
struct AdapterContents {
  int64_t outputs = 0;                  // of the head that was trained with it
  std::string trunk_prefix = "model.";  // see Gemma3TextConfig: of the model that it was trained on
  bool has_embedding = false;           // the whole token embedding is saved with it (save_embedding_layers)
};

/// An adapter's adapter_model.safetensors, as peft writes it, by the names that a text-only model's
/// parameters have, whatever model it is of (io::TextModelName); what it holds for a vision tower is passed
/// over. The file stays mapped.
class AdapterWeights {
 public:
  /// Throws Error if there is no such file, or if it is damaged.
  static AdapterWeights Open(const std::filesystem::path& directory);

  /// Throws Error if there is no head in it, or an adapter of the embedding.
  AdapterContents Contents() const;

  /// Throws Error unless it holds exactly the parameters of `model` that require a gradient (those of
  /// AttachLora), of their shapes. `model` may lie nowhere (ops::Nowhere), so that a rank of millions costs
  /// nothing.
  void CheckFor(const torch::nn::Module& model) const;

  /// Fills every parameter of `model` that requires a gradient, wherever it lies. Throws Error as CheckFor.
  void ReadInto(const torch::nn::Module& model) const;

 private:
  // One of the file's tensors, and what it is called there.
  struct Entry {
    std::string file_name;
    io::TensorView view;
  };

  AdapterWeights(const std::filesystem::path& directory, io::SafetensorsFile file);
  void List(std::string_view name, const io::TensorView& view);
  const Entry* Find(const std::string& parameter) const;
  [[noreturn]] void FailOfShape(const Entry& entry, at::IntArrayRef wanted) const;

  std::filesystem::path directory_;
  std::string path_;
  io::SafetensorsFile file_;
  std::string trunk_prefix_ = "model.";
  std::map<std::string, Entry> entries_;
};

/// Writes adapter_model.safetensors with all parameters of `model` that require a gradient, in their dtype,
/// under the names that peft looks for in transformers' model, whose trunk is called `trunk_prefix`.
void WriteAdapterWeights(const std::filesystem::path& directory, const torch::nn::Module& model,
                         const std::string& trunk_prefix);

}  // namespace gemtune::model
