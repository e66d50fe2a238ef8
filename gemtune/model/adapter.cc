#include "gemtune/model/adapter.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/io/safetensors.h"
#include "gemtune/io/tensor_names.h"
#include "gemtune/model/lora_targets.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kWeightsName = "adapter_model.safetensors";
constexpr const char* kPickleName = "adapter_model.bin";
constexpr std::string_view kPrefix = "base_model.model.";
constexpr const char* kPeftVersion = "0.21.2";  // whose format this is

const std::map<DType, at::ScalarType> kTypes = {
    {DType::kF32, at::kFloat}, {DType::kF16, at::kHalf}, {DType::kBF16, at::kBFloat16}};

// "model.layers.0.mlp.up_proj.lora_A.weight" → the name in the file. peft takes the last part off m.
std::string FileName(const std::string& parameter, const std::string& trunk_prefix) {
  std::string name = std::string(kPrefix) + ModelPath(parameter, trunk_prefix);
  if (name.ends_with(".lora_magnitude_vector.weight")) name.resize(name.size() - sizeof(".weight") + 1);
  return name;
}

std::vector<std::pair<std::string, at::Tensor>> Trained(const torch::nn::Module& model) {
  std::vector<std::pair<std::string, at::Tensor>> trained;
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) trained.emplace_back(item.key(), item.value());
  }
  return trained;
}

// The whole line of Python, with the file that is missing.
[[noreturn]] void FailWithoutWeights(const fs::path& directory) {
  const std::string path = directory.string();
  if (!fs::exists(directory / kPickleName)) Fail("{}: has no {}", path, kWeightsName);
  Fail(
      "{0}: has {1} only; convert it in Python: import torch, safetensors.torch as st; st.save_file({{k: "
      "v.contiguous().clone() for k, v in torch.load(\"{0}/{1}\", map_location=\"cpu\", "
      "weights_only=True).items()}}, \"{0}/{2}\", metadata={{\"format\": \"pt\"}})",
      path, kPickleName, kWeightsName);
}

// adapter_model.safetensors by the names that a text-only model's parameters have, whatever model it is of.
class WeightsFile {
 public:
  explicit WeightsFile(const fs::path& directory)
      : path_((directory / kWeightsName).string()), file_(Open(directory)) {
    for (const auto& [name, view] : file_.tensors()) List(name, view);
  }

  const std::string& path() const { return path_; }
  const std::string& trunk_prefix() const { return trunk_prefix_; }

  // Of one of the file's tensors, and what it is called there.
  struct Entry {
    std::string file_name;
    io::TensorView view;
  };
  const std::map<std::string, Entry>& entries() const { return entries_; }

  // nullptr if there is none. `parameter` as Trained names it.
  const Entry* Find(const std::string& parameter) const {
    const auto found = entries_.find(FileName(parameter, "model."));
    return found == entries_.end() ? nullptr : &found->second;
  }

 private:
  static io::SafetensorsFile Open(const fs::path& directory) {
    if (!fs::exists(directory / kWeightsName)) FailWithoutWeights(directory);
    return io::SafetensorsFile::Open(directory / kWeightsName);
  }

  // What is not named as peft names it is listed as it is, to be complained about.
  void List(std::string_view name, const io::TensorView& view) {
    std::string listed(name);
    if (name.starts_with(kPrefix)) {
      const std::string_view path = name.substr(kPrefix.size());
      const auto text_path = io::TextModelName(path);
      if (!text_path) return;  // of the vision tower
      if (text_path->starts_with("model.layers."))
        trunk_prefix_ = path.substr(0, path.size() - (text_path->size() - sizeof("model.") + 1));
      listed = std::string(kPrefix) + *text_path;
    }
    if (!entries_.try_emplace(listed, std::string(name), view).second) {
      Fail("{}: holds '{}' twice, under different prefixes", path_, Printable(listed, 120));
    }
  }

  std::string path_;
  io::SafetensorsFile file_;
  std::string trunk_prefix_ = "model.";
  std::map<std::string, Entry> entries_;
};

[[noreturn]] void FailOfShape(const std::string& path, const WeightsFile::Entry& entry,
                              at::IntArrayRef wanted) {
  const std::vector<int64_t>& shape = entry.view.shape;
  if (entry.file_name.ends_with("embed_tokens.weight") && shape.size() == 2 && shape[1] == wanted[1]) {
    Fail(
        "{}: '{}', saved with the adapter (save_embedding_layers or modules_to_save), is an embedding of {} "
        "tokens, that of the base model has {}; give the base model with its embedding resized to {} by "
        "--base-model "
        "(resize_token_embeddings and save_pretrained in Python)",
        path, entry.file_name, shape[0], wanted[0], shape[0]);
  }
  Fail("{}: tensor '{}' has shape [{}], the configuration and the base model ask for [{}]", path,
       entry.file_name, fmt::join(shape, ", "), fmt::join(wanted, ", "));
}

[[noreturn]] void FailWithoutHead(const std::string& path) {
  Fail(
      "{}: has no '{}score.weight': the classifier's head was not saved with the adapter, and without it the "
      "adapter is of no use; train with task_type SEQ_CLS",
      path, kPrefix);
}

Json Number(double value) {
  return value == std::floor(value) && std::fabs(value) < 1e15 ? Json(static_cast<int64_t>(value))
                                                               : Json(value);
}

Json ToJson(const AdapterConfig& config) {
  const LoraConfig& lora = config.lora;
  std::vector<std::string> saved = lora.modules_to_save;
  for (const char* head : {"classifier", "score"}) {  // what peft adds for SEQ_CLS
    if (std::find(saved.begin(), saved.end(), head) == saved.end()) saved.emplace_back(head);
  }
  Json json = {{"peft_type", "LORA"},
               {"task_type", "SEQ_CLS"},
               {"base_model_name_or_path", config.base_model_name_or_path},
               {"r", lora.r},
               {"lora_alpha", Number(lora.lora_alpha)},
               {"lora_dropout", lora.lora_dropout},
               {"use_rslora", lora.use_rslora},
               {"use_dora", lora.use_dora},
               {"target_modules", lora.target_modules},
               {"modules_to_save", saved},
               {"bias", "none"},
               {"fan_in_fan_out", false},
               {"init_lora_weights", true},
               {"inference_mode", true},
               {"peft_version", kPeftVersion}};
  if (!lora.target_pattern.empty()) json["target_modules"] = lora.target_pattern;
  json["rank_pattern"] = Json::object();
  for (const auto& [key, rank] : lora.rank_pattern) json["rank_pattern"][key] = rank;
  json["alpha_pattern"] = Json::object();
  for (const auto& [key, alpha] : lora.alpha_pattern) json["alpha_pattern"][key] = Number(alpha);
  // The rest of what peft writes, none of it used.
  for (const char* name :
       {"alora_invocation_tokens", "arrow_config", "auto_mapping", "corda_config", "eva_config",
        "exclude_modules", "layer_replication", "layers_pattern", "layers_to_transform", "megatron_config",
        "revision", "target_parameters", "trainable_token_indices"}) {
    json[name] = nullptr;
  }
  json["loftq_config"] = Json::object();
  for (const char* name : {"ensure_weight_tying", "lora_bias", "use_qalora"}) json[name] = false;
  return json;
}

}  // namespace

bool IsAdapter(const fs::path& path) {
  std::error_code error;
  return fs::exists(path / kAdapterConfigName, error);
}

AdapterContents ReadAdapterContents(const fs::path& directory) {
  const WeightsFile file(directory);
  for (const auto& [name, entry] : file.entries()) {
    if (name.find(".lora_embedding_") == name.npos) continue;
    Fail("{}: '{}' adapts the token embedding, which gemtune cannot read; {}", file.path(),
         Printable(entry.file_name, 120), MergeAdvice(directory));
  }
  const WeightsFile::Entry* head = file.Find("score.weight");
  if (head == nullptr || head->view.shape.size() != 2) FailWithoutHead(file.path());
  return {.outputs = head->view.shape[0],
          .trunk_prefix = file.trunk_prefix(),
          .has_embedding = file.Find("model.embed_tokens.weight") != nullptr};
}

void CheckAdapterWeights(const fs::path& directory, const torch::nn::Module& model) {
  const WeightsFile file(directory);
  std::set<const WeightsFile::Entry*> used;
  for (const auto& [name, parameter] : Trained(model)) {
    const WeightsFile::Entry* found = file.Find(name);
    if (found == nullptr)
      Fail("{}: tensor '{}' is missing", file.path(), FileName(name, file.trunk_prefix()));
    if (at::IntArrayRef(found->view.shape) != parameter.sizes())
      FailOfShape(file.path(), *found, parameter.sizes());
    if (!kTypes.contains(found->view.dtype)) {
      Fail("{}: tensor '{}' is {}; F32, F16 and BF16 are read", file.path(), found->file_name,
           DTypeName(found->view.dtype));
    }
    used.insert(found);
  }
  for (const auto& [name, entry] : file.entries()) {
    if (!used.contains(&entry))
      Fail("{}: tensor '{}' belongs to no part of the model that the adapter's configuration names",
           file.path(), Printable(entry.file_name, 120));
  }
}

void ReadAdapterWeights(const fs::path& directory, torch::nn::Module& model) {
  const at::NoGradGuard no_grad;
  CheckAdapterWeights(directory, model);
  const WeightsFile file(directory);
  for (const auto& [name, parameter] : Trained(model)) {
    const io::TensorView& view = file.Find(name)->view;
    // Copied twice: in the file, numbers may lie at any address.
    const at::Tensor stored = at::empty(view.shape, kTypes.at(view.dtype));
    if (!view.data.empty()) std::memcpy(stored.mutable_data_ptr(), view.data.data(), view.data.size());
    parameter.copy_(stored);
  }
}

void WriteAdapter(const fs::path& directory, const torch::nn::Module& model, const AdapterConfig& config) {
  const std::string trunk_prefix = config.lora.trunk_prefix.value_or("model.");
  std::vector<io::NamedTensor> tensors;
  std::vector<at::Tensor> kept;  // the views below look into these
  for (const auto& [name, parameter] : Trained(model)) {
    kept.push_back(parameter.detach().cpu().contiguous());
    const at::Tensor& tensor = kept.back();
    tensors.push_back({FileName(name, trunk_prefix),
                       {.dtype = tensor.scalar_type() == at::kBFloat16 ? DType::kBF16 : DType::kF32,
                        .shape = tensor.sizes().vec(),
                        .data = {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}}});
  }
  io::WriteSafetensors(directory / kWeightsName, tensors, {{"format", "pt"}});
  WriteFileAtomically(directory / kAdapterConfigName, ToJson(config).dump(2) + "\n");
}

}  // namespace gemtune::model
