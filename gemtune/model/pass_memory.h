#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>

#include "gemtune/model/config.h"

namespace gemtune::model {

struct PassMemoryOptions {
  at::ScalarType dtype = at::kFloat;  // of the layers' results, kFloat or kBFloat16
  bool gradient_checkpointing = false;
  bool accumulates_gradients = false;  // those of the step's earlier passes exist already
  double lora_dropout = 0;
};

/// The most bytes of tensors that one forward and backward pass of a classifier needs at once, beside its
/// weights, for `tokens` in a batch of `sequences`: what layers keep for the way back, gradients, and what
/// the layer at work makes for itself (ops/*.cc; the kernels' own buffers not counted). `model` is named as
/// in a Hugging Face checkpoint, with requires_grad as it is to be trained; of its numbers nothing is read,
/// so it may be an outline on the device meta.
///
/// With e bytes a number (4 or 2), D hidden_size, I intermediate_size, Q and K the widths of q and k, a layer
/// keeps for a token
///   4·D       its input (fp32 in a bf16 model, too; with gradient checkpointing nothing else)
///   e·(Q+2K)  q, k, v;  e·Q + 4·heads  the attention's result and log-sum-exps
///   e·D + 4·D what attention gives and the sum with the residual stream;  e·2I  gate and up;  e·D  what the
///             MLP gives
///   e·r       h·Aᵀ of each adapter of rank r
/// and an adapter of DoRA with dropout, a composition of ATen calls, in the place of the last: a mask 4·in, h
/// e·in, h·Aᵀ e·r, the sum before the gain e·out; of down_proj besides 3·4·I for gelu instead of gate and up.
/// The last layer keeps its input and k, v for all tokens, the rest for one row a sequence. The layer at work
/// makes 3·e·I + e·D + 8·D (backwards d_gate_up, d_product, gradients of norm and residual stream; without
/// gradients gate, up, their product and results).
///
/// Backwards from the last layer to the lowest that is trained, what lies below is kept yet and the gradients
/// above are there: the most of these sums counts.
int64_t PassBytes(const torch::nn::Module& model, const Gemma3TextConfig& config, int64_t tokens,
                  int64_t sequences, const PassMemoryOptions& options);

/// The same for a pass without gradients.
int64_t InferencePassBytes(const Gemma3TextConfig& config, int64_t tokens, at::ScalarType dtype);

/// Bytes of the buffers that kernels allocate during a pass and free again: a packed weight (gate and up, the
/// largest) and the packed rows of a weight's gradient; in attention k, v, kᵀ and the fp32 gradients of k and
/// v.
int64_t KernelBytes(const Gemma3TextConfig& config, int64_t tokens, at::ScalarType dtype);

}  // namespace gemtune::model
