#include "gemtune/cli/evaluate.h"

#include <algorithm>
#include <chrono>
#include <iostream>

#include "gemtune/base/file.h"
#include "gemtune/data/vocabulary_check.h"
#include "gemtune/model/pretrained.h"
#include "gemtune/train/classification.h"

namespace gemtune::cli {

void Evaluate::Declare(OptionSet& options) {
  options.Group("Model");
  options.Add("--model", model_, "Directory of a fine-tuned classifier or of an adapter", {.required = true});
  AddBaseModel(options, base_model_);
  options.Group("Data");
  options.Add("--test-file", files_, kFilesHelp, {.required = true});
  options.Add("--max-test-samples", max_samples_, "The first so many examples only; 0: all", {.min = 0});
  columns_.Declare(options, /*with_labels=*/true);
  machine_.Declare(options);
  options.Add("--batch-tokens", batch_tokens_, "Tokens a forward pass", {.min = 1, .max = 1 << 24});
  options.Group("Output");
  options.Add("--output-file", output_file_,
              "Also write all results to this file: of more than 20 classes, only the worst are printed");
}

void Evaluate::Run(const OptionSet&) {
  machine_.Apply();
  auto classifier =
      model::PretrainedClassifier::FromTrained(model_, {.dtype = machine_.ScalarType()}, base_model_);
  classifier.model->trunk()->SetMatmulDtype(machine_.MatmulDtype());
  data::DatasetOptions dataset_options = columns_.Dataset(files_);
  dataset_options.label_kind = train::KindOfProblemType(classifier.head.problem_type).label_kind;
  dataset_options.labels = data::LabelSet{classifier.head.label_names};
  dataset_options.max_samples = max_samples_;
  const data::Dataset dataset = data::Dataset::Load(dataset_options, classifier.tokenizer);
  data::CheckVocabulary(dataset, classifier.config.vocab_size, classifier.tokenizer, files_.front());
  machine_.FitThreads(2 * classifier.config.num_layer_parameters() *
                      std::min(batch_tokens_, dataset.tokens()));

  train::Classification task(classifier, {.evaluation = {.max_tokens_per_batch = batch_tokens_,
                                                         .progress = CountingProgress("evaluating")},
                                          .must_be_finite = true});
  const auto start = std::chrono::steady_clock::now();
  train::Metrics metrics = task.Evaluate(dataset);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  metrics["samples_per_second"] = static_cast<double>(dataset.size()) / seconds;
  metrics["tokens_per_second"] = static_cast<double>(dataset.tokens()) / seconds;
  std::cout << train::Text(train::Concise(metrics)) << std::endl;
  if (!output_file_.empty()) WriteFileAtomically(output_file_, train::Text(metrics) + "\n");
}

}  // namespace gemtune::cli
