#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "gemtune/model/head_rows.h"

namespace gemtune::infer {

/// What a classifier says of one text.
struct Prediction {
  std::string label = {};                // of one label: the class of the highest score, else ""
  float score = 0;                       // of that class
  std::vector<std::string> labels = {};  // of several labels: the classes of a score above 1/2
  std::vector<float> scores = {};        // by class id, see Scores; of regression the outputs themselves
  std::vector<float> logits = {};        // by class id
};

/// Logits [N, num_labels] fp32 as predictions of the classifier with `head`, a row each. Throws Error for a
/// problem_type that transformers has not.
std::vector<Prediction> Predictions(const at::Tensor& logits, const model::ClassifierHead& head);

}  // namespace gemtune::infer
