#include "gemtune/infer/classifier.h"

#include "gemtune/base/error.h"
#include "gemtune/data/texts.h"
#include "gemtune/data/vocabulary_check.h"
#include "gemtune/infer/predict.h"

namespace gemtune::infer {

Classifier::Classifier(const std::filesystem::path& path, const ClassifierOptions& options)
    : options_(options),
      classifier_(model::PretrainedClassifier::FromTrained(
          path, {.dtype = options.dtype, .device = options.device}, options.base_model)) {}

std::vector<Prediction> Classifier::Predict(std::span<const std::string> texts) {
  return PredictViews(std::vector<std::string_view>(texts.begin(), texts.end()));
}

std::vector<Prediction> Classifier::Predict(std::initializer_list<std::string_view> texts) {
  return PredictViews(std::vector<std::string_view>(texts));
}

std::vector<Prediction> Classifier::PredictViews(const std::vector<std::string_view>& texts) {
  for (size_t i = 0; i < texts.size(); ++i) {
    if (const auto fault = data::FaultOf(texts[i])) Fail("text {}: {}", i + 1, fault->message);
  }
  const data::Dataset dataset(data::EncodeTexts(texts, classifier_.tokenizer, options_.max_length));
  data::CheckVocabulary(dataset, classifier_.config.vocab_size, classifier_.tokenizer, "input");
  const at::Tensor logits =
      Logits(classifier_.model, dataset, {.max_tokens_per_batch = options_.max_tokens_per_batch});
  CheckFinite(logits, dataset, *classifier_.model);
  return Predictions(logits, classifier_.head);
}

}  // namespace gemtune::infer
