#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "gemtune/io/checkpoint.h"
#include "gemtune/io/safetensors.h"
#include "gemtune/model/causal_lm.h"
#include "gemtune/model/heads.h"
#include "gemtune/model/load_options.h"
#include "gemtune/model/source.h"

namespace gemtune::model {

/// The model without weights (on ops::Nowhere), in the formats that `options` asks for. Throws Error, before
/// anything is allocated, if a tensor of the trunk is missing, has a shape that does not fit the
/// configuration, or cannot be held as the options ask.
SequenceClassifier Outline(const ModelSource& source, int64_t num_labels, const LoadOptions& options = {});

/// The same as a language model. Throws Error also if the checkpoint has a head that is not its embedding
/// (tie_word_embeddings false).
CausalLm OutlineCausalLm(const ModelSource& source, const LoadOptions& options = {});

/// Throws Error if a parameter's tensor is missing or has another shape.
void CheckTensor(const io::Checkpoint& checkpoint, const std::string& name, at::IntArrayRef shape);

/// Fills `parameter`, fp32 or bf16 on any device, with the checkpoint's tensor of that name, converted. A
/// parameter on the host is filled in place, any other through a copy on the host. Throws Error as
/// CheckTensor does.
void LoadTensor(const io::Checkpoint& checkpoint, const std::string& name, const at::Tensor& parameter);

/// Calls LoadTensor for every parameter of `module` except blocks, with `prefix` + its name as the tensor's
/// name.
void LoadParameters(const io::Checkpoint& checkpoint, const torch::nn::Module& module,
                    const std::string& prefix);

/// Writes model.safetensors (above `max_shard_bytes` in shards) with every parameter of `module` under its
/// name and in its dtype.
void SaveParameters(const torch::nn::Module& module, const std::filesystem::path& directory,
                    int64_t max_shard_bytes = io::kMaxShardBytes);

/// A view of `tensor`, contiguous on the host, for the writers in io. The view must not outlive the tensor.
io::TensorView ViewForFile(const at::Tensor& tensor);

}  // namespace gemtune::model
