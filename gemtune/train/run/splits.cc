#include "gemtune/train/run/splits.h"

#include <span>
#include <string_view>

#include "gemtune/base/log.h"
#include "gemtune/data/vocabulary_check.h"

namespace gemtune::train {
namespace {

// Called before the weights are read, which may take a while.
void CheckVocabulary(const Splits& splits, const std::string& train_file, const model::ModelSource& source,
                     const text::Tokenizer& tokenizer) {
  const auto check = [&](const data::Dataset* dataset, const std::string& name) {
    if (dataset != nullptr) data::CheckVocabulary(*dataset, source.config.vocab_size, tokenizer, name);
  };
  const data::DataSplits all = splits.All();
  check(all.train, train_file);
  check(all.validation, "validation data");
  check(all.test, "test data");
}

}  // namespace

Splits LoadSplits(const RunOptions& options, const model::ModelSource& source,
                  const text::Tokenizer& tokenizer) {
  const DataOptions& data = options.data;
  data::DatasetOptions reading = data.reading;
  reading.files = data.train_files;
  reading.max_samples = data.max_train_samples;
  TaskOf(options).read(source, options.task_options, reading);
  Splits splits{.train = data::Dataset::Load(reading, tokenizer)};
  reading.known_labels.reset();
  reading.labels = splits.train.labels();
  const auto load = [&](const std::vector<std::string>& files, int64_t max_samples) {
    reading.files = files;
    reading.max_samples = max_samples;
    return data::Dataset::Load(reading, tokenizer);
  };
  if (!data.validation_files.empty()) splits.validation = load(data.validation_files, data.max_eval_samples);
  reading.loss_weight_column.clear();  // what a row counts in training says nothing about a test
  if (!data.test_files.empty()) splits.test = load(data.test_files, data.max_test_samples);
  if (data.validation_split > 0) {
    auto [rest, split] = splits.train.Split(data.validation_split, options.trainer.seed);
    splits.train = std::move(rest);
    splits.validation = std::move(split);
  }
  const std::string_view nothing[] = {""};
  const auto pairs = std::span(nothing, reading.text_pair_column.empty() ? 0u : 1u);
  for (const std::string& warning :
       data::DataWarnings(splits.All(), tokenizer.EncodeBatch(nothing, pairs).front()))
    log::Warning("{}", warning);
  log::Info("data: {} training examples of {:.0f} tokens on average ({} cut at {})", splits.train.size(),
            static_cast<double>(splits.train.tokens()) / static_cast<double>(splits.train.size()),
            splits.train.truncated(), reading.max_length);
  CheckVocabulary(splits, data.train_files.front(), source, tokenizer);
  return splits;
}

}  // namespace gemtune::train
