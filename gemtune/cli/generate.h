#pragma once

#include <string>
#include <vector>

#include "gemtune/cli/command.h"
#include "gemtune/cli/generation_options.h"
#include "gemtune/cli/prompt_rows.h"

namespace gemtune::cli {

/// gemtune generate
class Generate : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  std::vector<PromptRow> Rows(const OptionSet& options) const;
  std::vector<infer::Prompt> Encode(const std::vector<PromptRow>& rows,
                                    const model::PretrainedCausalLm& model) const;

  GenerationOptions generation_;
  std::string prompt_, input_file_, system_;
  bool chat_ = false;
  int64_t batch_size_ = 32, batch_tokens_ = 2048;
};

}  // namespace gemtune::cli
