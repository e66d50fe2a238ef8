#include "gemtune/infer/frozen_states.h"

#include <ATen/ATen.h>

#include <memory>

#include "gemtune/base/error.h"
#include "gemtune/base/scratch_file.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::infer {
namespace {

at::Tensor Allocate(at::IntArrayRef shape, const at::Tensor& like, const FrozenStatesOptions& options) {
  const at::ScalarType type = like.scalar_type();
  const int64_t bytes = shape[0] * shape[1] * static_cast<int64_t>(at::elementSize(type));
  const bool fits_there = !ops::IsOnHost(like) && bytes <= ops::InfoOf(like.device()).free_bytes / 2;
  if (fits_there) return at::empty(shape, like.options());
  if (bytes <= options.max_memory_bytes) return at::empty(shape, type);
  const auto file = std::make_shared<ScratchFile>(options.directory, bytes);
  return ops::HostView({file->data(), static_cast<size_t>(bytes)}, shape, type, file);
}

}  // namespace

FrozenStates::FrozenStates(const data::Dataset& dataset, const std::vector<int64_t>& rows,
                           const std::function<at::Tensor(const data::PackedBatch& batch)>& compute,
                           const FrozenStatesOptions& options)
    : dataset_(&dataset), row_begin_{0} {
  for (const int64_t count : rows) row_begin_.push_back(row_begin_.back() + count);
  ForEachBatch(dataset, options.forward,
               [&](const data::PackedBatch& batch) { Keep(batch, compute(batch), options); });
}

void FrozenStates::Keep(const data::PackedBatch& batch, const at::Tensor& states,
                        const FrozenStatesOptions& options) {
  if (!states_.defined()) states_ = Allocate({row_begin_.back(), states.size(1)}, states, options);
  int64_t begin = 0;
  for (const int64_t example : batch.examples) {
    const auto i = static_cast<size_t>(example);
    const int64_t rows = row_begin_[i + 1] - row_begin_[i];
    states_.narrow(0, row_begin_[i], rows).copy_(states.narrow(0, begin, rows));
    begin += rows;
  }
}

at::Tensor FrozenStates::States(const data::PackedBatch& batch) const {
  std::vector<at::Tensor> parts;
  for (const int64_t example : batch.examples) {
    const auto i = static_cast<size_t>(example);
    parts.push_back(states_.narrow(0, row_begin_[i], row_begin_[i + 1] - row_begin_[i]));
  }
  return at::cat(parts);
}

}  // namespace gemtune::infer
