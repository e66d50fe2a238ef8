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

/// Of two sequences of TinyTokenizer's tokens.
inline at::Tensor Logits(model::PretrainedClassifier& classifier) {
  return classifier.model(at::tensor({2, 270, 280, 2, 261}, at::kLong), std::vector<int32_t>{0, 3, 5});
}

}  // namespace gemtune::test
