#pragma once

#include "gemtune/cli/command.h"
#include "gemtune/cli/options.h"

namespace gemtune::cli {

/// gemtune predict
class Predict : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  data::Dataset LoadTexts(const text::Tokenizer& tokenizer) const;

  MachineOptions machine_;
  ColumnOptions columns_;
  std::string model_, base_model_;
  std::vector<std::string> files_;
  std::vector<std::string> texts_;
  int64_t batch_tokens_ = 4096;
  bool logits_ = false;
};

}  // namespace gemtune::cli
