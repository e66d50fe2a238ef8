#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>

#include "gemtune/model/config.h"

namespace gemtune::model {

struct PassMemoryOptions {
  at::ScalarType dtype = at::kFloat;  // of the layers' results, kFloat or kBFloat16
  bool has_vocabulary_head = false;   // the loss is ops::LinearCrossEntropySum over the embedding
  bool gradient_checkpointing = false;
  bool accumulates_gradients = false;  // those of the step's earlier passes exist already
  double lora_dropout = 0;
};

/// The peak bytes of tensors, besides the weights, in one forward and backward pass for `tokens` tokens, of
/// which `rows` go through the last layer's queries and the head (a classifier's: one a sequence): what
/// layers keep for the backward pass, gradients, and the temporary tensors of the current layer (ops/*.cc;
/// without the kernels' own buffers). `model` has parameters named as in a Hugging Face checkpoint and
/// requires_grad set as for training. Its numbers are not read, so it may be on the meta device.
///
/// With e bytes per number (4 or 2), D hidden_size, I intermediate_size, Q and K the widths of q and k, a
/// layer keeps for each token
///   4·D       its input (fp32 even in a bf16 model; with gradient checkpointing nothing else)
///   e·(Q+2K)  q, k, v;  e·Q + 4·heads  the attention's result and log-sum-exps
///   e·D + 4·D attention's output and its sum with the residual stream; e·2I gate and up; e·D the
///             MLP's output
///   e·r       h·Aᵀ of each adapter of rank r
/// An adapter of DoRA with dropout, a composition of ATen calls, keeps instead of the last line: a mask 4·in,
/// h e·in, h·Aᵀ e·r, the sum before the gain e·out; for down_proj also 3·4·I for gelu instead of gate and up.
/// The last layer keeps its input and k, v for all tokens, and the rest for `rows`. The current
/// layer's temporary tensors take 3·e·I + e·D + 8·D (backward: d_gate_up, d_product, gradients of norm and
/// residual stream; without gradients: gate, up, their product and results).
///
/// While the backward pass goes from the last layer to the lowest trained one, the layers below still keep
/// their tensors and the gradients above exist already; the result is the largest of these sums.
int64_t PassBytes(const torch::nn::Module& model, const Gemma3TextConfig& config, int64_t tokens,
                  int64_t rows, const PassMemoryOptions& options);

/// The logits of as many of `rows` rows as ops::LinearCrossEntropySum holds at once.
int64_t VocabularyHeadBytes(const Gemma3TextConfig& config, int64_t rows, at::ScalarType dtype);

/// The same for a pass without gradients.
int64_t InferencePassBytes(const Gemma3TextConfig& config, int64_t tokens, at::ScalarType dtype);

/// Bytes of the buffers that kernels allocate during a pass and free again: a packed weight (gate and up, the
/// largest) and the packed rows of a weight's gradient; in attention k, v, kᵀ and the fp32 gradients of k and
/// v.
int64_t KernelBytes(const Gemma3TextConfig& config, int64_t tokens, at::ScalarType dtype);

/// The same on a card: what FlashAttention-2's backward pass takes for a batch of `tokens` tokens, the
/// gradient of q in fp32 and those of k and v for each query head, and the rotated q and k and their
/// gradients.
int64_t CardKernelBytes(const Gemma3TextConfig& config, int64_t tokens, at::ScalarType dtype);

}  // namespace gemtune::model
