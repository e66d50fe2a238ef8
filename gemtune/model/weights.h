#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "gemtune/io/checkpoint.h"
#include "gemtune/io/safetensors.h"
#include "gemtune/model/heads.h"
#include "gemtune/model/load_options.h"
#include "gemtune/model/source.h"

namespace gemtune::model {

/// The model without numbers (ops::Nowhere), held as `options` asks but for the device. Throws Error if a
/// tensor of the trunk is missing or of another shape than the configuration asks for, or cannot be held as
/// the options ask: before anything is allocated for it.
SequenceClassifier Outline(const ModelSource& source, int64_t num_labels, const LoadOptions& options = {});

/// Throws Error if the tensor of a parameter is missing or of another shape.
void CheckTensor(const io::Checkpoint& checkpoint, const std::string& name, at::IntArrayRef shape);

/// Fills `parameter`, fp32 or bf16 on any device, from the checkpoint's tensor of that name, converted. What
/// lies on the host is read in place, anything else through a copy there. Throws Error as CheckTensor.
void LoadTensor(const io::Checkpoint& checkpoint, const std::string& name, const at::Tensor& parameter);

/// LoadTensor for every parameter of `module` but blocks, from the tensor called `prefix` + its name.
void LoadParameters(const io::Checkpoint& checkpoint, const torch::nn::Module& module,
                    const std::string& prefix);

/// Writes model.safetensors (above `max_shard_bytes` in shards) with every parameter of `module` under its
/// name and in its dtype.
void SaveParameters(const torch::nn::Module& module, const std::filesystem::path& directory,
                    int64_t max_shard_bytes = io::kMaxShardBytes);

/// `tensor`, contiguous on the host, as the files of io take it: a view that must not outlive it.
io::TensorView ViewForFile(const at::Tensor& tensor);

}  // namespace gemtune::model
