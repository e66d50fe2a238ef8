#pragma once

#include <torch/nn/module.h>

#include <string>
#include <vector>

#include "gemtune/model/lora.h"

namespace gemtune::train {

/// What the options that belong to single methods say; see Method::options.
///
/// freeze: the layers named and nothing below the final norm besides, everything but the embedding, or the
/// parameters whose names match. The final norm and the head always move.
struct MethodOptions {
  std::string trainable_layers;      // "12-17", "12-", "-5", "3,7", "0,12-": counted from 0
  std::string trainable_parameters;  // an ECMAScript regular expression, found anywhere in a parameter's name
  bool freeze_embeddings = false;
  model::LoraConfig lora;
};

/// Which parameters move: the second of the two axes of everything gemtune does. A method is a function on
/// the parameters of a model (named as in a Hugging Face checkpoint: model.* is the pre-trained trunk,
/// anything else its head). What it freezes costs no gradient, no optimiser state and no fp32 copy, and the
/// backward pass ends above the layers under which nothing moves.
struct Method {
  std::string name;                  // --method
  double learning_rate;              // where none is given
  std::vector<std::string> options;  // fields of MethodOptions and RunOptions that go with this method alone

  /// Sets requires_grad on every parameter. Throws Error for options that name nothing or contradict.
  void (*select)(torch::nn::Module& model, const MethodOptions& options);

  /// Whether what moves is an adapter: PretrainedClassifier::AddAdapter puts it on and freezes the rest,
  /// after select has looked at the options.
  bool has_adapter = false;
};

const std::vector<Method>& Methods();

/// Throws Error naming the known ones.
const Method& FindMethod(const std::string& name);

}  // namespace gemtune::train
