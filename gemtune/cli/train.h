#pragma once

#include "gemtune/cli/command.h"
#include "gemtune/cli/options.h"
#include "gemtune/train/classification.h"
#include "gemtune/train/trainer.h"

namespace gemtune::cli {

/// gemtune train
class Train : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  struct Splits {
    data::Dataset train;
    std::optional<data::Dataset> validation, test;
  };

  Splits LoadData(const text::Tokenizer& tokenizer) const;
  void CheckOptions() const;
  void ChooseBestBy(const train::ClassificationKind& kind);  // checks --metric-for-best-model
  void CheckModel() const;

  MachineOptions machine_;
  ColumnOptions columns_;
  LoraOptions lora_;
  train::TrainerOptions trainer_;
  std::string model_;
  std::string task_ = "classification";
  std::string method_ = "full";
  std::vector<std::string> train_files_, validation_files_, test_files_;
  std::vector<std::string> label_names_;
  double validation_split_ = 0;
  int64_t max_train_samples_ = 0, max_eval_samples_ = 0, max_test_samples_ = 0;
  double label_smoothing_ = 0;
  int64_t eval_batch_tokens_ = 4096;
  int64_t logging_steps_ = 10;
  std::string output_dir_;
};

}  // namespace gemtune::cli
