#include "gemtune/model/pretrained.h"

#include <ATen/ATen.h>

#include <limits>
#include <string>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/io/file_record.h"
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

PretrainedClassifier PretrainedClassifier::FromBase(const ModelSource& source, text::Tokenizer tokenizer,
                                                    const ClassifierHead& head, const LoadOptions& options) {
  const auto num_labels = static_cast<int64_t>(head.label_names.size());
  Outline(source, num_labels, options);  // which checks all before memory is taken for it
  PretrainedClassifier loaded{
      .config = source.config,
      .config_json = source.checkpoint.config(),
      .generation_config = source.checkpoint.generation_config(),
      .tokenizer = std::move(tokenizer),
      .head = head,
      .model = SequenceClassifier(source.config, num_labels,
                                  at::TensorOptions().dtype(options.dtype).device(options.device))};
  KeepBaseBlocks(source.checkpoint, *loaded.model->trunk(), options.base_weights);
  LoadParameters(source.checkpoint, *loaded.model->trunk(), std::string(kTrunk));
  loaded.head_is_new = !LoadHeadRows(source, head, loaded.model->score()->weight);
  return loaded;
}

PretrainedClassifier PretrainedClassifier::FromTrained(const fs::path& path, const LoadOptions& options,
                                                       const fs::path& base_model) {
  if (IsAdapter(path)) return LoadAdapter(path, options, base_model);
  if (!base_model.empty()) {
    Fail("{}: is no adapter (it has no adapter_config.json), so it has no --base-model", path.string());
  }
  const ModelSource source = ModelSource::Open(path);
  const ClassifierHead head = HeadOfTrained(source);
  PretrainedClassifier loaded = FromBase(source, text::Tokenizer::Load(path), head, options);
  GEMTUNE_CHECK(!loaded.head_is_new);
  return loaded;
}

void PretrainedClassifier::AddAdapter(const LoraConfig& lora, const std::string& base_model, uint64_t seed) {
  CheckTargets(*model, lora);
  adapter = {.lora = lora, .base_model_name_or_path = base_model};
  adapter_pass = AttachLora(*model, adapter->lora, seed);
}

void PretrainedClassifier::MergeAdapter() {
  MergeLora(*model);
  adapter.reset();
  adapter_pass.reset();
}

void PretrainedClassifier::Restore(const fs::path& directory) {
  if (adapter) return AdapterWeights::Open(directory).ReadInto(*model);
  LoadParameters(io::Checkpoint::Open(directory), *model, "");
}

void PretrainedClassifier::Save(const fs::path& directory) const {
  AtomicDirectory target(directory);
  const auto write = [&](const char* name, const Json& json) {
    WriteFileAtomically(target.path() / name, json.dump(2) + "\n");
  };
  if (adapter) {
    WriteAdapter(target.path(), *model, *adapter);
    Json labels;
    AddHead(head, labels);
    write(kAdapterHeadName, labels);
  } else {
    // Shards would not be looked for beside a model.safetensors, and another's is not removed but replaced.
    const bool is_single = fs::exists(directory / "model.safetensors") &&
                           !io::IsRecorded(io::ReadFileRecord(directory), "model.safetensors");
    SaveParameters(*model, target.path(),
                   is_single ? std::numeric_limits<int64_t>::max() : io::kMaxShardBytes);
    write("config.json",
          ClassifierConfig(config_json, head, model->score()->weight.scalar_type(), config.pad_token_id));
    if (!generation_config.is_null()) write("generation_config.json", generation_config);
  }
  tokenizer.Save(target.path());
  CommitModel(target, directory);
}

}  // namespace gemtune::model
