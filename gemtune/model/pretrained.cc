#include "gemtune/model/pretrained.h"

#include <ATen/ATen.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/io/file_record.h"
#include "gemtune/io/hub/cache.h"
#include "gemtune/model/adapter.h"
#include "gemtune/model/adapter_weights.h"
#include "gemtune/model/base_blocks.h"
#include "gemtune/model/head_config.h"
#include "gemtune/model/load_adapter.h"
#include "gemtune/model/model_directory.h"
#include "gemtune/model/names.h"
#include "gemtune/model/stored_head.h"
#include "gemtune/model/weights.h"

namespace gemtune::model {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

// Only an adapter has a base.
void RefuseBaseModel(const fs::path& path, const fs::path& base_model) {
  if (base_model.empty()) return;
  Fail("{}: is not an adapter (it has no adapter_config.json), so it has no `base_model`", path.string());
}

at::TensorOptions TensorOptionsOf(const LoadOptions& options) {
  return at::TensorOptions().dtype(options.dtype).device(options.device);
}

}  // namespace

Pretrained::Pretrained(const ModelSource& source, text::Tokenizer its_tokenizer)
    : config(source.config),
      config_json(source.checkpoint.config()),
      generation_config(source.checkpoint.generation_config()),
      tokenizer(std::move(its_tokenizer)) {}

void Pretrained::AddAdapter(const LoraConfig& lora, const std::string& base_model, uint64_t seed) {
  CheckTargets(module(), lora);
  adapter = {.lora = lora, .base_model_name_or_path = base_model, .task_type = TaskType()};
  pass_counter = AttachLora(module(), adapter->lora, seed);
}

void Pretrained::AddEmbeddingNoise(double alpha, uint64_t seed) {
  if (alpha > 0 && pass_counter == nullptr) pass_counter = std::make_shared<uint64_t>(0);
  trunk()->SetEmbeddingNoise({.alpha = alpha, .seed = seed, .pass = pass_counter});
}

void Pretrained::MergeAdapter() {
  MergeLora(module());
  adapter.reset();
  pass_counter.reset();
}

void Pretrained::Restore(const fs::path& directory) {
  if (adapter) return AdapterWeights::Open(directory).ReadInto(module());
  LoadParameters(io::Checkpoint::Open(directory), module(), "");
}

void Pretrained::SaveConfig(const fs::path& directory) const {
  const Json json = adapter ? HeadConfig() : ModelConfig();
  if (!json.is_null())
    WriteFileAtomically(directory / (adapter ? kAdapterHeadName : "config.json"), json.dump(2) + "\n");
}

void Pretrained::Save(const fs::path& directory) const {
  AtomicDirectory target(directory);
  SaveConfig(target.path());
  if (adapter) {
    WriteAdapter(target.path(), module(), *adapter);
  } else {
    // Programs ignore shards beside a model.safetensors. One that gemtune did not write may not be removed,
    // so it is replaced.
    const bool is_single = fs::exists(directory / "model.safetensors") &&
                           !io::IsRecorded(io::ReadFileRecord(directory), "model.safetensors");
    SaveParameters(module(), target.path(),
                   is_single ? std::numeric_limits<int64_t>::max() : io::kMaxShardBytes);
    if (!generation_config.is_null())
      WriteFileAtomically(target.path() / "generation_config.json", generation_config.dump(2) + "\n");
  }
  tokenizer.Save(target.path());
  CommitModel(target, directory);
}

PretrainedClassifier::PretrainedClassifier(const ModelSource& source, text::Tokenizer its_tokenizer,
                                           const ClassifierHead& its_head, const LoadOptions& options)
    : Pretrained(source, std::move(its_tokenizer)),
      head(its_head),
      model(source.config, std::ssize(its_head.label_names), TensorOptionsOf(options)) {}

PretrainedClassifier PretrainedClassifier::FromBase(const ModelSource& source, text::Tokenizer tokenizer,
                                                    const ClassifierHead& head, const LoadOptions& options) {
  Outline(source, std::ssize(head.label_names), options);  // checks everything before memory is allocated
  PretrainedClassifier loaded(source, std::move(tokenizer), head, options);
  KeepBaseBlocks(source.checkpoint, *loaded.trunk(), options.base_weights);
  LoadParameters(source.checkpoint, *loaded.trunk(), std::string(kTrunk));
  loaded.head_is_new = !LoadHeadRows(source, head, loaded.model->score()->weight);
  return loaded;
}

PretrainedClassifier PretrainedClassifier::FromTrained(const fs::path& trained, const LoadOptions& options,
                                                       const fs::path& base_model) {
  const fs::path path = io::hub::FindModel(trained);
  if (IsAdapter(path)) return LoadClassifierAdapter(path, options, base_model);
  RefuseBaseModel(path, base_model);
  const ModelSource source = ModelSource::Open(path);
  const ClassifierHead head = HeadOfTrained(source);
  PretrainedClassifier loaded = FromBase(source, text::Tokenizer::Load(path), head, options);
  GEMTUNE_CHECK(!loaded.head_is_new);
  return loaded;
}

Json PretrainedClassifier::ModelConfig() const {
  return ClassifierConfig(config_json, head, model->score()->weight.scalar_type(), config.pad_token_id);
}

Json PretrainedClassifier::HeadConfig() const {
  Json labels;
  AddHead(head, labels);
  return labels;
}

PretrainedCausalLm::PretrainedCausalLm(const ModelSource& source, text::Tokenizer its_tokenizer,
                                       const LoadOptions& options)
    : Pretrained(source, std::move(its_tokenizer)), model(source.config, TensorOptionsOf(options)) {}

PretrainedCausalLm PretrainedCausalLm::FromBase(const ModelSource& source, text::Tokenizer tokenizer,
                                                const LoadOptions& options) {
  OutlineCausalLm(source, options);  // checks everything before memory is allocated
  PretrainedCausalLm loaded(source, std::move(tokenizer), options);
  KeepBaseBlocks(source.checkpoint, *loaded.trunk(), options.base_weights);
  LoadParameters(source.checkpoint, *loaded.trunk(), std::string(kTrunk));
  return loaded;
}

PretrainedCausalLm PretrainedCausalLm::FromTrained(const fs::path& trained, const LoadOptions& options,
                                                   const fs::path& base_model) {
  const fs::path path = io::hub::FindModel(trained);
  if (IsAdapter(path)) return LoadCausalLmAdapter(path, options, base_model);
  RefuseBaseModel(path, base_model);
  return FromBase(ModelSource::Open(path), text::Tokenizer::Load(path), options);
}

Json PretrainedCausalLm::ModelConfig() const {
  return CausalLmConfig(config_json, trunk()->embed_tokens()->weight.scalar_type(), config.pad_token_id);
}

}  // namespace gemtune::model
