#include <algorithm>
#include <cmath>

#include "gemtune/base/error.h"
#include "gemtune/ops/adamw_kernel.h"
#include "gemtune/ops/cuda.h"
#include "gemtune/ops/cuda_kernels.h"

namespace gemtune::ops::cuda {
namespace {

using kernels::cuda::AdamWPaceConstants;
using kernels::cuda::Kernels;

kernels::AdamWStepOptions OptionsAt(const AdamWRows& rows, int64_t step, double grad_scale = 1) {
  return cpu::KernelOptions(rows.options,
                            {.learning_rate = rows.learning_rates[static_cast<size_t>(step - 1)],
                             .grad_scale = grad_scale,
                             .step = step});
}

// Appends the steps that the card does not know yet.
void KeepPaces(AdamWRows& rows) {
  const int64_t steps = rows.step();
  if (rows.num_paces > steps) rows.num_paces = 0;  // another run's
  if (rows.num_paces == steps) return;
  std::vector<AdamWPaceConstants> fresh;
  for (int64_t step = rows.num_paces + 1; step <= steps; ++step)
    fresh.push_back(kernels::cuda::PaceConstants(OptionsAt(rows, step)));
  constexpr auto kBytes = static_cast<int64_t>(sizeof(AdamWPaceConstants));
  const Device device = rows.parameter.device();
  if (!rows.paces.defined() || rows.paces.numel() < steps * kBytes) {
    const at::Tensor grown = at::empty({2 * steps * kBytes}, at::TensorOptions(at::kByte).device(device));
    const int64_t known = rows.num_paces * kBytes;
    if (known > 0) grown.narrow(0, 0, known).copy_(rows.paces.narrow(0, 0, known));
    rows.paces = grown;
  }
  rows.paces.narrow(0, rows.num_paces * kBytes, std::ssize(fresh) * kBytes)
      .copy_(UploadStructs(fresh, device));
  rows.num_paces = steps;
}

// What is to be done to bring the row in this slot from its last step to `step`.
kernels::cuda::AdamWRow MissedSteps(AdamWRows& rows, int64_t slot, int64_t step) {
  const AdamWRows::Row& row = rows.rows[static_cast<size_t>(slot)];
  const at::Tensor& chunk = rows.chunks[static_cast<size_t>(slot / kRowsAChunk)];
  return {.index = row.index,
          .state = chunk.data_ptr<float>() + slot % kRowsAChunk * chunk.stride(0),
          .first_step = row.step + 1,
          .last_moving = std::min(step, row.last_moving),
          .last_step = step,
          .rest_decay = 1,
          .rests = false};
}

void Run(AdamWRows& rows, const std::vector<kernels::cuda::AdamWRow>& list, const kernels::ConstFloats* grads,
         const kernels::AdamWStepOptions& options) {
  if (list.empty()) return;
  KeepPaces(rows);
  const at::Tensor uploaded = UploadStructs(list, rows.parameter.device());
  Call(&Kernels::AdamWRows, std::ssize(list), rows.parameter.size(1), FloatsOf(rows.parameter),
       StructsOf<kernels::cuda::AdamWRow>(uploaded),
       rows.paces.defined() ? StructsOf<AdamWPaceConstants>(rows.paces) : nullptr, grads, options);
}

}  // namespace

void CatchUpRows(AdamWRows& rows, std::span<const int64_t> slots, int64_t step) {
  std::vector<kernels::cuda::AdamWRow> list;
  for (const int64_t slot : slots) {
    AdamWRows::Row& row = rows.rows[static_cast<size_t>(slot)];
    if (row.step >= step) continue;
    // A row that no longer moves and does not decay stays as it is.
    if (row.step < row.last_moving || rows.options.weight_decay != 0)
      list.push_back(MissedSteps(rows, slot, step));
    row.step = step;
  }
  if (!list.empty()) Run(rows, list, nullptr, OptionsAt(rows, step));
}

void StepRows(AdamWRows& rows, std::span<const int64_t> slots, const at::Tensor& grads, double grad_scale) {
  const int64_t step = rows.step();
  std::vector<kernels::cuda::AdamWRow> list;
  for (const int64_t slot : slots) {
    AdamWRows::Row& row = rows.rows[static_cast<size_t>(slot)];
    kernels::cuda::AdamWRow item = MissedSteps(rows, slot, step - 1);
    const int64_t still_steps = step - 1 - row.last_moving;
    if (still_steps > 0) {
      item.rests = true;
      item.rest_decay = static_cast<float>(std::pow(rows.options.beta2, static_cast<double>(still_steps)));
    }
    list.push_back(item);
    row.step = step;
    row.last_moving = step + rows.moving_steps;
  }
  const kernels::ConstFloats values = ConstFloatsOf(grads);
  Run(rows, list, &values, OptionsAt(rows, step, grad_scale));
}

}  // namespace gemtune::ops::cuda
