#pragma once

#include <string>
#include <vector>

#include "gemtune/cli/command.h"
#include "gemtune/cli/generation_options.h"

namespace gemtune::cli {

/// gemtune chat
class Chat : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  /// Writes the model's answer to `messages` as it comes, and adds what was written to them.
  void Answer(model::PretrainedCausalLm& model, const infer::GenerateOptions& asked);

  GenerationOptions generation_;
  std::string system_;
  std::vector<text::ChatMessage> messages_;
  infer::CachedSequence sequence_;
};

}  // namespace gemtune::cli
