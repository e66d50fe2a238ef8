#include "gemtune/cli/evaluate.h"

#include <chrono>
#include <iostream>

#include "gemtune/model/pretrained.h"
#include "gemtune/train/classification.h"

namespace gemtune::cli {

void Evaluate::Declare(CLI::App& app) {
  app.set_config("--config", "", "TOML file with any of these options");
  app.add_option("--model", model_, "Directory of a fine-tuned classifier")->required()->group("Model");
  app.add_option("--test-file", files_,
                 "Files or globs: .parquet .csv .tsv .jsonl, the text ones also compressed")
      ->required()
      ->group("Data");
  columns_.Declare(app, /*with_labels=*/true);
  app.add_option("--max-test-samples", max_samples_, "The first so many only; 0: all")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40))
      ->group("Data");
  app.add_option("--batch-tokens", batch_tokens_, "Tokens a forward pass")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
      ->group("Machine");
  machine_.Declare(app);
}

void Evaluate::Run() {
  machine_.Apply();
  auto classifier = model::PretrainedClassifier::FromTrained(model_, machine_.ScalarType());
  data::DatasetOptions options = columns_.Dataset(files_);
  options.label_kind = train::KindOfProblemType(classifier.head.problem_type).label_kind;
  options.labels = data::LabelSet{classifier.head.label_names};
  options.max_samples = max_samples_;
  const data::Dataset dataset = data::Dataset::Load(options, classifier.tokenizer);
  CheckVocabulary(dataset, classifier.config.vocab_size, classifier.tokenizer, files_.front());

  train::Classification task(classifier,
                             {.evaluation = {.max_tokens_per_batch = batch_tokens_,
                                             .progress = CountingProgress("evaluating", dataset.size())}});
  const auto start = std::chrono::steady_clock::now();
  train::Metrics metrics = task.Evaluate(dataset);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  metrics["samples_per_second"] = static_cast<double>(dataset.size()) / seconds;
  metrics["tokens_per_second"] = static_cast<double>(dataset.tokens()) / seconds;
  std::cout << metrics.dump(2) << std::endl;
}

}  // namespace gemtune::cli
