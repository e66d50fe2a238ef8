#include "gemtune/train/optim/adamw.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "gemtune/base/error.h"
#include "gemtune/ops/compute_type.h"
#include "gemtune/ops/sum_of_squares.h"

namespace gemtune::train {

AdamW::AdamW(const torch::nn::Module& module, const AdamWOptions& options,
             const std::vector<std::string>& sparse_gradients) {
  const auto is_sparse = [&](const std::string& name) {
    return std::find(sparse_gradients.begin(), sparse_gradients.end(), name) != sparse_gradients.end();
  };
  const auto parameters = module.named_parameters();
  for (const std::string& name : sparse_gradients) GEMTUNE_CHECK(parameters.contains(name));
  for (const auto& item : parameters) {
    const at::Tensor& parameter = item.value();
    if (!parameter.requires_grad()) continue;
    if (is_sparse(item.key())) {
      by_rows_.push_back({item.key(), RowAdamW(parameter, options)});
      continue;
    }
    const at::Tensor master = parameter.detach().to(ops::ComputeType(parameter.scalar_type()));
    slots_.push_back({.name = item.key(),
                      .tensors = {.parameter = parameter,
                                  .master = master,
                                  .exp_avg = at::zeros_like(master),
                                  .exp_avg_sq = at::zeros_like(master)},
                      .options = options});
    if (parameter.dim() < 2) slots_.back().options.weight_decay = 0;
  }
}

double AdamW::GradNorm() const {
  std::vector<at::Tensor> gradients;
  for (const Slot& slot : slots_) {
    if (slot.tensors.parameter.grad().defined()) gradients.push_back(slot.tensors.parameter.grad());
  }
  for (const ByRows& rows : by_rows_) {
    if (rows.adamw.parameter().grad().defined()) gradients.push_back(rows.adamw.GradientValues());
  }
  return gradients.empty() ? 0 : std::sqrt(ops::SumOfSquares(gradients).item<double>());
}

void AdamW::Step(double learning_rate, double grad_scale) {
  ++step_;
  std::vector<ops::AdamWItem> items;
  for (const Slot& slot : slots_) {
    const at::Tensor& grad = slot.tensors.parameter.grad();
    if (grad.defined()) items.push_back({slot.tensors, grad, slot.options});
  }
  ops::AdamWSteps(items, {.learning_rate = learning_rate, .grad_scale = grad_scale, .step = step_});
  for (ByRows& rows : by_rows_) rows.adamw.Step(learning_rate, grad_scale);
}

void AdamW::ZeroGrad() {
  for (Slot& slot : slots_) slot.tensors.parameter.mutable_grad() = at::Tensor();
  for (ByRows& rows : by_rows_) rows.adamw.parameter().mutable_grad() = at::Tensor();
}

void AdamW::CatchUp(const at::Tensor& ids) {
  for (ByRows& rows : by_rows_) rows.adamw.CatchUp(ids);
}

void AdamW::CatchUpAll() {
  for (ByRows& rows : by_rows_) rows.adamw.CatchUpAll();
}

int64_t AdamW::num_parameters() const {
  int64_t count = 0;
  for (const Slot& slot : slots_) count += slot.tensors.parameter.numel();
  for (const ByRows& rows : by_rows_) count += rows.adamw.parameter().numel();
  return count;
}

// A slot's tensors with their names; an fp32 parameter is its own master.
std::vector<NamedTensor> AdamW::Kept(const Slot& slot) {
  const ops::AdamWTensors& tensors = slot.tensors;
  std::vector<NamedTensor> kept = {{slot.name + ".exp_avg", tensors.exp_avg},
                                   {slot.name + ".exp_avg_sq", tensors.exp_avg_sq}};
  if (!tensors.master.is_alias_of(tensors.parameter)) kept.push_back({slot.name + ".master", tensors.master});
  return kept;
}

std::vector<NamedTensor> AdamW::State() const {
  std::vector<NamedTensor> state = {{"step", at::tensor({step_}, at::kLong)}};
  const auto append = [&](std::vector<NamedTensor> more) {
    state.insert(state.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  for (const Slot& slot : slots_) append(Kept(slot));
  for (const ByRows& rows : by_rows_) append(rows.adamw.State(rows.name));
  return state;
}

void AdamW::SetState(const TensorFile& tensors) {
  const at::NoGradGuard no_grad;
  step_ = tensors.Get("step", {1}, at::kLong).item<int64_t>();
  for (const Slot& slot : slots_) {
    for (const auto& [name, tensor] : Kept(slot)) {
      tensor.copy_(tensors.Get(name, tensor.sizes(), tensor.scalar_type()));
    }
  }
  for (ByRows& rows : by_rows_) rows.adamw.SetState(tensors, rows.name);
}

}  // namespace gemtune::train
