#include "gemtune/train/optim/row_adamw.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gemtune/base/error.h"
#include "gemtune/ops/compute_type.h"
#include "gemtune/ops/device.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::train {

using ops::kRowsAChunk;

RowAdamW::RowAdamW(const at::Tensor& parameter, const AdamWOptions& options)
    : state_dtype_(ops::ComputeType(parameter.scalar_type())),
      tensors_(state_dtype_ == parameter.scalar_type() ? 2 : 3),
      slot_of_row_(static_cast<size_t>(parameter.size(0)), -1) {
  GEMTUNE_CHECK(parameter.dim() == 2 && parameter.is_contiguous());
  rows_.parameter = parameter;
  rows_.options = options;
  // The steps until the first moment has decayed to 1e-12 of its value.
  rows_.moving_steps =
      static_cast<int64_t>(std::log(1e-12) / std::log(std::clamp(options.beta1, 1e-3, 0.999999)));
}

std::vector<int64_t> RowAdamW::EnsureSlots(std::span<const int64_t> rows) {
  const size_t begin = rows_.rows.size();
  std::vector<int64_t> slots;
  slots.reserve(rows.size());
  for (const int64_t row : rows) {
    int64_t& slot = slot_of_row_[static_cast<size_t>(row)];
    if (slot < 0) {
      slot = static_cast<int64_t>(rows_.rows.size());
      rows_.rows.push_back({.index = row});
    }
    slots.push_back(slot);
  }
  FillSlots(static_cast<int64_t>(begin));
  return slots;
}

// Initialises the new slots from `begin` on: moments to zero, masters to the parameter.
void RowAdamW::FillSlots(int64_t begin) {
  const at::NoGradGuard no_grad;
  const auto end = static_cast<int64_t>(rows_.rows.size());
  while (begin < end) {
    const int64_t place = begin % kRowsAChunk, count = std::min(end - begin, kRowsAChunk - place);
    if (place == 0) {
      rows_.chunks.push_back(
          at::zeros({kRowsAChunk, tensors_, parameter().size(1)}, parameter().options().dtype(state_dtype_)));
    }
    if (tensors_ == 3) {
      std::vector<int64_t> indices;
      for (int64_t i = begin; i < begin + count; ++i) {
        indices.push_back(rows_.rows[static_cast<size_t>(i)].index);
      }
      const at::Tensor index = ops::UploadNumbers(indices, parameter().device());
      rows_.chunks.back().narrow(0, place, count).select(1, 0).copy_(rows_.parameter.index_select(0, index));
    }
    begin += count;
  }
}

void RowAdamW::CatchUp(const at::Tensor& ids) {
  const std::span<const int64_t> read = ops::HostValues<const int64_t>(ids);
  std::vector<int64_t> rows(read.begin(), read.end());
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  CatchUpRows(rows);
}

void RowAdamW::CatchUpAll() {
  std::vector<int64_t> rows(slot_of_row_.size());
  std::iota(rows.begin(), rows.end(), 0);
  CatchUpRows(rows);
}

// `rows` are distinct. Without weight decay, a row that never had a gradient is up to date already.
void RowAdamW::CatchUpRows(const std::vector<int64_t>& rows) {
  std::vector<int64_t> slots;
  if (rows_.options.weight_decay != 0) {
    slots = EnsureSlots(rows);
  } else {
    for (const int64_t row : rows) {
      const int64_t slot = slot_of_row_[static_cast<size_t>(row)];
      if (slot >= 0) slots.push_back(slot);
    }
  }
  ops::CatchUpRows(rows_, slots, rows_.step());
}

// The rows in which the gradient is stored, and its values there.
RowAdamW::Gradient RowAdamW::TakeGradient() const {
  const at::Tensor& grad = parameter().grad();
  if (!grad.is_sparse()) {
    Gradient all{.rows = std::vector<int64_t>(slot_of_row_.size()), .values = grad};
    std::iota(all.rows.begin(), all.rows.end(), 0);
    return all;
  }
  const at::Tensor sums = grad.coalesce();
  const at::Tensor indices = sums.indices().select(0, 0).to(ops::Host()).contiguous();
  const std::span<const int64_t> rows = ops::HostValues<const int64_t>(indices);
  return {.rows = {rows.begin(), rows.end()}, .values = sums.values()};
}

void RowAdamW::Step(double learning_rate, double grad_scale) {
  rows_.learning_rates.push_back(learning_rate);
  if (!parameter().grad().defined()) return;
  const Gradient gradient = TakeGradient();
  ops::StepRows(rows_, EnsureSlots(gradient.rows), gradient.values, grad_scale);
}

std::vector<NamedTensor> RowAdamW::State(const std::string& name) const {
  const auto count = static_cast<int64_t>(rows_.rows.size());
  std::vector<int64_t> places;
  for (const ops::AdamWRows::Row& row : rows_.rows) {
    places.insert(places.end(), {row.index, row.step, row.last_moving});
  }
  std::vector<NamedTensor> state = {
      {name + ".rows", at::tensor(places, at::kLong).view({count, 3})},
      {name + ".learning_rates", at::tensor(rows_.learning_rates, at::kDouble)}};
  for (size_t chunk = 0; chunk < rows_.chunks.size(); ++chunk) {
    state.push_back({fmt::format("{}.chunk.{}", name, chunk), Filled(chunk)});
  }
  return state;
}

// The part of a chunk that slots occupy.
at::Tensor RowAdamW::Filled(size_t chunk) const {
  const int64_t begin = static_cast<int64_t>(chunk) * kRowsAChunk;
  return rows_.chunks[chunk].narrow(0, 0,
                                    std::min(kRowsAChunk, static_cast<int64_t>(rows_.rows.size()) - begin));
}

void RowAdamW::SetState(const TensorFile& tensors, const std::string& name) {
  const at::NoGradGuard no_grad;
  const at::Tensor rates = tensors.Get(name + ".learning_rates", {-1}, at::kDouble),
                   places = tensors.Get(name + ".rows", {-1, 3}, at::kLong);
  const std::span<const double> rate = ops::HostValues<const double>(rates);
  const std::span<const int64_t> place = ops::HostValues<const int64_t>(places);
  rows_.learning_rates.assign(rate.begin(), rate.end());
  rows_.rows.clear();
  rows_.chunks.clear();
  std::fill(slot_of_row_.begin(), slot_of_row_.end(), -1);
  for (size_t i = 0; i < place.size(); i += 3) {
    const ops::AdamWRows::Row row{.index = place[i], .step = place[i + 1], .last_moving = place[i + 2]};
    const bool is_row = row.index >= 0 && row.index < parameter().size(0) && row.step >= 0 &&
                        row.step <= rates.numel() && slot_of_row_[static_cast<size_t>(row.index)] < 0;
    if (!is_row)
      tensors.Complain(name + ".rows", "names a row or a step that is not there, or one row twice");
    slot_of_row_[static_cast<size_t>(row.index)] = static_cast<int64_t>(rows_.rows.size());
    rows_.rows.push_back(row);
  }
  FillSlots(0);
  for (size_t chunk = 0; chunk < rows_.chunks.size(); ++chunk) {
    const at::Tensor filled = Filled(chunk);
    filled.copy_(tensors.Get(fmt::format("{}.chunk.{}", name, chunk), filled.sizes(), filled.scalar_type()));
  }
}

at::Tensor RowAdamW::GradientValues() const {
  const at::Tensor& grad = parameter().grad();
  return grad.is_sparse() ? grad.coalesce().values() : grad;
}

}  // namespace gemtune::train
