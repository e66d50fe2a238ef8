#include "gemtune/ops/linear_cross_entropy.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/ops/compute_type.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/cuda.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr int64_t kLogitBytes = int64_t{1} << 29;
constexpr int64_t kWordsTogether = 1 << 14;
constexpr int64_t kRowsTogether = 16;  // chunks are a multiple of it, as products are

int64_t ChunkRows(const at::Tensor& hidden, const MatmulWeight& weight,
                  const LinearCrossEntropyOptions& options, bool trains_weight) {
  if (options.chunk_rows > 0) return options.chunk_rows;
  return LogitRows(hidden.size(0), weight.rows(), hidden.scalar_type(), trains_weight);
}

// Some rows with their logits, which may be overwritten.
struct Chunk {
  int64_t begin;
  at::Tensor hidden;   // [r, D]
  at::Tensor targets;  // [r]
  at::Tensor logits;   // [r, V] of the operands' dtype
};

void ForEachChunk(const at::Tensor& hidden, const MatmulWeight& weight, const at::Tensor& targets,
                  int64_t chunk_rows, const std::function<void(const Chunk&)>& visit) {
  for (int64_t begin = 0; begin < hidden.size(0); begin += chunk_rows) {
    const int64_t rows = std::min(chunk_rows, hidden.size(0) - begin);
    const at::Tensor some = hidden.narrow(0, begin, rows);
    visit({.begin = begin,
           .hidden = some,
           .targets = targets.narrow(0, begin, rows),
           .logits = LinearOutput(some, weight)});
  }
}

// The losses of logits [r, V] for targets [r], [r] fp32 or double; overwrites the logits by their gradients,
// softmax − one-hot, or returns these as another tensor.
std::pair<at::Tensor, at::Tensor> LossesAndGradients(const at::Tensor& logits, const at::Tensor& targets) {
  if (HasKernels(logits))
    return {Choose(logits, cpu::SoftmaxGradients, cuda::SoftmaxGradients)(logits, targets), logits};
  const at::Tensor x = logits.to(ComputeType(logits.scalar_type())), of_rows = targets.unsqueeze(1);
  const at::Tensor of_target = x.gather(1, of_rows);
  const at::Tensor largest = x.amax(1, /*keepdim=*/true);
  x.sub_(largest).exp_();
  const at::Tensor sum = x.sum(1, /*keepdim=*/true);
  x.div_(sum).scatter_add_(1, of_rows, at::full_like(of_rows, -1, x.scalar_type()));
  return {sum.log().add_(largest).sub_(of_target).squeeze(1), x.to(logits.scalar_type())};
}

RowLosses LossesOf(const at::Tensor& logits, const at::Tensor& targets) {
  if (HasKernels(logits)) return Choose(logits, cpu::SoftmaxLosses, cuda::SoftmaxLosses)(logits, targets);
  const at::Tensor x = logits.to(ComputeType(logits.scalar_type())), of_rows = targets.unsqueeze(1);
  return {.losses = x.logsumexp(1).sub_(x.gather(1, of_rows).squeeze(1)),
          .is_correct = x.argmax(1).eq(targets)};
}

// The sum of the losses, and of what is wanted of its gradients.
struct Sums {
  at::Tensor loss, hidden, weight;  // hidden and weight undefined: not wanted
};

// Adds d_logitsᵀ · hidden to the sum of W's gradients, some words at a time, so that there is no second one.
void AddWeightGradient(const at::Tensor& d_logits, const at::Tensor& hidden, at::Tensor& sum) {
  for (int64_t begin = 0; begin < sum.size(0); begin += kWordsTogether) {
    const int64_t words = std::min(kWordsTogether, sum.size(0) - begin);
    sum.narrow(0, begin, words).add_(LinearWeightGradient(d_logits.narrow(1, begin, words), hidden));
  }
}

Sums LossAndGradients(const at::Tensor& hidden, const MatmulWeight& weight, const at::Tensor& targets,
                      int64_t chunk_rows, bool wants_hidden, bool wants_weight) {
  const at::ScalarType compute = ComputeType(hidden.scalar_type());
  const bool is_one_chunk = hidden.size(0) <= chunk_rows;
  Sums sums{.loss = at::zeros({}, hidden.options().dtype(compute))};
  if (wants_hidden) sums.hidden = at::empty_like(hidden);
  if (wants_weight && (!is_one_chunk || hidden.size(0) == 0))
    sums.weight = at::zeros(weight.dense.sizes(), weight.dense.options().dtype(compute));
  ForEachChunk(hidden, weight, targets, chunk_rows, [&](const Chunk& chunk) {
    if (!wants_hidden && !wants_weight) {
      sums.loss.add_(LossesOf(chunk.logits, chunk.targets).losses.sum());
      return;
    }
    const auto [losses, d_logits] = LossesAndGradients(chunk.logits, chunk.targets);
    sums.loss.add_(losses.sum());
    if (wants_hidden)
      sums.hidden.narrow(0, chunk.begin, chunk.hidden.size(0)).copy_(LinearInputGradient(d_logits, weight));
    if (!wants_weight) return;
    if (is_one_chunk) {
      sums.weight = LinearWeightGradient(d_logits, chunk.hidden);
    } else {
      AddWeightGradient(d_logits, chunk.hidden, sums.weight);
    }
  });
  if (wants_weight) sums.weight = sums.weight.to(weight.dense.scalar_type());
  return sums;
}

struct LinearCrossEntropyFunction : torch::autograd::Function<LinearCrossEntropyFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& hidden, const at::Tensor& tracked,
                            const MatmulWeight& weight, const at::Tensor& targets, int64_t chunk_rows) {
    Sums sums = LossAndGradients(hidden, weight, targets, chunk_rows, hidden.requires_grad(),
                                 tracked.requires_grad());
    ctx->saved_data["hidden"] = sums.hidden;
    ctx->saved_data["weight"] = sums.weight;
    return sums.loss;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto take = [&](const char* name) {
      const auto found = ctx->saved_data.find(name);
      GEMTUNE_CHECK(found != ctx->saved_data.end());  // a second backward pass
      const at::Tensor gradient = found->second.toTensor();
      ctx->saved_data.erase(found);
      return gradient.defined() ? gradient.mul_(grads[0]) : gradient;
    };
    at::Tensor hidden = take("hidden"), weight = take("weight");
    return {std::move(hidden), std::move(weight), Variable(), Variable(), Variable()};
  }
};

}  // namespace

int64_t LogitRows(int64_t rows, int64_t vocab_size, at::ScalarType dtype, bool trains_weight) {
  const int64_t row_bytes = vocab_size * static_cast<int64_t>(at::elementSize(dtype));
  const int64_t most = std::max<int64_t>(1, (trains_weight ? 2 : 1) * kLogitBytes / row_bytes);
  if (rows <= most) return std::max<int64_t>(1, rows);
  const int64_t chunks = (rows + most - 1) / most, even = (rows + chunks - 1) / chunks;
  return std::min(most, (even + kRowsTogether - 1) / kRowsTogether * kRowsTogether);
}

at::Tensor LinearCrossEntropySum(const at::Tensor& hidden, const MatmulWeight& weight,
                                 const at::Tensor& targets, const LinearCrossEntropyOptions& options) {
  GEMTUNE_CHECK(hidden.size(0) == targets.size(0) && hidden.size(1) == weight.columns());
  const bool trains_weight =
      at::GradMode::is_enabled() && weight.dense.defined() && weight.dense.requires_grad();
  const int64_t chunk_rows = ChunkRows(hidden, weight, options, trains_weight);
  if (!trains_weight && !(at::GradMode::is_enabled() && hidden.requires_grad()))
    return LossAndGradients(hidden, weight, targets, chunk_rows, false, false).loss;
  // Autograd knows no undefined inputs; bytes have no gradient.
  const at::Tensor& tracked = weight.dense.defined() ? weight.dense : weight.blocks.front().bytes;
  return LinearCrossEntropyFunction::apply(hidden, tracked, weight, targets, chunk_rows);
}

RowLosses LinearCrossEntropyRows(const at::Tensor& hidden, const MatmulWeight& weight,
                                 const at::Tensor& targets, const LinearCrossEntropyOptions& options) {
  GEMTUNE_CHECK(hidden.size(0) == targets.size(0) && hidden.size(1) == weight.columns());
  const at::NoGradGuard no_grad;
  RowLosses rows{
      .losses = at::empty({hidden.size(0)}, hidden.options().dtype(ComputeType(hidden.scalar_type()))),
      .is_correct = at::empty({hidden.size(0)}, hidden.options().dtype(at::kBool))};
  const int64_t chunk_rows = ChunkRows(hidden, weight, options, /*trains_weight=*/false);
  ForEachChunk(hidden, weight, targets, chunk_rows, [&](const Chunk& chunk) {
    const int64_t size = chunk.hidden.size(0);
    const RowLosses of_chunk = LossesOf(chunk.logits, chunk.targets);
    rows.is_correct.narrow(0, chunk.begin, size).copy_(of_chunk.is_correct);
    rows.losses.narrow(0, chunk.begin, size).copy_(of_chunk.losses);
  });
  return rows;
}

}  // namespace gemtune::ops
