#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "gemtune/base/parallel.h"
#include "gemtune/kernels/adamw.h"
#include "gemtune/ops/adamw_kernel.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops::cpu {
namespace {

constexpr int64_t kGrainRows = 8;

// The rows in the kernel's form; each is processed by one thread.
class Slots {
 public:
  explicit Slots(AdamWRows& rows)
      : rows_(rows),
        dim_(rows.parameter.size(1)),
        is_bf16_(rows.parameter.scalar_type() == at::kBFloat16),
        parameter_(FloatsOf(rows.parameter)),
        no_gradient_(static_cast<size_t>(dim_), 0.0f) {
    for (const at::Tensor& chunk : rows.chunks) chunks_.push_back(chunk.data_ptr<float>());
  }

  int64_t dim() const { return dim_; }
  AdamWRows::Row& row(int64_t slot) { return rows_.rows[static_cast<size_t>(slot)]; }

  kernels::AdamWState State(int64_t slot) {
    const kernels::Floats parameter = parameter_ + row(slot).index * dim_;
    float* at =
        chunks_[static_cast<size_t>(slot / kRowsAChunk)] + slot % kRowsAChunk * (is_bf16_ ? 3 : 2) * dim_;
    if (is_bf16_) {
      return {.parameter = at,
              .exp_avg = at + dim_,
              .exp_avg_sq = at + 2 * dim_,
              .rounded = static_cast<BFloat16*>(parameter.data())};
    }
    return {.parameter = static_cast<float*>(parameter.data()), .exp_avg = at, .exp_avg_sq = at + dim_};
  }

  kernels::AdamWStepOptions Options(int64_t step, double grad_scale = 1) const {
    return KernelOptions(rows_.options,
                         {.learning_rate = LearningRate(step), .grad_scale = grad_scale, .step = step});
  }

  void CatchUp(int64_t slot, int64_t step) {
    AdamWRows::Row& own = row(slot);
    if (own.step >= step) return;
    const kernels::AdamWState state = State(slot);
    int64_t s = own.step + 1;
    for (; s <= std::min(step, own.last_moving); ++s) {
      kernels::AdamWStep(dim_, no_gradient_.data(), state, Options(s));
    }
    own.step = step;
    if (s > step || rows_.options.weight_decay == 0) return;
    for (; s <= step; ++s) {
      const auto keep = static_cast<float>(1 - LearningRate(s) * rows_.options.weight_decay);
#pragma omp simd
      for (int64_t i = 0; i < dim_; ++i) state.parameter[i] *= keep;
    }
    if (state.rounded == nullptr) return;
    for (int64_t i = 0; i < dim_; ++i) state.rounded[i].bits = BFloat16FromFloat(state.parameter[i]);
  }

  // Decays a caught-up row's moments to their values before its next gradient, at `step`.
  void RestMoments(int64_t slot, int64_t step) {
    const int64_t still_steps = step - 1 - row(slot).last_moving;
    if (still_steps <= 0) return;
    const kernels::AdamWState state = State(slot);
    const auto decay = static_cast<float>(std::pow(rows_.options.beta2, static_cast<double>(still_steps)));
    std::fill_n(state.exp_avg, dim_, 0.0f);
    for (int64_t i = 0; i < dim_; ++i) state.exp_avg_sq[i] *= decay;
  }

 private:
  double LearningRate(int64_t step) const {
    return rows_.learning_rates[static_cast<size_t>(step - 1)];
  }

  AdamWRows& rows_;
  int64_t dim_;
  bool is_bf16_;
  kernels::Floats parameter_;
  std::vector<float*> chunks_;
  std::vector<float> no_gradient_;
};

}  // namespace

void CatchUpRows(AdamWRows& rows, std::span<const int64_t> list, int64_t step) {
  Slots slots(rows);
  ParallelFor(static_cast<int64_t>(list.size()), GrainRows(kGrainRows, slots.dim()),
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) slots.CatchUp(list[static_cast<size_t>(i)], step);
              });
}

void StepRows(AdamWRows& rows, std::span<const int64_t> list, const at::Tensor& grads, double grad_scale) {
  Slots slots(rows);
  const int64_t step = rows.step(), dim = slots.dim();
  const kernels::AdamWStepOptions options = slots.Options(step, grad_scale);
  const kernels::ConstFloats grad = ConstFloatsOf(grads);
  ParallelFor(static_cast<int64_t>(list.size()), GrainRows(kGrainRows, dim), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t slot = list[static_cast<size_t>(i)];
      slots.CatchUp(slot, step - 1);
      slots.RestMoments(slot, step);
      kernels::AdamWStep(dim, grad + i * dim, slots.State(slot), options);
      slots.row(slot).step = step;
      slots.row(slot).last_moving = step + rows.moving_steps;
    }
  });
}

}  // namespace gemtune::ops::cpu
