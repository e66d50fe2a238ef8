#include "gemtune/model/adapter.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/io/json_file.h"
#include "gemtune/io/safetensors.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kWeightsName = "adapter_model.safetensors";
constexpr const char* kHeadName = "base_model.model.score.weight";
constexpr const char* kPeftVersion = "0.21.2";  // whose format this is

const std::map<DType, at::ScalarType> kTypes = {
    {DType::kF32, at::kFloat}, {DType::kF16, at::kHalf}, {DType::kBF16, at::kBFloat16}};

// "model.layers.0.mlp.up_proj.lora_A.weight" → the name in the file. peft takes the last part off m.
std::string FileName(const std::string& parameter) {
  std::string name = "base_model.model." + parameter;
  if (name.ends_with(".lora_magnitude_vector.weight")) name.resize(name.size() - sizeof(".weight") + 1);
  return name;
}

std::vector<std::pair<std::string, at::Tensor>> Trained(const torch::nn::Module& model) {
  std::vector<std::pair<std::string, at::Tensor>> trained;
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) trained.emplace_back(FileName(item.key()), item.value());
  }
  return trained;
}

[[noreturn]] void FailWithoutHead(const fs::path& path) {
  Fail(
      "{}: has no '{}': the classifier's head was not saved with the adapter, and without it the adapter is "
      "of no use; "
      "train with task_type SEQ_CLS",
      path.string(), kHeadName);
}

io::SafetensorsFile OpenWeights(const fs::path& directory) {
  if (!fs::exists(directory / kWeightsName)) Fail("{}: has no {}", directory.string(), kWeightsName);
  return io::SafetensorsFile::Open(directory / kWeightsName);
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
  // The rest of what peft writes, none of it used.
  for (const char* name :
       {"alora_invocation_tokens", "arrow_config", "auto_mapping", "corda_config", "eva_config",
        "exclude_modules", "layer_replication", "layers_pattern", "layers_to_transform", "megatron_config",
        "revision", "target_parameters", "trainable_token_indices"}) {
    json[name] = nullptr;
  }
  for (const char* name : {"alpha_pattern", "loftq_config", "rank_pattern"}) json[name] = Json::object();
  for (const char* name : {"ensure_weight_tying", "lora_bias", "use_qalora"}) json[name] = false;
  return json;
}

}  // namespace

bool IsAdapter(const fs::path& path) {
  std::error_code error;
  return fs::exists(path / kAdapterConfigName, error);
}

int64_t AdapterOutputs(const fs::path& directory) {
  const io::SafetensorsFile file = OpenWeights(directory);
  const auto head = file.tensors().find(kHeadName);
  if (head == file.tensors().end() || head->second.shape.size() != 2)
    FailWithoutHead(directory / kWeightsName);
  return head->second.shape[0];
}

void CheckAdapterWeights(const fs::path& directory, const torch::nn::Module& model) {
  const io::SafetensorsFile file = OpenWeights(directory);
  const std::string path = (directory / kWeightsName).string();
  std::set<std::string> used;
  for (const auto& [name, parameter] : Trained(model)) {
    const auto found = file.tensors().find(name);
    if (found == file.tensors().end()) Fail("{}: tensor '{}' is missing", path, name);
    const io::TensorView& view = found->second;
    if (at::IntArrayRef(view.shape) != parameter.sizes()) {
      Fail("{}: tensor '{}' has shape [{}], the configuration and the base model ask for [{}]", path, name,
           fmt::join(view.shape, ", "), fmt::join(parameter.sizes(), ", "));
    }
    if (!kTypes.contains(view.dtype))
      Fail("{}: tensor '{}' is {}; F32, F16 and BF16 are read", path, name, DTypeName(view.dtype));
    used.insert(name);
  }
  for (const auto& [name, view] : file.tensors()) {
    if (!used.contains(name))
      Fail("{}: tensor '{}' belongs to no part of the model that the adapter's configuration names", path,
           Printable(name, 120));
  }
}

void ReadAdapterWeights(const fs::path& directory, torch::nn::Module& model) {
  const at::NoGradGuard no_grad;
  CheckAdapterWeights(directory, model);
  const io::SafetensorsFile file = OpenWeights(directory);
  for (const auto& [name, parameter] : Trained(model)) {
    const io::TensorView& view = file.tensors().at(name);
    // Copied twice: in the file, numbers may lie at any address.
    const at::Tensor stored = at::empty(view.shape, kTypes.at(view.dtype));
    if (!view.data.empty()) std::memcpy(stored.mutable_data_ptr(), view.data.data(), view.data.size());
    parameter.copy_(stored);
  }
}

void WriteAdapter(const fs::path& directory, const torch::nn::Module& model, const AdapterConfig& config) {
  std::vector<io::NamedTensor> tensors;
  std::vector<at::Tensor> kept;  // the views below look into these
  for (const auto& [name, parameter] : Trained(model)) {
    kept.push_back(parameter.detach().cpu().contiguous());
    const at::Tensor& tensor = kept.back();
    tensors.push_back({name,
                       {.dtype = tensor.scalar_type() == at::kBFloat16 ? DType::kBF16 : DType::kF32,
                        .shape = tensor.sizes().vec(),
                        .data = {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}}});
  }
  io::WriteSafetensors(directory / kWeightsName, tensors, {{"format", "pt"}});
  WriteFileAtomically(directory / kAdapterConfigName, ToJson(config).dump(2) + "\n");
}

}  // namespace gemtune::model
