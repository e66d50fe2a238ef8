#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gemtune/model/adapter_config.h"
#include "gemtune/model/causal_lm.h"
#include "gemtune/model/head_rows.h"
#include "gemtune/model/heads.h"
#include "gemtune/model/load_options.h"
#include "gemtune/model/lora.h"
#include "gemtune/model/source.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::model {

/// Gemma 3 with a head, and everything else in its Hugging Face directory.
class Pretrained {
 public:
  virtual ~Pretrained() = default;

  /// The model with its head; parameters are named as in a Hugging Face checkpoint.
  virtual torch::nn::Module& module() const = 0;
  virtual Gemma3Model& trunk() const = 0;

  /// The names of the parameters whose gradient consists of sparse rows.
  virtual std::vector<std::string> sparse_gradients() const = 0;

  /// Adds an adapter to every module that `config` targets and freezes the rest except the head. `base_model`
  /// is the path of this model. Throws Error for names that match nothing.
  void AddAdapter(const LoraConfig& config, const std::string& base_model, uint64_t seed);

  /// Gemma3Model::SetEmbeddingNoise; `alpha` 0: none. After AddAdapter, if there is to be one.
  void AddEmbeddingNoise(double alpha, uint64_t seed);

  /// Merges the adapter into the weights.
  void MergeAdapter();

  /// Writes the Hugging Face directory: config.json, model.safetensors, tokenizer files,
  /// generation_config.json. For an adapter: adapter_config.json, adapter_model.safetensors, tokenizer files,
  /// and the names of a classifier's labels in classifier.json. Replaces files of the same names and removes
  /// others that an earlier Save wrote there, but nothing else.
  void Save(const std::filesystem::path& directory) const;

  /// Writes again what Save wrote there besides the weights about the model and its head.
  void SaveConfig(const std::filesystem::path& directory) const;

  /// Reads back the weights that Save wrote there.
  void Restore(const std::filesystem::path& directory);

  Gemma3TextConfig config;
  nlohmann::ordered_json config_json;        // as it was read
  nlohmann::ordered_json generation_config;  // null if there is none
  text::Tokenizer tokenizer;
  std::optional<AdapterConfig> adapter = {};  // if set, Save writes it and not the base
  PassCounter pass_counter = nullptr;         // null if no pass depends on its number

 protected:
  Pretrained(const ModelSource& source, text::Tokenizer tokenizer);
  Pretrained(const Pretrained&) = default;

 private:
  /// The contents of config.json (model and head); for an adapter those of classifier.json (the head alone;
  /// null: no such file).
  virtual nlohmann::ordered_json ModelConfig() const = 0;
  virtual nlohmann::ordered_json HeadConfig() const = 0;

  /// An adapter's, see AdapterConfig.
  virtual std::string TaskType() const = 0;
};

/// A sequence classifier.
class PretrainedClassifier final : public Pretrained {
 public:
  /// Makes a pre-trained Gemma 3 into a classifier with `head`. The head starts at zero, except for the rows
  /// that HeadRows finds in the source's head, if it is a classifier. Before allocating memory, throws Error
  /// for tensors that are missing, have another shape, or cannot be held as the options ask. `tokenizer` is
  /// the source's; the caller needed it already to read the data.
  static PretrainedClassifier FromBase(const ModelSource& source, text::Tokenizer tokenizer,
                                       const ClassifierHead& head, const LoadOptions& options = {});

  /// Loads a fine-tuned classifier, with its head from config.json, or an adapter with its base. Throws Error
  /// for files that are missing, damaged or belong to another model, and if score.weight is missing.
  /// `base_model` replaces the base that an adapter names. peft's adapters hold no names of labels; they get
  /// those of the base, if it has as many, else LABEL_0, LABEL_1, ..., as transformers names them.
  static PretrainedClassifier FromTrained(const std::filesystem::path& trained,
                                          const LoadOptions& options = {},
                                          const std::filesystem::path& base_model = {});

  torch::nn::Module& module() const override { return *model.ptr(); }
  Gemma3Model& trunk() const override { return model.ptr()->trunk(); }
  std::vector<std::string> sparse_gradients() const override { return model->sparse_gradients(); }

  ClassifierHead head;
  SequenceClassifier model;
  bool head_is_new = false;  // no row is from the checkpoint: all start at zero

 private:
  PretrainedClassifier(const ModelSource& source, text::Tokenizer tokenizer, const ClassifierHead& head,
                       const LoadOptions& options);
  nlohmann::ordered_json ModelConfig() const override;
  nlohmann::ordered_json HeadConfig() const override;
  std::string TaskType() const override { return kSequenceClassification; }
};

/// A language model.
class PretrainedCausalLm final : public Pretrained {
 public:
  /// Loads a Gemma 3, whatever head its checkpoint has besides: transformers calls it Gemma3ForCausalLM.
  /// Throws Error as PretrainedClassifier::FromBase does, and for a head that is not the embedding.
  static PretrainedCausalLm FromBase(const ModelSource& source, text::Tokenizer tokenizer,
                                     const LoadOptions& options = {});

  /// Loads a language model from its directory or GGUF file, or an adapter with its base, which `base_model`
  /// replaces. Throws Error for files that are missing, damaged or belong to another model.
  static PretrainedCausalLm FromTrained(const std::filesystem::path& trained, const LoadOptions& options = {},
                                        const std::filesystem::path& base_model = {});

  torch::nn::Module& module() const override { return *model.ptr(); }
  Gemma3Model& trunk() const override { return model.ptr()->trunk(); }

  /// None: the head's part of the embedding's gradient is dense.
  std::vector<std::string> sparse_gradients() const override { return {}; }

  CausalLm model;

 private:
  PretrainedCausalLm(const ModelSource& source, text::Tokenizer tokenizer, const LoadOptions& options);
  nlohmann::ordered_json ModelConfig() const override;
  nlohmann::ordered_json HeadConfig() const override { return nullptr; }
  std::string TaskType() const override { return kCausalLm; }
};

}  // namespace gemtune::model
