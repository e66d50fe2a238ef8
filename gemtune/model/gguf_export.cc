#include "gemtune/model/gguf_export.h"

#include <ATen/ATen.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/io/gguf_writer.h"
#include "gemtune/io/hub/cache.h"
#include "gemtune/io/json_file.h"
#include "gemtune/io/tensor_names.h"
#include "gemtune/model/adapter.h"
#include "gemtune/model/gguf_metadata.h"
#include "gemtune/model/load_adapter.h"
#include "gemtune/model/lora_targets.h"
#include "gemtune/model/names.h"
#include "gemtune/model/pretrained.h"
#include "gemtune/model/weights.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;

// The weight of that name, in fp32 on the host.
using Weights = std::function<at::Tensor(const std::string& name)>;

at::Tensor OnHost(const at::Tensor& weight) {
  return weight.detach().to(ops::Host(), at::kFloat).contiguous();
}

// Writes the parameters of `outline`, a language model, which may have no numbers itself.
void WriteModel(const torch::nn::Module& outline, const Weights& weights, const Gemma3TextConfig& config,
                const io::GgufMetadata& metadata, const io::GgufOuttype& outtype, const fs::path& file) {
  const at::NoGradGuard no_grad;
  std::vector<io::GgufTensorEntry> entries;
  for (const auto& item : outline.named_parameters()) {
    const auto name = io::GgufNameFromHf(item.key());
    GEMTUNE_CHECK(name.has_value());
    const std::vector<int64_t> shape = item.value().sizes().vec();
    const auto type = io::GgufTensorType(outtype, name->name, shape, config.num_hidden_layers);
    entries.push_back({name->name, type, shape});
  }
  io::GgufWriter writer(file, metadata, std::move(entries));
  for (const auto& item : outline.named_parameters()) {
    at::Tensor numbers = weights(item.key());
    if (io::GgufNameFromHf(item.key())->gguf_stores_one_plus) numbers = numbers + 1;
    writer.Write(ops::HostValues<const float>(numbers));
  }
  writer.Commit();
}

// "model.layers.0.mlp.up_proj.lora_B.weight" → the module that it adapts; whether it is B.
std::pair<std::string, bool> ModuleOf(const std::string& parameter) {
  constexpr std::string_view kB = ".lora_B.weight";  // as long as A's
  return {parameter.substr(0, parameter.size() - kB.size()), parameter.ends_with(kB)};
}

// By what B is multiplied so that llama.cpp's lora_alpha / r becomes the module's own scaling.
double ScalingForLlamaCpp(const LoraConfig& module, double lora_alpha) {
  return module.Scaling() / (lora_alpha / static_cast<double>(module.r));
}

// Throws Error for what a GGUF adapter cannot hold.
void RefuseMoreThanLora(const LoraConfig& lora, const fs::path& adapter) {
  const char* const more = lora.use_dora                  ? "DoRA's magnitudes (use_dora)"
                           : lora.modules_to_save.empty() ? nullptr
                                                          : "modules trained whole (modules_to_save)";
  if (more == nullptr) return;
  Fail("{}: has {}, which a GGUF adapter cannot hold; export it merged into its base, with `format` gguf",
       adapter.string(), more);
}

[[noreturn]] void FailOfClassifier(const fs::path& model) {
  Fail(
      "{}: is a classifier: llama.cpp has no classification head for Gemma 3 and would generate text with "
      "its "
      "trunk; classify with gemtune predict, or export a language model",
      model.string());
}

void RefuseClassifier(const ModelSource& source) {
  const auto architectures = source.checkpoint.config().find("architectures");
  const bool is_classifier =
      architectures == source.checkpoint.config().end()
          ? source.checkpoint.Find(std::string(kHeadWeight)) != nullptr
          : architectures->dump().find("ForSequenceClassification") != std::string::npos;
  if (is_classifier) FailOfClassifier(source.path);
}

void RefuseClassifierAdapter(const fs::path& adapter) {
  const auto json = io::ParseJsonFile(adapter / kAdapterConfigName);
  if (json.is_object() && json.value("task_type", nlohmann::ordered_json()) == kSequenceClassification)
    FailOfClassifier(adapter);
}

// The last part of the path, "out/" meaning "out", and that of a file without ".gguf".
std::string NameOf(const fs::path& path) {
  const fs::path whole = fs::absolute(path).lexically_normal();
  const fs::path name = (whole.has_filename() ? whole : whole.parent_path()).filename();
  return (name.extension() == ".gguf" ? name.stem() : name).string();
}

void ExportMerged(const fs::path& adapter, const fs::path& base_model, const io::GgufOuttype& outtype,
                  const fs::path& file) {
  RefuseClassifierAdapter(io::hub::FindModel(adapter));
  PretrainedCausalLm loaded = PretrainedCausalLm::FromTrained(adapter, {.dtype = at::kFloat}, base_model);
  RefuseWhatLlamaCppLacks(loaded.config, adapter.string());
  loaded.MergeAdapter();
  const auto parameters = loaded.module().named_parameters();
  const auto weight = [&](const std::string& name) { return OnHost(parameters[name]); };
  WriteModel(loaded.module(), weight, loaded.config,
             ModelMetadata(NameOf(adapter), loaded.config, loaded.tokenizer, outtype), outtype, file);
}

}  // namespace

void ExportGguf(const fs::path& model, const fs::path& base_model, const io::GgufOuttype& outtype,
                const fs::path& file) {
  if (IsAdapter(io::hub::FindModel(model))) return ExportMerged(model, base_model, outtype, file);
  if (!base_model.empty()) {
    Fail("{}: is not an adapter (it has no adapter_config.json), so it has no `base_model`", model.string());
  }
  const ModelSource source = ModelSource::Open(model);
  RefuseClassifier(source);
  RefuseWhatLlamaCppLacks(source.config, model.string());
  const CausalLm outline = OutlineCausalLm(source);
  const auto weight = [&](const std::string& name) {
    const at::Tensor read = at::empty(source.checkpoint.Find(name)->shape, at::kFloat);
    LoadTensor(source.checkpoint, name, read);
    return read;
  };
  WriteModel(*outline, weight, source.config,
             ModelMetadata(NameOf(model), source.config, text::Tokenizer::Load(model), outtype), outtype,
             file);
}

void ExportGgufLora(const fs::path& adapter, const fs::path& base_model, const io::GgufOuttype& outtype,
                    const fs::path& file) {
  const at::NoGradGuard no_grad;
  const fs::path path = io::hub::FindModel(adapter);
  if (!IsAdapter(path)) {
    Fail(
        "{}: is not an adapter (it has no adapter_config.json); a whole model is exported with `format` gguf",
        adapter.string());
  }
  RefuseClassifierAdapter(path);
  const CausalLmAdapter opened = OpenCausalLmAdapter(path, {}, base_model);
  LoraConfig lora = opened.config.lora;
  RefuseMoreThanLora(lora, adapter);
  RefuseWhatLlamaCppLacks(opened.base.config, opened.base.path.string());
  CausalLm outline = OutlineCausalLm(opened.base);
  const LoraTargets targets(lora, *outline);
  AttachLora(*outline, lora, /*seed=*/0);

  std::vector<io::GgufTensorEntry> entries;
  std::vector<at::Tensor> tensors;
  for (const auto& item : outline->named_parameters()) {
    if (!IsOfAdapter(item.key())) continue;
    const auto [module, is_b] = ModuleOf(item.key());
    at::Tensor numbers = opened.weights.Read(item.key());
    if (is_b) numbers = numbers * ScalingForLlamaCpp(targets.At(module), opened.config.lora.lora_alpha);
    const auto name = io::GgufNameFromHf(module + ".weight");
    GEMTUNE_CHECK(name.has_value());
    const std::vector<int64_t> shape = numbers.sizes().vec();
    entries.push_back({name->name + (is_b ? ".lora_b" : ".lora_a"),
                       io::GgufTensorType(outtype, name->name, shape, opened.base.config.num_hidden_layers),
                       shape});
    tensors.push_back(numbers);
  }
  io::GgufWriter writer(file, LoraMetadata(NameOf(adapter), opened.config.lora.lora_alpha),
                        std::move(entries));
  for (const at::Tensor& numbers : tensors) writer.Write(ops::HostValues<const float>(numbers));
  writer.Commit();
}

}  // namespace gemtune::model
