#include "gemtune/ops/row_adamw_step.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <tuple>

#include "gemtune/base/error.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/cuda.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {
namespace {

// Rows of one chunk in the same state, which all need the same steps.
struct Group {
  AdamWRows::Row like;           // any of them
  std::vector<int64_t> members;  // places in the list of slots
  AdamWTensors tensors;          // [members, dim], copies
};

// Calls body for each group, and copies the group's changed tensors back into rows.
template <typename Body>
void ForEachGroup(AdamWRows& rows, std::span<const int64_t> slots, Body&& body) {
  const at::NoGradGuard no_grad;
  std::map<std::tuple<int64_t, int64_t, int64_t>, std::vector<int64_t>> groups;
  for (size_t i = 0; i < slots.size(); ++i) {
    const AdamWRows::Row& row = rows.rows[static_cast<size_t>(slots[i])];
    groups[{slots[i] / kRowsAChunk, row.step, row.last_moving}].push_back(static_cast<int64_t>(i));
  }
  for (auto& [key, members] : groups) {
    std::vector<int64_t> places, indices;
    for (const int64_t i : members) {
      const int64_t slot = slots[static_cast<size_t>(i)];
      places.push_back(slot % kRowsAChunk);
      indices.push_back(rows.rows[static_cast<size_t>(slot)].index);
    }
    const auto on_device = [&](const std::vector<int64_t>& numbers) {
      return at::tensor(numbers, at::kLong).to(rows.parameter.device());
    };
    const at::Tensor place = on_device(places), index = on_device(indices);
    at::Tensor& chunk = rows.chunks[static_cast<size_t>(std::get<0>(key))];
    const at::Tensor state = chunk.index_select(0, place);
    Group group{.like = rows.rows[static_cast<size_t>(slots[static_cast<size_t>(members.front())])],
                .members = std::move(members)};
    AdamWTensors& tensors = group.tensors;
    tensors.parameter = rows.parameter.index_select(0, index);
    tensors.master = state.size(1) == 3 ? state.select(1, 0) : tensors.parameter;
    tensors.exp_avg = state.select(1, -2);
    tensors.exp_avg_sq = state.select(1, -1);
    body(group);
    chunk.index_copy_(0, place, state);
    rows.parameter.index_copy_(0, index, tensors.parameter);
  }
}

AdamWPace PaceOf(const AdamWRows& rows, int64_t step) {
  return {.learning_rate = rows.learning_rates[static_cast<size_t>(step - 1)], .step = step};
}

void CatchUpByAten(AdamWRows& rows, std::span<const int64_t> all_slots, int64_t step) {
  std::vector<int64_t> slots;
  std::copy_if(all_slots.begin(), all_slots.end(), std::back_inserter(slots),
               [&](int64_t slot) { return rows.rows[static_cast<size_t>(slot)].step < step; });
  ForEachGroup(rows, slots, [&](Group& group) {
    const at::Tensor none = at::zeros_like(group.tensors.exp_avg);
    int64_t s = group.like.step + 1;
    for (; s <= std::min(step, group.like.last_moving); ++s) {
      AdamWStepByAten(group.tensors, none, rows.options, PaceOf(rows, s));
    }
    if (rows.options.weight_decay != 0) {
      for (; s <= step; ++s) {
        group.tensors.master.mul_(1 - PaceOf(rows, s).learning_rate * rows.options.weight_decay);
      }
    }
    group.tensors.parameter.copy_(group.tensors.master);
    for (const int64_t i : group.members) {
      rows.rows[static_cast<size_t>(slots[static_cast<size_t>(i)])].step = step;
    }
  });
}

void StepByAten(AdamWRows& rows, std::span<const int64_t> slots, const at::Tensor& grads, double grad_scale) {
  const int64_t step = rows.step();
  CatchUpByAten(rows, slots, step - 1);
  AdamWPace pace = PaceOf(rows, step);
  pace.grad_scale = grad_scale;
  ForEachGroup(rows, slots, [&](Group& group) {
    const int64_t still_steps = step - 1 - group.like.last_moving;
    if (still_steps > 0) {
      group.tensors.exp_avg.zero_();
      group.tensors.exp_avg_sq.mul_(std::pow(rows.options.beta2, static_cast<double>(still_steps)));
    }
    const at::Tensor members = at::tensor(group.members, at::kLong).to(grads.device());
    AdamWStepByAten(group.tensors, grads.index_select(0, members), rows.options, pace);
    for (const int64_t i : group.members) {
      AdamWRows::Row& row = rows.rows[static_cast<size_t>(slots[static_cast<size_t>(i)])];
      row.step = step;
      row.last_moving = step + rows.moving_steps;
    }
  });
}

}  // namespace

void CatchUpRows(AdamWRows& rows, std::span<const int64_t> slots, int64_t step) {
  GEMTUNE_CHECK(step <= rows.step());
  if (!HasKernels(rows.parameter)) return CatchUpByAten(rows, slots, step);
  Choose(rows.parameter, cpu::CatchUpRows, cuda::CatchUpRows)(rows, slots, step);
}

void StepRows(AdamWRows& rows, std::span<const int64_t> slots, const at::Tensor& grads, double grad_scale) {
  GEMTUNE_CHECK(grads.dim() == 2 && grads.size(0) == static_cast<int64_t>(slots.size()) &&
                grads.size(1) == rows.parameter.size(1));
  if (!HasKernels(rows.parameter)) return StepByAten(rows, slots, grads, grad_scale);
  Choose(rows.parameter, cpu::StepRows, cuda::StepRows)(rows, slots, grads.contiguous(), grad_scale);
}

}  // namespace gemtune::ops
