#include "gemtune/train/row_adamw.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "gemtune/base/error.h"
#include "gemtune/base/parallel.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::train {
namespace {

constexpr int64_t kChunkRows = 1024;
constexpr int64_t kGrainRows = 8;

}  // namespace

RowAdamW::RowAdamW(const at::Tensor& parameter, const AdamWOptions& options)
    : parameter_(parameter),
      options_(options),
      dim_(parameter.size(1)),
      is_bf16_(parameter.scalar_type() == at::kBFloat16),
      slot_of_row_(static_cast<size_t>(parameter.size(0)), -1) {
  GEMTUNE_CHECK(parameter.dim() == 2 && parameter.is_contiguous() && ops::HasKernels(parameter));
}

kernels::AdamWStepOptions RowAdamW::StepOptions(int64_t step) const {
  return {.learning_rate = learning_rates_[static_cast<size_t>(step - 1)],
          .beta1 = options_.beta1,
          .beta2 = options_.beta2,
          .epsilon = options_.epsilon,
          .weight_decay = options_.weight_decay,
          .step = step};
}

void RowAdamW::EnsureState(int64_t row) {
  int32_t& slot = slot_of_row_[static_cast<size_t>(row)];
  if (slot >= 0) return;
  slot = static_cast<int32_t>(slots_.size());
  slots_.push_back({.index = row, .step = 0});
  const int64_t numbers = kChunkRows * (is_bf16_ ? 3 : 2) * dim_;
  if (slot / kChunkRows == static_cast<int64_t>(chunks_.size())) {
    chunks_.push_back(std::make_unique<float[]>(static_cast<size_t>(numbers)));  // zeros
  }
  if (!is_bf16_) return;
  const BFloat16* from = ops::BFloat16Data(parameter_) + row * dim_;
  float* master = State(slot).parameter;
  for (int64_t i = 0; i < dim_; ++i) master[i] = FloatFromBFloat16(from[i].bits);
}

kernels::AdamWState RowAdamW::State(int64_t slot) const {
  const int64_t row = slots_[static_cast<size_t>(slot)].index;
  float* at =
      chunks_[static_cast<size_t>(slot / kChunkRows)].get() + slot % kChunkRows * (is_bf16_ ? 3 : 2) * dim_;
  if (is_bf16_) {
    return {.parameter = at,
            .exp_avg = at + dim_,
            .exp_avg_sq = at + 2 * dim_,
            .rounded = ops::BFloat16Data(parameter_) + row * dim_};
  }
  return {.parameter = parameter_.data_ptr<float>() + row * dim_, .exp_avg = at, .exp_avg_sq = at + dim_};
}

// The steps without a gradient that the row missed. When the first moment has shrunk to nothing, what is left
// of a step is the decay of the three.
void RowAdamW::CatchUpSlot(int64_t slot, int64_t step) {
  Row& row = slots_[static_cast<size_t>(slot)];
  if (row.step >= step) return;
  const kernels::AdamWState state = State(slot);
  const auto moving =
      static_cast<int64_t>(std::log(1e-12) / std::log(std::clamp(options_.beta1, 1e-3, 0.999999)));
  const int64_t last_moving = std::min(step, row.step + moving);
  const std::vector<float> zeros(static_cast<size_t>(dim_), 0.0f);
  for (int64_t s = row.step + 1; s <= last_moving; ++s)
    kernels::AdamWStep(dim_, zeros.data(), state, StepOptions(s));
  if (last_moving < step) {
    double keep = 1;
    for (int64_t s = last_moving + 1; s <= step; ++s) {
      keep *= 1 - learning_rates_[static_cast<size_t>(s - 1)] * options_.weight_decay;
    }
    const auto rest = static_cast<double>(step - last_moving);
    const auto decay1 = static_cast<float>(std::pow(options_.beta1, rest)),
               decay2 = static_cast<float>(std::pow(options_.beta2, rest));
    for (int64_t i = 0; i < dim_; ++i) {
      state.parameter[i] *= static_cast<float>(keep);
      state.exp_avg[i] *= decay1;
      state.exp_avg_sq[i] *= decay2;
      if (state.rounded != nullptr) state.rounded[i].bits = BFloat16FromFloat(state.parameter[i]);
    }
  }
  row.step = step;
}

void RowAdamW::CatchUp(const at::Tensor& ids) {
  const auto step = static_cast<int64_t>(learning_rates_.size());
  const int64_t* id = ids.const_data_ptr<int64_t>();
  std::vector<int64_t> rows(id, id + ids.numel());
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  if (options_.weight_decay != 0) {
    for (const int64_t row : rows) EnsureState(row);
  }
  ParallelFor(static_cast<int64_t>(rows.size()), kGrainRows, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int32_t slot = slot_of_row_[static_cast<size_t>(rows[static_cast<size_t>(i)])];
      if (slot >= 0) CatchUpSlot(slot, step);
    }
  });
}

void RowAdamW::CatchUpAll() {
  const auto step = static_cast<int64_t>(learning_rates_.size());
  if (options_.weight_decay != 0) {
    for (int64_t row = 0; row < parameter_.size(0); ++row) EnsureState(row);
  }
  ParallelFor(static_cast<int64_t>(slots_.size()), kGrainRows, [&](int64_t begin, int64_t end) {
    for (int64_t slot = begin; slot < end; ++slot) CatchUpSlot(slot, step);
  });
}

void RowAdamW::Step(double learning_rate, double grad_scale) {
  learning_rates_.push_back(learning_rate);
  if (!parameter_.grad().defined()) return;
  const auto step = static_cast<int64_t>(learning_rates_.size());
  const at::Tensor grad = parameter_.grad().coalesce();
  const at::Tensor indices = grad.indices().select(0, 0).contiguous(), values = grad.values().contiguous();
  const int64_t* row = indices.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < indices.numel(); ++i) EnsureState(row[i]);
  kernels::AdamWStepOptions options = StepOptions(step);
  options.grad_scale = grad_scale;
  ParallelFor(indices.numel(), kGrainRows, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int32_t slot = slot_of_row_[static_cast<size_t>(row[i])];
      CatchUpSlot(slot, step - 1);
      kernels::AdamWStep(dim_, ops::ConstFloatsOf(values) + i * dim_, State(slot), options);
      slots_[static_cast<size_t>(slot)].step = step;
    }
  });
}

double RowAdamW::SumOfSquares() const {
  if (!parameter_.grad().defined()) return 0;
  const at::Tensor values = parameter_.grad().coalesce().values().contiguous();
  return kernels::SumOfSquares(values.numel(), ops::ConstFloatsOf(values));
}

}  // namespace gemtune::train
