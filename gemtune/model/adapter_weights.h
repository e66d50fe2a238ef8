#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "gemtune/io/safetensors.h"
#include "gemtune/model/adapter_config.h"

namespace gemtune::model {

/// What the names and shapes of an adapter's tensors reveal.
struct AdapterContents {
  int64_t outputs = 0;                  // of the head that was trained with it; 0: there is none
  std::string trunk_prefix = "model.";  // see Gemma3TextConfig; that of the model it was trained on
  bool has_embedding = false;           // the whole token embedding is saved with it (save_embedding_layers)
};

/// An adapter's adapter_model.safetensors, as peft writes it. Tensors have the names of a text-only model's
/// parameters whatever model the adapter is for (io::TextModelName); those for a vision tower are ignored.
/// The file stays mapped.
class AdapterWeights {
 public:
  /// Throws Error if there is no such file, or if it is damaged.
  static AdapterWeights Open(const std::filesystem::path& directory);

  /// Throws Error if it holds an adapter for the embedding; `task_type` as in AdapterConfig, for the advice.
  AdapterContents Contents(const std::string& task_type = kSequenceClassification) const;

  /// Throws Error for an adapter without the head of a classifier.
  void CheckHead() const;

  /// Throws Error unless it holds exactly the parameters of `model` that require a gradient (those from
  /// AttachLora), with their shapes. `model` may be on ops::Nowhere(), so that even a rank of millions needs
  /// no memory.
  void CheckFor(const torch::nn::Module& model) const;

  /// The tensor of a parameter, named as in the model, in fp32. Throws Error if there is none.
  at::Tensor Read(const std::string& parameter) const;

  /// Fills every parameter of `model` that requires a gradient, on any device. Throws Error as CheckFor does.
  void ReadInto(const torch::nn::Module& model) const;

 private:
  // One of the file's tensors with its name there.
  struct Entry {
    std::string file_name;
    io::TensorView view;
  };

  AdapterWeights(const std::filesystem::path& directory, io::SafetensorsFile file);
  void List(std::string_view name, const io::TensorView& view);
  const Entry* Find(const std::string& parameter) const;
  static at::Tensor Numbers(const Entry& entry);
  [[noreturn]] void FailOfShape(const Entry& entry, at::IntArrayRef wanted) const;

  std::filesystem::path directory_;
  std::string path_;
  io::SafetensorsFile file_;
  std::string trunk_prefix_ = "model.";
  std::map<std::string, Entry> entries_;
};

/// Writes adapter_model.safetensors with all parameters of `model` that require a gradient, in their dtype.
/// Names are those that peft expects for transformers' model, where the trunk is called `trunk_prefix`.
void WriteAdapterWeights(const std::filesystem::path& directory, const torch::nn::Module& model,
                         const std::string& trunk_prefix);

}  // namespace gemtune::model
