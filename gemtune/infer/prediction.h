#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "gemtune/model/head_rows.h"

namespace gemtune::infer {

/// A classifier's result for one text.
struct Prediction {
  std::string label = {};  // for single-label classification, the class with the highest score; else ""
  float score = 0;         // of that class
  std::vector<std::string> labels =
      {};  // for multi-label classification, those whose score is above their threshold
  std::vector<float> scores =
      {};  // by class id: softmax or sigmoid at the head's temperature; for regression the logits
  std::vector<float> logits = {};  // by class id
};

/// Turns each row of logits [N, num_labels] fp32 of the classifier with `head` into a prediction. Throws
/// Error for a problem_type that transformers does not have.
std::vector<Prediction> Predictions(const at::Tensor& logits, const model::ClassifierHead& head);

}  // namespace gemtune::infer
