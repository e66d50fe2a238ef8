#include "gemtune/infer/frozen_states.h"

#include <ATen/ATen.h>

#include <memory>

#include "gemtune/base/error.h"
#include "gemtune/base/scratch_file.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::infer {
namespace {

at::Tensor Allocate(at::IntArrayRef shape, at::ScalarType type, const FrozenStatesOptions& options) {
  const int64_t bytes = shape[0] * shape[1] * static_cast<int64_t>(at::elementSize(type));
  if (bytes <= options.max_memory_bytes) return at::empty(shape, type);
  const auto file = std::make_shared<ScratchFile>(options.directory, bytes);
  return ops::HostView({file->data(), static_cast<size_t>(bytes)}, shape, type, file);
}

}  // namespace

FrozenStates::FrozenStates(model::SequenceClassifier& model, const data::Dataset& dataset,
                           const FrozenStatesOptions& options)
    : model_(model), dataset_(&dataset), stages_(model->trunk()->FrozenStages()), row_begin_{0} {
  GEMTUNE_CHECK(stages_ > 0);
  const bool one_row_each = stages_ > model->trunk()->config().num_hidden_layers;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    row_begin_.push_back(row_begin_.back() + (one_row_each ? 1 : dataset.length(i)));
  }
  model->eval();
  ForEachBatch(dataset, options.forward, [&](const data::PackedBatch& batch) {
    Keep(batch, model->StatesBefore(stages_, IdsOf(batch), batch.cu_seqlens), options);
  });
}

void FrozenStates::Keep(const data::PackedBatch& batch, const at::Tensor& states,
                        const FrozenStatesOptions& options) {
  if (!states_.defined())
    states_ = Allocate({row_begin_.back(), states.size(1)}, states.scalar_type(), options);
  int64_t begin = 0;
  for (const int64_t example : batch.examples) {
    const auto i = static_cast<size_t>(example);
    const int64_t rows = row_begin_[i + 1] - row_begin_[i];
    states_.narrow(0, row_begin_[i], rows).copy_(states.narrow(0, begin, rows));
    begin += rows;
  }
}

at::Tensor FrozenStates::Logits(const data::PackedBatch& batch) {
  std::vector<at::Tensor> parts;
  for (const int64_t example : batch.examples) {
    const auto i = static_cast<size_t>(example);
    parts.push_back(states_.narrow(0, row_begin_[i], row_begin_[i + 1] - row_begin_[i]));
  }
  return model_->FromStates(stages_, at::cat(parts), IdsOf(batch), batch.cu_seqlens);
}

}  // namespace gemtune::infer
