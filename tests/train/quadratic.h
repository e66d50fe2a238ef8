#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "gemtune/data/dataset.h"
#include "gemtune/train/trainable.h"

namespace gemtune::test {

/// One weight w; the loss of an example is (w − label)². Evaluations and saves are recorded.
class Quadratic : public train::Trainable {
 public:
  class Module : public torch::nn::Module {
   public:
    Module() : w(register_parameter("w", at::zeros({1, 1}))) {}
    at::Tensor w;
  };

  torch::nn::Module& module() override { return module_; }
  double TargetWeight(const data::PackedBatch& batch) const override {
    return target_weight * static_cast<double>(batch.num_sequences());
  }
  at::Tensor LossSum(const data::PackedBatch& batch) override {
    batch_sizes.push_back(batch.num_sequences());
    return (module_.w - at::tensor(batch.labels)).square().sum();
  }
  train::Metrics Evaluate(const data::Dataset&) override {
    const double loss = validation_losses.at(evaluations++);
    return {{"loss", loss}, {"accuracy", 1 - loss}};
  }
  void Save(const std::filesystem::path&) override { saved.push_back(w()); }
  void Restore(const std::filesystem::path&) override { restored = true; }

  double w() const { return module_.w.item<double>(); }

  std::vector<int64_t> batch_sizes;
  double target_weight = 1;  // of each
  std::vector<double> validation_losses = std::vector<double>(100, 1.0);
  size_t evaluations = 0;
  std::vector<double> saved;
  bool restored = false;

 private:
  Module module_;
};

/// An example of one token for each label.
inline data::Dataset Numbers(const std::vector<float>& labels) {
  data::Examples examples;
  examples.label_kind = data::LabelKind::kRegression;
  examples.label_values = labels;
  for (size_t i = 0; i < labels.size(); ++i) {
    examples.ids.push_back(static_cast<int32_t>(i));
    examples.offsets.push_back(static_cast<int64_t>(i) + 1);
    examples.truncated.push_back(0);
  }
  return data::Dataset(std::move(examples));
}

}  // namespace gemtune::test
