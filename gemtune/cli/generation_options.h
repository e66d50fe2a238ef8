#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gemtune/cli/options.h"
#include "gemtune/infer/generate.h"
#include "gemtune/text/chat_template.h"

namespace gemtune::cli {

/// The options of commands that write text with a language model. Those of sampling are named as in
/// transformers' GenerationConfig.
class GenerationOptions {
 public:
  /// In two parts, because --help shows other groups between them. `max_new_tokens` is the default.
  void DeclareModel(OptionSet& options);
  void Declare(OptionSet& options, int64_t max_new_tokens);

  /// Sets the number of threads, then reads the model. The blocks of a GGUF stay as they are.
  model::PretrainedCausalLm Open() const;

  /// What was asked for; what was not is the model's generation_config.json, else transformers' default.
  /// Giving one of sampling's options asks for sampling, and a temperature of 0 for none.
  infer::GenerateOptions Resolve(const OptionSet& options, const model::PretrainedCausalLm& model) const;

  const std::string& model() const { return model_; }

 private:
  model::BaseWeights BaseWeights() const;

  std::string model_, base_model_, base_dtype_ = "auto";
  MachineOptions machine_;
  infer::SamplingOptions sampling_;
  int64_t max_new_tokens_ = 0, min_new_tokens_ = 0;
  std::vector<std::string> stops_;
};

/// The tokens of a conversation that ends with the user's turn, for the model to answer. Throws Error, with
/// `place` before it, for a conversation that is none.
std::vector<int32_t> EncodeTurns(const std::vector<text::ChatMessage>& messages,
                                 const text::Tokenizer& tokenizer, const std::string& place);

}  // namespace gemtune::cli
