#include "gemtune/train/optimizer.h"

#include <ATen/ATen.h>

#include <cmath>
#include <unordered_set>

#include "gemtune/kernels/adamw.h"
#include "gemtune/model/gemma3.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::train {

AdamW::AdamW(const torch::nn::Module& module, const AdamWOptions& options) : options_(options) {
  std::unordered_set<const at::TensorImpl*> embeddings;
  for (const auto& part : module.modules(/*include_self=*/false)) {
    const auto* embedding = dynamic_cast<const model::TokenEmbeddingImpl*>(part.get());
    if (embedding == nullptr || !embedding->weight.requires_grad() || !ops::HasKernels(embedding->weight))
      continue;
    embeddings.insert(embedding->weight.unsafeGetTensorImpl());
    embeddings_.emplace_back(embedding->weight, options);
  }
  for (const auto& item : module.named_parameters()) {
    const at::Tensor& parameter = item.value();
    if (!parameter.requires_grad() || embeddings.count(parameter.unsafeGetTensorImpl()) != 0) continue;
    Slot slot{.parameter = parameter,
              .master = parameter.detach().to(at::kFloat),
              .weight_decay = parameter.dim() >= 2 ? options.weight_decay : 0.0};
    slot.exp_avg = at::zeros_like(slot.master);
    slot.exp_avg_sq = at::zeros_like(slot.master);
    slots_.push_back(std::move(slot));
  }
}

double AdamW::GradNorm() const {
  double sum_of_squares = 0;
  for (const Slot& slot : slots_) {
    const at::Tensor& grad = slot.parameter.grad();
    if (!grad.defined()) continue;
    const at::Tensor numbers = grad.contiguous();
    sum_of_squares += kernels::SumOfSquares(numbers.numel(), ops::ConstFloatsOf(numbers));
  }
  for (const RowAdamW& embedding : embeddings_) sum_of_squares += embedding.SumOfSquares();
  return std::sqrt(sum_of_squares);
}

void AdamW::Step(double learning_rate, double grad_scale) {
  const at::NoGradGuard no_grad;
  ++step_;
  for (Slot& slot : slots_) {
    const at::Tensor& grad = slot.parameter.grad();
    if (!grad.defined()) continue;
    const kernels::AdamWStepOptions step{
        .learning_rate = learning_rate,
        .beta1 = options_.beta1,
        .beta2 = options_.beta2,
        .epsilon = options_.epsilon,
        .weight_decay = slot.weight_decay,
        .grad_scale = grad_scale,
        .step = step_,
    };
    const bool is_bf16 = slot.parameter.scalar_type() == at::kBFloat16;
    kernels::AdamWStep(slot.master.numel(), ops::ConstFloatsOf(grad.contiguous()),
                       {.parameter = slot.master.data_ptr<float>(),
                        .exp_avg = slot.exp_avg.data_ptr<float>(),
                        .exp_avg_sq = slot.exp_avg_sq.data_ptr<float>(),
                        .rounded = is_bf16 ? ops::BFloat16Data(slot.parameter) : nullptr},
                       step);
  }
  for (RowAdamW& embedding : embeddings_) embedding.Step(learning_rate, grad_scale);
}

void AdamW::ZeroGrad() {
  for (Slot& slot : slots_) slot.parameter.mutable_grad() = at::Tensor();
  for (RowAdamW& embedding : embeddings_) embedding.parameter().mutable_grad() = at::Tensor();
}

void AdamW::CatchUp(const at::Tensor& ids) {
  for (RowAdamW& embedding : embeddings_) embedding.CatchUp(ids);
}

void AdamW::CatchUpAll() {
  for (RowAdamW& embedding : embeddings_) embedding.CatchUpAll();
}

int64_t AdamW::num_parameters() const {
  int64_t count = 0;
  for (const Slot& slot : slots_) count += slot.parameter.numel();
  for (const RowAdamW& embedding : embeddings_) count += embedding.parameter().numel();
  return count;
}

}  // namespace gemtune::train
