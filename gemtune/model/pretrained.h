#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gemtune/io/checkpoint.h"
#include "gemtune/io/safetensors.h"
#include "gemtune/model/adapter.h"
#include "gemtune/model/head_rows.h"
#include "gemtune/model/heads.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::model {

/// What the trunk's embedding and the weights of its linear modules are held in. Blocks (ops::BlockRows) are
/// frozen; norms and the head are numbers always.
enum class BaseWeights {
  kNumbers,     // of the model's dtype
  kFileBlocks,  // the blocks of a GGUF file, mapped from it
  kQ8_0,        // Q8_0 blocks, which they are rounded to one tensor after the other (Checkpoint::ReadQ8_0)
};

/// The model without numbers, on the meta device. Throws Error if a tensor of the trunk is missing or of
/// another shape than the configuration asks for, or cannot be held as `base_weights`: before anything is
/// allocated for it.
SequenceClassifier Outline(const io::Checkpoint& checkpoint, const Gemma3TextConfig& config,
                           int64_t num_labels, BaseWeights base_weights = BaseWeights::kNumbers);

/// Fills every parameter of `module`, but blocks, from the checkpoint tensor called `prefix` + its name,
/// converted to the parameter's dtype (fp32 or bf16). Throws Error naming a tensor that is missing or has
/// another shape.
void LoadParameters(const io::Checkpoint& checkpoint, torch::nn::Module& module, const std::string& prefix);

/// Writes model.safetensors (above `max_shard_bytes` in shards) with every parameter of `module` under its
/// name and in its dtype.
void SaveParameters(const torch::nn::Module& module, const std::filesystem::path& directory,
                    int64_t max_shard_bytes = io::kMaxShardBytes);

/// A sequence classifier with everything that its Hugging Face directory holds.
struct PretrainedClassifier {
  Gemma3TextConfig config;
  nlohmann::ordered_json config_json;        // as it was read
  nlohmann::ordered_json generation_config;  // null if there is none
  text::Tokenizer tokenizer;
  ClassifierHead head;
  SequenceClassifier model;
  bool head_is_new = false;              // none of its rows is the checkpoint's: it starts at zero
  std::optional<AdapterConfig> adapter;  // then Save writes that and not the base
  PassCounter adapter_pass;              // null without an adapter

  /// A pre-trained Gemma 3 made into a classifier with `head`, which starts at zero; of a classifier, the
  /// rows that HeadRows finds are gone on with. `dtype` is kFloat or kBFloat16. Throws Error for files that
  /// are missing, damaged or of another model. `tokenizer` is that of `path`: the caller has it, because the
  /// labels are found in data that it tokenised.
  static PretrainedClassifier FromBase(const std::filesystem::path& path, text::Tokenizer tokenizer,
                                       const ClassifierHead& head, at::ScalarType dtype,
                                       BaseWeights base_weights = BaseWeights::kNumbers);

  /// A fine-tuned classifier, its head read from config.json, or an adapter on its base. Throws Error also if
  /// score.weight is missing. `base_model` is for an adapter, in the place of the one that it names. An
  /// adapter of peft keeps no names of labels: they are those of its base, if that has as many, else LABEL_0,
  /// LABEL_1, ..., as transformers names them.
  static PretrainedClassifier FromTrained(const std::filesystem::path& path, at::ScalarType dtype,
                                          const std::filesystem::path& base_model = {});

  /// Puts an adapter on every module that `config` targets and freezes the rest but the head; `base_model` is
  /// where this classifier came from. Throws Error for names that match nothing.
  void AddAdapter(const LoraConfig& config, const std::string& base_model, uint64_t seed);

  /// The adapter becomes part of the weights.
  void MergeAdapter();

  /// Writes the Hugging Face directory: config.json, model.safetensors, tokenizer files,
  /// generation_config.json. Of an adapter: adapter_config.json, adapter_model.safetensors, tokenizer files,
  /// and what the labels are called in classifier.json. Files of the same names are replaced; others that an
  /// earlier Save wrote there are removed, and none that it did not.
  void Save(const std::filesystem::path& directory) const;

  /// Reads the weights back that Save wrote there.
  void Restore(const std::filesystem::path& directory);
};

/// The head that a checkpoint brings along; nothing where it has no score.weight of as many rows as its
/// configuration has labels.
std::optional<ClassifierHead> FindHead(const io::Checkpoint& checkpoint);

/// The head that a classifier's config.json describes, as transformers 5.24 reads it: `id2label`, numbers
/// among its names as text; without one `num_labels` of LABEL_0, LABEL_1, ..., without that two, which
/// save_pretrained leaves out. Throws Error for labels that are not numbered from 0 on.
ClassifierHead HeadFromConfig(const nlohmann::ordered_json& config, const std::string& source);

}  // namespace gemtune::model
