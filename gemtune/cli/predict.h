#pragma once

#include "gemtune/cli/command.h"
#include "gemtune/cli/model_options.h"

namespace gemtune::cli {

/// gemtune predict
class Predict : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  data::Dataset LoadTexts(const text::Tokenizer& tokenizer) const;

  ModelOptions model_;
  ColumnOptions columns_;
  std::vector<std::string> files_;
  std::vector<std::string> texts_;
  bool logits_ = false;
};

}  // namespace gemtune::cli
