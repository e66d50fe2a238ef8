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
  bool explains() const { return explain_ || !explain_html_.empty(); }

  ModelOptions model_;
  ColumnOptions columns_;
  std::vector<std::string> files_;
  std::vector<std::string> texts_;
  train::TaskOptions task_options_;
  bool logits_ = false;
  bool explain_ = false;
  std::string explain_html_, explain_method_ = "integrated-gradients";
};

}  // namespace gemtune::cli
