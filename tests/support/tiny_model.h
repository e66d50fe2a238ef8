#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "gemtune/io/checkpoint.h"
#include "gemtune/io/safetensors.h"
#include "gemtune/model/heads.h"
#include "gemtune/model/pretrained.h"
#include "tests/support/tiny_tokenizer.h"

namespace gemtune::test {

/// "tiny" is the model; "lora", "rslora" and "dora" are peft's adapters of it.
inline std::filesystem::path GoldenDir(const std::string& name = "tiny") {
  return std::filesystem::path(GEMTUNE_SOURCE_DIR) / "tests" / "model" / "golden" / name;
}

/// What transformers computed with the tiny model, and peft with its adapters; see generate_tiny.py and
/// generate_lora.py in tests/model/golden.
inline std::map<std::string, at::Tensor> Golden(const std::string& folder = "tiny") {
  const auto file = io::SafetensorsFile::Open(GoldenDir(folder) / "golden.safetensors");
  const std::map<DType, at::ScalarType> types = {{DType::kF32, at::kFloat},
                                                 {DType::kF64, at::kDouble},
                                                 {DType::kI64, at::kLong},
                                                 {DType::kI32, at::kInt}};
  std::map<std::string, at::Tensor> golden;
  for (const auto& [name, view] : file.tensors()) {
    golden[name] =
        at::from_blob(const_cast<std::byte*>(view.data.data()), view.shape, types.at(view.dtype)).clone();
  }
  return golden;
}

inline std::vector<int32_t> ToVector(const at::Tensor& t) {
  return {t.data_ptr<int32_t>(), t.data_ptr<int32_t>() + t.numel()};
}

/// The tiny model with transformers' weights, in fp32.
inline model::SequenceClassifier TinyClassifier() {
  const auto checkpoint = io::Checkpoint::Open(GoldenDir());
  const auto config = model::Gemma3TextConfig::FromJson(checkpoint.config(), "tiny");
  model::SequenceClassifier classifier(config, 3, at::TensorOptions().dtype(at::kFloat));
  model::LoadParameters(checkpoint, *classifier, "");
  return classifier;
}

/// The tiny model with one of peft's adapters: "lora", "rslora" or "dora".
inline model::SequenceClassifier TinyAdapted(const std::string& name) {
  model::SequenceClassifier classifier = TinyClassifier();
  model::LoraConfig config = model::ReadAdapterConfig(GoldenDir(name)).lora;
  model::AttachLora(*classifier, config, /*seed=*/1);
  model::ReadAdapterWeights(GoldenDir(name), *classifier);
  return classifier;
}

/// Writes a pre-trained model of TinyTokenizer's vocabulary: config.json, random weights in fp32,
/// tokenizer.json.
inline void WriteTinyModel(const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  const nlohmann::ordered_json json = {{"model_type", "gemma3_text"},
                                       {"architectures", {"Gemma3ForCausalLM"}},
                                       {"vocab_size", 288},
                                       {"hidden_size", 16},
                                       {"intermediate_size", 32},
                                       {"num_hidden_layers", 7},
                                       {"num_attention_heads", 4},
                                       {"num_key_value_heads", 2},
                                       {"head_dim", 8},
                                       {"query_pre_attn_scalar", 8},
                                       {"sliding_window", 8},
                                       {"pad_token_id", 0}};
  std::ofstream(directory / "config.json") << json.dump();
  const at::NoGradGuard no_grad;
  at::manual_seed(3);
  // Saved through the classifier, whose trunk's parameters are named as the checkpoint's.
  model::SequenceClassifier classifier(model::Gemma3TextConfig::FromJson(json, "tiny"), 1, at::kFloat);
  for (const at::Tensor& parameter : classifier->trunk()->parameters()) {
    parameter.normal_(0, parameter.dim() == 1 ? 0.1 : 0.25);
  }
  model::SaveParameters(*classifier, directory);
  TinyTokenizer().Make(directory);
}

}  // namespace gemtune::test
