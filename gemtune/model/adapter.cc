#include "gemtune/model/adapter.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
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

constexpr const char* kConfigName = "adapter_config.json";
constexpr const char* kWeightsName = "adapter_model.safetensors";
constexpr const char* kHeadName = "base_model.model.score.weight";
constexpr const char* kPeftVersion = "0.21.2";  // whose format this is

// Entries that change nothing in what a trained adapter computes, or that are read one by one below. Any
// other is an error unless it is empty: null, false, {} or [].
const std::set<std::string> kKnownEntries = {"peft_type",
                                             "task_type",
                                             "r",
                                             "lora_alpha",
                                             "lora_dropout",
                                             "target_modules",
                                             "modules_to_save",
                                             "use_rslora",
                                             "use_dora",
                                             "bias",
                                             "peft_version",
                                             "inference_mode",
                                             "auto_mapping",
                                             "init_lora_weights",
                                             "eva_config",
                                             "base_model_name_or_path",
                                             "revision",
                                             "megatron_core",
                                             "qalora_group_size"};

// Starts that leave the base as it is. The others (pissa, olora, loftq, corda, ...) take something out of it.
const std::set<std::string> kKnownStarts = {"true", "false", "gaussian", "eva", "orthogonal"};

const std::map<DType, at::ScalarType> kTypes = {
    {DType::kF32, at::kFloat}, {DType::kF16, at::kHalf}, {DType::kBF16, at::kBFloat16}};

// One adapter_config.json, with the file's name in every complaint.
class Reader {
 public:
  explicit Reader(const fs::path& path) : path_(path.string()), json_(io::ParseJsonFile(path)) {
    if (!json_.is_object()) Fail("{}: is not a JSON object", path_);
  }

  const std::string& path() const { return path_; }
  const Json& json() const { return json_; }

  // null where there is none.
  Json At(const char* name) const { return json_.value(name, Json()); }

  bool Flag(const char* name) const {
    const Json value = At(name);
    if (!value.is_null() && !value.is_boolean()) Fail("{}: '{}' is neither true nor false", path_, name);
    return value.is_boolean() && value.get<bool>();
  }

  double Number(const char* name, double least, double most) const {
    const Json value = At(name);
    if (!value.is_number() || !(value.get<double>() >= least && value.get<double>() <= most)) {
      Fail("{}: '{}' is no number between {} and {}", path_, name, least, most);
    }
    return value.get<double>();
  }

  std::vector<std::string> Names(const char* name) const {
    const Json value = At(name);
    const auto is_text = [](const Json& item) {
      return item.is_string() && !item.get_ref<const std::string&>().empty();
    };
    if (value.is_null()) return {};
    if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_text)) {
      Fail("{}: '{}' is no list of names", path_, name);
    }
    return value.get<std::vector<std::string>>();
  }

  // Throws Error unless the entry is that text; null passes where `may_be_absent`.
  void Expect(const char* name, const std::string& text, bool may_be_absent) const {
    const Json value = At(name);
    if (value == text || (value.is_null() && may_be_absent)) return;
    Fail("{}: '{}' is {}; gemtune reads {} only", path_, name, Printable(value.dump()), text);
  }

 private:
  std::string path_;
  Json json_;
};

bool IsEmpty(const Json& value) {
  return value.is_null() || value == false || ((value.is_structured() || value.is_string()) && value.empty());
}

void RefuseUnknownSettings(const Reader& reader) {
  for (const auto& [name, value] : reader.json().items()) {
    if (kKnownEntries.contains(name) || IsEmpty(value)) continue;
    Fail("{}: '{}' is {}, a setting that gemtune does not know", reader.path(), Printable(name),
         Printable(value.dump()));
  }
  const Json start = reader.At("init_lora_weights");
  const std::string name = start.is_string() ? start.get<std::string>()
                           : start.is_null() ? "true"
                                             : start.dump();
  if (!kKnownStarts.contains(name)) {
    Fail(
        "{}: 'init_lora_weights' is {}, which changes the base model's weights too; convert the adapter to "
        "plain LoRA "
        "first (peft: save_pretrained with path_initial_model_for_weight_conversion)",
        reader.path(), Printable(start.dump()));
  }
}

void ReadTargets(const Reader& reader, LoraConfig& lora) {
  const Json targets = reader.At("target_modules");
  if (targets.is_string()) {
    const auto& text = targets.get_ref<const std::string&>();
    if (text == "all-linear") return;
    lora.target_pattern = text;
  } else {
    lora.target_modules = reader.Names("target_modules");
  }
  if (lora.target_pattern.empty() && lora.target_modules.empty()) {
    Fail("{}: 'target_modules' names none", reader.path());
  }
}

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
  return fs::exists(path / kConfigName, error);
}

AdapterConfig ReadAdapterConfig(const fs::path& directory) {
  const Reader reader(directory / kConfigName);
  reader.Expect("peft_type", "LORA", /*may_be_absent=*/false);
  reader.Expect("task_type", "SEQ_CLS", /*may_be_absent=*/true);
  reader.Expect("bias", "none", /*may_be_absent=*/true);
  RefuseUnknownSettings(reader);
  AdapterConfig config;
  const double rank = reader.Number("r", 1, 1 << 20);
  if (rank != std::floor(rank)) Fail("{}: 'r' is no whole number", reader.path());
  config.lora = {.r = static_cast<int64_t>(rank),
                 .lora_alpha = reader.Number("lora_alpha", -1e9, 1e9),
                 .use_rslora = reader.Flag("use_rslora"),
                 .use_dora = reader.Flag("use_dora"),
                 .modules_to_save = reader.Names("modules_to_save")};
  if (!reader.At("lora_dropout").is_null())
    config.lora.lora_dropout = reader.Number("lora_dropout", 0, 0.999);
  ReadTargets(reader, config.lora);
  const Json base = reader.At("base_model_name_or_path");
  if (base.is_string()) config.base_model_name_or_path = base.get<std::string>();
  return config;
}

int64_t AdapterOutputs(const fs::path& directory) {
  const io::SafetensorsFile file = OpenWeights(directory);
  const auto head = file.tensors().find(kHeadName);
  if (head == file.tensors().end() || head->second.shape.size() != 2)
    FailWithoutHead(directory / kWeightsName);
  return head->second.shape[0];
}

void ReadAdapterWeights(const fs::path& directory, torch::nn::Module& model) {
  const at::NoGradGuard no_grad;
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
    const auto type = kTypes.find(view.dtype);
    if (type == kTypes.end())
      Fail("{}: tensor '{}' is {}; F32, F16 and BF16 are read", path, name, DTypeName(view.dtype));
    parameter.copy_(at::from_blob(const_cast<std::byte*>(view.data.data()), view.shape, type->second));
    used.insert(name);
  }
  for (const auto& [name, view] : file.tensors()) {
    if (!used.contains(name))
      Fail("{}: tensor '{}' belongs to no part of the model that the adapter's configuration names", path,
           Printable(name, 120));
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
  WriteFileAtomically(directory / kConfigName, ToJson(config).dump(2) + "\n");
}

}  // namespace gemtune::model
