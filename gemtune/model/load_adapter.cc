#include "gemtune/model/load_adapter.h"

#include <string>
#include <utility>

#include "gemtune/base/error.h"
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
  if (!base.empty() && fs::exists(base)) return base;
  const std::string unquantised = io::UnquantisedName(base.string());
  if (!unquantised.empty()) {
    Fail("{}: its base model '{}' is quantised; name '{}', which it was made from, with `base_model`",
         path.string(), Printable(base.string()), Printable(unquantised));
  }
  Fail("{}: its base model '{}' is not there; name it with `base_model`", path.string(),
       Printable(base.string()));
}

// Throws Error unless the adapter's weights fit its configuration and the base.
void CheckFit(const AdapterWeights& weights, const AdapterContents& contents, LoraConfig lora,
              const ModelSource& base, const LoadOptions& options) {
  SequenceClassifier outline = Outline(base, contents.outputs, options);
  RefuseToTrainBlocks(*outline, lora);
  AttachLora(*outline, lora, /*seed=*/0);
  weights.CheckFor(*outline);
}

}  // namespace

PretrainedClassifier LoadAdapter(const fs::path& path, const LoadOptions& options,
                                 const fs::path& base_model) {
  AdapterConfig adapter = ReadAdapterConfig(path);
  const AdapterWeights weights = AdapterWeights::Open(path);
  const AdapterContents contents = weights.Contents();
  adapter.lora.trunk_prefix = contents.trunk_prefix;
  // peft replaces the base's embedding by it.
  if (contents.has_embedding) adapter.lora.modules_to_save.emplace_back("embed_tokens");
  const ModelSource base =
      ModelSource::Open(BaseOfAdapter(path, adapter.base_model_name_or_path, base_model));
  adapter.base_model_name_or_path = base.path.string();
  CheckFit(weights, contents, adapter.lora, base, options);
  const bool has_tokenizer = fs::exists(path / "tokenizer.json") || fs::exists(path / "tokenizer.model");
  PretrainedClassifier loaded = PretrainedClassifier::FromBase(
      base, text::Tokenizer::Load(has_tokenizer ? path : base.path),
      HeadOfAdapter(path, base.checkpoint.config(), contents.outputs), options);
  loaded.adapter = std::move(adapter);
  loaded.adapter_pass = AttachLora(*loaded.model, loaded.adapter->lora, /*seed=*/0);
  weights.ReadInto(*loaded.model);
  loaded.head_is_new = false;
  return loaded;
}

}  // namespace gemtune::model
