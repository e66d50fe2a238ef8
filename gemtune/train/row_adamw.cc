#include "gemtune/train/row_adamw.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

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
      tensors_(is_bf16_ ? 3 : 2),
      moving_steps_(
          static_cast<int64_t>(std::log(1e-12) / std::log(std::clamp(options.beta1, 1e-3, 0.999999)))),
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
  slots_.push_back({.index = row});
  const int64_t numbers = kChunkRows * tensors_ * dim_;
  if (slot / kChunkRows == static_cast<int64_t>(chunks_.size())) {
    chunks_.push_back(std::make_unique<float[]>(static_cast<size_t>(numbers)));  // zeros
  }
  if (!is_bf16_) return;
  const BFloat16* from = ops::BFloat16Data(parameter_) + row * dim_;
  float* master = SlotState(slot).parameter;
  for (int64_t i = 0; i < dim_; ++i) master[i] = FloatFromBFloat16(from[i].bits);
}

kernels::AdamWState RowAdamW::SlotState(int64_t slot) const {
  const int64_t row = slots_[static_cast<size_t>(slot)].index;
  float* at = chunks_[static_cast<size_t>(slot / kChunkRows)].get() + slot % kChunkRows * tensors_ * dim_;
  if (is_bf16_) {
    return {.parameter = at,
            .exp_avg = at + dim_,
            .exp_avg_sq = at + 2 * dim_,
            .rounded = ops::BFloat16Data(parameter_) + row * dim_};
  }
  return {.parameter = parameter_.data_ptr<float>() + row * dim_, .exp_avg = at, .exp_avg_sq = at + dim_};
}

// The steps without a gradient that the row missed, one by one, so that it does not matter how often it is
// caught up in between. When the first moment has shrunk to nothing, what is left of a step is the decay of
// the parameter, and that of the second moment, which nobody reads before the next gradient.
void RowAdamW::CatchUpSlot(int64_t slot, int64_t step) {
  Row& row = slots_[static_cast<size_t>(slot)];
  if (row.step >= step) return;
  const kernels::AdamWState state = SlotState(slot);
  const std::vector<float> zeros(static_cast<size_t>(dim_), 0.0f);
  int64_t s = row.step + 1;
  for (; s <= std::min(step, row.last_moving); ++s)
    kernels::AdamWStep(dim_, zeros.data(), state, StepOptions(s));
  row.step = step;
  if (s > step || options_.weight_decay == 0) return;
  for (; s <= step; ++s) {
    const auto keep =
        static_cast<float>(1 - learning_rates_[static_cast<size_t>(s - 1)] * options_.weight_decay);
#pragma omp simd
    for (int64_t i = 0; i < dim_; ++i) state.parameter[i] *= keep;
  }
  if (state.rounded == nullptr) return;
  for (int64_t i = 0; i < dim_; ++i) state.rounded[i].bits = BFloat16FromFloat(state.parameter[i]);
}

// A caught up row's moments as they are before its next gradient, at `step`.
void RowAdamW::RestMoments(int64_t slot, int64_t step) {
  const int64_t still_steps = step - 1 - slots_[static_cast<size_t>(slot)].last_moving;
  if (still_steps <= 0) return;
  const kernels::AdamWState state = SlotState(slot);
  const auto decay = static_cast<float>(std::pow(options_.beta2, static_cast<double>(still_steps)));
  std::fill_n(state.exp_avg, dim_, 0.0f);
  for (int64_t i = 0; i < dim_; ++i) state.exp_avg_sq[i] *= decay;
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
  ParallelFor(static_cast<int64_t>(rows.size()), GrainRows(kGrainRows, dim_),
              [&](int64_t begin, int64_t end) {
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
  ParallelFor(static_cast<int64_t>(slots_.size()), GrainRows(kGrainRows, dim_),
              [&](int64_t begin, int64_t end) {
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
  ParallelFor(indices.numel(), GrainRows(kGrainRows, dim_), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int32_t slot = slot_of_row_[static_cast<size_t>(row[i])];
      CatchUpSlot(slot, step - 1);
      RestMoments(slot, step);
      kernels::AdamWStep(dim_, ops::ConstFloatsOf(values) + i * dim_, SlotState(slot), options);
      slots_[static_cast<size_t>(slot)].step = step;
      slots_[static_cast<size_t>(slot)].last_moving = step + moving_steps_;
    }
  });
}

std::vector<NamedTensor> RowAdamW::State(const std::string& name) const {
  const auto rows = static_cast<int64_t>(slots_.size());
  at::Tensor places = at::empty({rows, 3}, at::kLong);
  int64_t* place = places.data_ptr<int64_t>();
  for (const Row& row : slots_) {
    *place++ = row.index;
    *place++ = row.step;
    *place++ = row.last_moving;
  }
  std::vector<NamedTensor> state = {{name + ".rows", places},
                                    {name + ".learning_rates", at::tensor(learning_rates_, at::kDouble)}};
  for (size_t chunk = 0; chunk < chunks_.size(); ++chunk) {
    const int64_t filled = std::min(kChunkRows, rows - static_cast<int64_t>(chunk) * kChunkRows);
    state.push_back({fmt::format("{}.chunk.{}", name, chunk),
                     at::from_blob(chunks_[chunk].get(), {filled, tensors_, dim_}, at::kFloat)});
  }
  return state;
}

void RowAdamW::SetState(const TensorFile& tensors, const std::string& name) {
  const at::Tensor rates = tensors.Get(name + ".learning_rates", {-1}, at::kDouble),
                   places = tensors.Get(name + ".rows", {-1, 3}, at::kLong);
  learning_rates_.assign(rates.const_data_ptr<double>(), rates.const_data_ptr<double>() + rates.numel());
  slots_.clear();
  chunks_.clear();
  std::fill(slot_of_row_.begin(), slot_of_row_.end(), -1);
  const int64_t* place = places.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < places.size(0); ++i, place += 3) {
    const bool is_row = place[0] >= 0 && place[0] < parameter_.size(0) && place[1] >= 0 &&
                        place[1] <= rates.numel() && slot_of_row_[static_cast<size_t>(place[0])] < 0;
    if (!is_row)
      tensors.Complain(name + ".rows", "names a row or a step that is not there, or one row twice");
    EnsureState(place[0]);
    slots_.back().step = place[1];
    slots_.back().last_moving = place[2];
  }
  for (size_t chunk = 0; chunk < chunks_.size(); ++chunk) {
    const int64_t filled = std::min(kChunkRows, places.size(0) - static_cast<int64_t>(chunk) * kChunkRows);
    const at::Tensor numbers =
        tensors.Get(fmt::format("{}.chunk.{}", name, chunk), {filled, tensors_, dim_}, at::kFloat);
    std::copy_n(numbers.const_data_ptr<float>(), numbers.numel(), chunks_[chunk].get());
  }
}

double RowAdamW::SumOfSquares() const {
  if (!parameter_.grad().defined()) return 0;
  const at::Tensor values = parameter_.grad().coalesce().values().contiguous();
  return kernels::SumOfSquares(values.numel(), ops::ConstFloatsOf(values));
}

}  // namespace gemtune::train
