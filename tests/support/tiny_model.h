#pragma once

#include <ATen/ATen.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <numeric>
#include <span>
#include <string>

#include "gemtune/io/safetensors.h"
#include "gemtune/model/adapter_weights.h"
#include "gemtune/model/heads.h"
#include "gemtune/model/pretrained.h"
#include "gemtune/model/source.h"
#include "gemtune/model/weights.h"
#include "gemtune/ops/dtype.h"
#include "gemtune/ops/host_memory.h"
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
  std::map<std::string, at::Tensor> golden;
  for (const auto& [name, view] : file.tensors()) {
    golden[name] = ops::HostView(view.data, view.shape, ops::ToScalarType(view.dtype)).clone();
  }
  return golden;
}

inline std::vector<int32_t> ToVector(const at::Tensor& t) {
  return {t.data_ptr<int32_t>(), t.data_ptr<int32_t>() + t.numel()};
}

/// The tiny model with transformers' weights, in fp32.
inline model::SequenceClassifier TinyClassifier() {
  const auto source = model::ModelSource::Open(GoldenDir());
  model::SequenceClassifier classifier(source.config, 3, at::TensorOptions().dtype(at::kFloat));
  model::LoadParameters(source.checkpoint, *classifier, "");
  return classifier;
}

/// The tiny model with any numbers, as of a checkpoint whose text part transformers calls so.
inline model::SequenceClassifier TinyOutline(const std::string& trunk_prefix = "model.") {
  model::Gemma3TextConfig config = model::ModelSource::Open(GoldenDir()).config;
  config.trunk_prefix = trunk_prefix;
  return model::SequenceClassifier(config, 3, at::TensorOptions().dtype(at::kFloat));
}

/// The tiny model with one of peft's adapters: "lora", "rslora" or "dora".
inline model::SequenceClassifier TinyAdapted(const std::string& name) {
  model::SequenceClassifier classifier = TinyClassifier();
  model::LoraConfig config = model::ReadAdapterConfig(GoldenDir(name)).lora;
  model::AttachLora(*classifier, config, /*seed=*/1);
  model::AdapterWeights::Open(GoldenDir(name)).ReadInto(*classifier);
  return classifier;
}

/// Writes a pre-trained model of TinyTokenizer's vocabulary: config.json, random weights in fp32,
/// tokenizer.json. With `turns` also of the tokens of a conversation.
inline void WriteTinyModel(const std::filesystem::path& directory, bool turns = false) {
  std::filesystem::create_directories(directory);
  const nlohmann::ordered_json json = {{"model_type", "gemma3_text"},
                                       {"architectures", {"Gemma3ForCausalLM"}},
                                       {"vocab_size", turns ? 290 : 288},
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
  TinyTokenizer{.turns = turns}.Make(directory);
}

/// Rewrites `directory`'s model.safetensors: its tensors under the names from `rename`, without the head
/// unless `keeps_head`, and with zeros for the tensors in `zeros` (name and shape), which replace others of
/// the same name.
inline void RewriteTinyModel(
    const std::filesystem::path& directory,
    const std::vector<std::pair<std::string, std::vector<int64_t>>>& zeros,
    const std::function<std::string(const std::string&)>& rename =
        [](const std::string& name) { return name; },
    bool keeps_head = false) {
  const auto file = io::SafetensorsFile::Open(directory / "model.safetensors");
  std::vector<io::NamedTensor> tensors;
  std::deque<std::vector<float>> kept;
  for (const auto& [name, view] : file.tensors()) {
    const auto is_it = [&name = name](const auto& zero) { return zero.first == name; };
    if (!keeps_head && name.starts_with("score.")) continue;
    if (std::none_of(zeros.begin(), zeros.end(), is_it)) tensors.push_back({rename(name), view});
  }
  for (const auto& [name, shape] : zeros) {
    kept.emplace_back(std::accumulate(shape.begin(), shape.end(), size_t{1}, std::multiplies<>()));
    tensors.push_back({name, {DType::kF32, shape, std::as_bytes(std::span(kept.back()))}});
  }
  io::WriteSafetensors(directory / "new.safetensors", tensors);
  std::filesystem::rename(directory / "new.safetensors", directory / "model.safetensors");
}

/// Makes a model as transformers saves Gemma3ForSequenceClassification of one that WriteTinyModel or Save
/// made.
inline void MakeMultimodal(const std::filesystem::path& directory) {
  const std::string trunk = "model.", vision = "model.vision_tower.vision_model.post_layernorm.weight";
  RewriteTinyModel(
      directory, {{vision, {4}}},
      [&](const std::string& name) {
        return name.starts_with(trunk) ? "model.language_model." + name.substr(trunk.size()) : name;
      },
      /*keeps_head=*/true);
  nlohmann::ordered_json text;
  std::ifstream(directory / "config.json") >> text;
  std::ofstream(directory / "config.json")
      << nlohmann::ordered_json{{"model_type", "gemma3"}, {"text_config", text}}.dump();
}

}  // namespace gemtune::test
