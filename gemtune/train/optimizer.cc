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
  for (const auto& part : module.named_modules("", /*include_self=*/false)) {
    const auto* embedding = dynamic_cast<const model::TokenEmbeddingImpl*>(part.value().get());
    if (embedding == nullptr || !embedding->weight.requires_grad() || !ops::HasKernels(embedding->weight))
      continue;
    embeddings.insert(embedding->weight.unsafeGetTensorImpl());
    embeddings_.push_back({part.key() + ".weight", RowAdamW(embedding->weight, options)});
  }
  for (const auto& item : module.named_parameters()) {
    const at::Tensor& parameter = item.value();
    if (!parameter.requires_grad() || embeddings.count(parameter.unsafeGetTensorImpl()) != 0) continue;
    Slot slot{.name = item.key(),
              .parameter = parameter,
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
  for (const Embedding& embedding : embeddings_) sum_of_squares += embedding.rows.SumOfSquares();
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
  for (Embedding& embedding : embeddings_) embedding.rows.Step(learning_rate, grad_scale);
}

void AdamW::ZeroGrad() {
  for (Slot& slot : slots_) slot.parameter.mutable_grad() = at::Tensor();
  for (Embedding& embedding : embeddings_) embedding.rows.parameter().mutable_grad() = at::Tensor();
}

void AdamW::CatchUp(const at::Tensor& ids) {
  for (Embedding& embedding : embeddings_) embedding.rows.CatchUp(ids);
}

void AdamW::CatchUpAll() {
  for (Embedding& embedding : embeddings_) embedding.rows.CatchUpAll();
}

int64_t AdamW::num_parameters() const {
  int64_t count = 0;
  for (const Slot& slot : slots_) count += slot.parameter.numel();
  for (const Embedding& embedding : embeddings_) count += embedding.rows.parameter().numel();
  return count;
}

// A slot's tensors under their names; an fp32 parameter is its own master.
std::vector<NamedTensor> AdamW::Kept(const Slot& slot) {
  std::vector<NamedTensor> kept = {{slot.name + ".exp_avg", slot.exp_avg},
                                   {slot.name + ".exp_avg_sq", slot.exp_avg_sq}};
  if (slot.parameter.scalar_type() != at::kFloat) kept.push_back({slot.name + ".master", slot.master});
  return kept;
}

std::vector<NamedTensor> AdamW::State() const {
  std::vector<NamedTensor> state = {{"step", at::tensor({step_}, at::kLong)}};
  const auto append = [&](std::vector<NamedTensor> more) {
    state.insert(state.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  for (const Slot& slot : slots_) append(Kept(slot));
  for (const Embedding& embedding : embeddings_) append(embedding.rows.State(embedding.name));
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
  for (Embedding& embedding : embeddings_) embedding.rows.SetState(tensors, embedding.name);
}

}  // namespace gemtune::train
