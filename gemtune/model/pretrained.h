#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "gemtune/model/adapter_config.h"
#include "gemtune/model/head_rows.h"
#include "gemtune/model/heads.h"
#include "gemtune/model/load_options.h"
#include "gemtune/model/lora.h"
#include "gemtune/model/source.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::model {

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
  /// rows that HeadRows finds are gone on with. Throws Error for tensors that are missing or of another
  /// shape, and for what cannot be held as the options ask, before memory is taken for them. `tokenizer` is
  /// that of the source: the caller has it, because the labels are found in data that it tokenised.
  static PretrainedClassifier FromBase(const ModelSource& source, text::Tokenizer tokenizer,
                                       const ClassifierHead& head, const LoadOptions& options = {});

  /// A fine-tuned classifier, its head read from config.json, or an adapter on its base. Throws Error for
  /// files that are missing, damaged or of another model, also if score.weight is missing. `base_model` is
  /// for an adapter, in the place of the one that it names. An adapter of peft keeps no names of labels: they
  /// are those of its base, if that has as many, else LABEL_0, LABEL_1, ..., as transformers names them.
  static PretrainedClassifier FromTrained(const std::filesystem::path& path, const LoadOptions& options = {},
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

}  // namespace gemtune::model
