#pragma once

#include <torch/nn/module.h>

#include <string>
#include <vector>

#include "gemtune/model/lora.h"

namespace gemtune::train {

/// Options that belong to one method only; see Method::options.
///
/// For freeze, what is trained is either the named layers, everything but the embedding, or the parameters
/// whose names match. The final norm and the head are always trained.
struct MethodOptions {
  std::string trainable_layers;      // "12-17", "12-", "-5", "3,7", "0,12-": counted from 0
  std::string trainable_parameters;  // an ECMAScript regular expression, found anywhere in the name
  bool freeze_embeddings = false;
  model::LoraConfig lora;
};

/// Which parameters are trained: the second of the two axes of everything gemtune does. A method is a
/// function on the parameters of a model, which are named as in a Hugging Face checkpoint: model.* is the
/// pre-trained trunk, anything else its head. Frozen parameters need no gradient, no optimiser state and no
/// fp32 copy, and the backward pass stops at the lowest layer that is trained.
struct Method {
  std::string name;                  // --method
  double learning_rate;              // if the user gives none
  std::vector<std::string> options;  // fields of MethodOptions and RunOptions that go with this method alone

  /// Sets requires_grad on every parameter. Throws Error for options that match nothing or contradict each
  /// other.
  void (*select)(torch::nn::Module& model, const MethodOptions& options);

  /// Whether an adapter is trained: PretrainedClassifier::AddAdapter adds it and freezes the rest, after
  /// select has checked the options.
  bool has_adapter = false;
};

const std::vector<Method>& Methods();

/// Throws Error naming the known ones.
const Method& FindMethod(const std::string& name);

}  // namespace gemtune::train
