#include "gemtune/model/load_adapter.h"

#include <string>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/io/hub/cache.h"
#include "gemtune/io/json_file.h"
#include "gemtune/io/quantised.h"
#include "gemtune/model/adapter.h"
#include "gemtune/model/adapter_weights.h"
#include "gemtune/model/head_config.h"
#include "gemtune/model/weights.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// The meaning of an adapter's outputs, from gemtune's file beside it, else from its base's configuration,
// else unknown.
ClassifierHead HeadOfAdapter(const fs::path& path, const Json& base_config, int64_t outputs) {
  const auto fits = [&](const Json& config) {
    const auto names = config.find("id2label");
    return names != config.end() && static_cast<int64_t>(names->size()) == outputs;
  };
  if (const fs::path own = path / kAdapterHeadName; fs::exists(own)) {
    const Json config = io::ParseJsonFile(own);
    if (!config.is_object() || !fits(config)) {
      Fail("{}: 'id2label' does not name the head's {} outputs", own.string(), outputs);
    }
    return HeadFromConfig(config, own.string());
  }
  if (fits(base_config)) return HeadFromConfig(base_config, path.string() + ": the base's config");
  return HeadFromConfig({{"num_labels", outputs}}, path.string());
}

// The path of an adapter's base model. Throws Error if there is nothing.
fs::path BaseOfAdapter(const fs::path& path, const std::string& named, const fs::path& given) {
  const fs::path base = given.empty() ? fs::path(named) : given;
  if (const auto found = io::hub::LookUpModel(base)) return *found;
  const std::string unquantised = io::UnquantisedName(base.string());
  if (!unquantised.empty()) {
    Fail("{}: its base model '{}' is quantised; name '{}', which it was made from, with `base_model`",
         path.string(), Printable(base.string()), Printable(unquantised));
  }
  const auto repo = base.has_parent_path() ? io::hub::ParseRepoName(base.string()) : std::nullopt;
  Fail("{}: its base model '{}' is not there; name it with `base_model`{}", path.string(),
       Printable(base.string()), repo ? fmt::format(", or get it: gemtune fetch {}", repo->str()) : "");
}

// An adapter's files and its base, before anything of them is loaded.
struct Adapter {
  AdapterConfig config;
  AdapterWeights weights;
  AdapterContents contents;
  ModelSource base;
};

Adapter Open(const fs::path& path, AdapterConfig config, const fs::path& base_model) {
  AdapterWeights weights = AdapterWeights::Open(path);
  const AdapterContents contents = weights.Contents(config.task_type);
  config.lora.trunk_prefix = contents.trunk_prefix;
  ModelSource base = ModelSource::Open(BaseOfAdapter(path, config.base_model_name_or_path, base_model));
  config.base_model_name_or_path = base.path.string();
  return {std::move(config), std::move(weights), contents, std::move(base)};
}

// Throws Error unless the adapter's weights fit its configuration and the base, of which `outline` is the
// model without weights.
void CheckFit(const Adapter& adapter, torch::nn::Module& outline) {
  LoraConfig lora = adapter.config.lora;
  RefuseToTrainBlocks(outline, lora);
  AttachLora(outline, lora, /*seed=*/0);
  adapter.weights.CheckFor(outline);
}

// The tokenizer saved with the adapter, else its base's.
text::Tokenizer TokenizerOf(const fs::path& path, const ModelSource& base) {
  const bool has_own = fs::exists(path / "tokenizer.json") || fs::exists(path / "tokenizer.model");
  return text::Tokenizer::Load(has_own ? path : base.path);
}

// Puts the adapter on its base, which is loaded.
void Attach(const AdapterConfig& config, const AdapterWeights& weights, Pretrained& loaded) {
  loaded.adapter = config;
  loaded.pass_counter = AttachLora(loaded.module(), loaded.adapter->lora, /*seed=*/0);
  weights.ReadInto(loaded.module());
}

}  // namespace

PretrainedClassifier LoadClassifierAdapter(const fs::path& path, const LoadOptions& options,
                                           const fs::path& base_model) {
  AdapterConfig config = ReadAdapterConfig(path);
  if (config.task_type != kSequenceClassification) {
    Fail(
        "{}: 'task_type' is {}: this is not a classifier's adapter ({}); to train a classifier on it, make "
        "it part of its base in Python (peft: merge_and_unload, save_pretrained) and give that to gemtune "
        "train; a language model is opened with `task` sft or clm",
        (path / kAdapterConfigName).string(), config.task_type, kSequenceClassification);
  }
  Adapter adapter = Open(path, std::move(config), base_model);
  adapter.weights.CheckHead();
  // peft replaces the base's embedding by it.
  if (adapter.contents.has_embedding) adapter.config.lora.modules_to_save.emplace_back("embed_tokens");
  CheckFit(adapter, *Outline(adapter.base, adapter.contents.outputs, options));
  PretrainedClassifier loaded = PretrainedClassifier::FromBase(
      adapter.base, TokenizerOf(path, adapter.base),
      HeadOfAdapter(path, adapter.base.checkpoint.config(), adapter.contents.outputs), options);
  Attach(adapter.config, adapter.weights, loaded);
  loaded.head_is_new = false;
  return loaded;
}

CausalLmAdapter OpenCausalLmAdapter(const fs::path& path, const LoadOptions& options,
                                    const fs::path& base_model) {
  AdapterConfig config = ReadAdapterConfig(path);
  if (config.task_type != kCausalLm) {
    Fail("{}: 'task_type' is {}: this is not the adapter of a language model ({})",
         (path / kAdapterConfigName).string(), config.task_type, kCausalLm);
  }
  Adapter adapter = Open(path, std::move(config), base_model);
  if (adapter.contents.has_embedding) {
    Fail("{}: a token embedding is saved with the adapter, which then differs from the head; {}",
         path.string(), MergeAdvice(path, kCausalLm));
  }
  CheckFit(adapter, *OutlineCausalLm(adapter.base, options));
  return {std::move(adapter.config), std::move(adapter.weights), std::move(adapter.base)};
}

PretrainedCausalLm LoadCausalLmAdapter(const fs::path& path, const LoadOptions& options,
                                       const fs::path& base_model) {
  const CausalLmAdapter adapter = OpenCausalLmAdapter(path, options, base_model);
  PretrainedCausalLm loaded =
      PretrainedCausalLm::FromBase(adapter.base, TokenizerOf(path, adapter.base), options);
  Attach(adapter.config, adapter.weights, loaded);
  return loaded;
}

std::unique_ptr<Pretrained> LoadAdapter(const fs::path& adapter, const LoadOptions& options,
                                        const fs::path& base_model) {
  const fs::path path = io::hub::FindModel(adapter);
  if (ReadAdapterConfig(path).task_type == kCausalLm)
    return std::make_unique<PretrainedCausalLm>(LoadCausalLmAdapter(path, options, base_model));
  return std::make_unique<PretrainedClassifier>(LoadClassifierAdapter(path, options, base_model));
}

}  // namespace gemtune::model
