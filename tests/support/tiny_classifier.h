#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "gemtune/model/pretrained.h"

namespace gemtune::test {

inline const model::ClassifierHead kHead{.problem_type = "single_label_classification",
                                         .label_names = {"no", "yes"}};

/// A classifier with a new head of two classes on the model at `path`, with the tokenizer of the directory
/// `tokenizer`, or else of `path`.
inline model::PretrainedClassifier Classifier(const std::filesystem::path& path,
                                              const model::LoadOptions& options = {},
                                              const std::filesystem::path& tokenizer = {}) {
  return model::PretrainedClassifier::FromBase(model::ModelSource::Open(path),
                                               text::Tokenizer::Load(tokenizer.empty() ? path : tokenizer),
                                               kHead, options);
}

/// Changes all trained parameters, so that none has its initial value.
inline void MoveTrained(model::PretrainedClassifier& classifier) {
  const at::NoGradGuard no_grad;
  for (const auto& item : classifier.model->named_parameters()) {
    if (item.value().requires_grad()) item.value().add_(at::randn_like(item.value()), 0.1);
  }
}

/// Whether two modules have the same parameters, bit for bit.
inline bool SameParameters(const torch::nn::Module& a, const torch::nn::Module& b) {
  const auto of_a = a.named_parameters(), of_b = b.named_parameters();
  if (of_a.size() != of_b.size()) return false;
  for (const auto& item : of_a) {
    const at::Tensor* other = of_b.find(item.key());
    if (other == nullptr || !at::equal(item.value(), *other)) return false;
  }
  return true;
}

/// Of two sequences of TinyTokenizer's tokens.
inline at::Tensor Logits(model::PretrainedClassifier& classifier) {
  return classifier.model(at::tensor({2, 270, 280, 2, 261}, at::kLong), std::vector<int32_t>{0, 3, 5});
}

}  // namespace gemtune::test
