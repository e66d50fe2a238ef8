#pragma once

#include <torch/nn/module.h>

#include <cstdint>

#include "gemtune/model/config.h"
#include "gemtune/ops/packed_layout.h"

namespace gemtune::model {

/// Floating-point operations of the matrix products and the attention in one forward and backward pass. A
/// multiplication and an addition count as two. Everything else is less than a hundredth of these.
struct PassFlops {
  int64_t forward = 0;          // rows · weights
  int64_t input_gradient = 0;   // output gradients · weights
  int64_t weight_gradient = 0;  // output gradients · rows
  int64_t attention = 0;        // scores, values and, if needed, their gradients

  int64_t total() const { return forward + input_gradient + weight_gradient + attention; }

  PassFlops& operator+=(const PassFlops& other) {
    forward += other.forward;
    input_gradient += other.input_gradient;
    weight_gradient += other.weight_gradient;
    attention += other.attention;
    return *this;
  }
};

/// The operations that a pass requires, counted as in Chowdhery et al. 2022 (PaLM, appendix B) for model
/// FLOPs utilisation: 6 per weight and token if everything is trained. Counted are
///  - rows: all tokens; in the last layer only those that `layout` selects (all for keys and values);
///  - weight gradients of weights with requires_grad, and input gradients if something below is trained;
///  - pairs of query and key that the mask lets through (causal, sliding window, sequence by sequence).
/// Recomputation in the backward pass is not counted, nor is the embedding, which needs no product. `model`
/// has parameters named as in a Hugging Face checkpoint (layers.0.self_attn.q_proj.weight).
PassFlops CountFlops(const torch::nn::Module& model, const Gemma3TextConfig& config,
                     const ops::PackedLayout& layout);

}  // namespace gemtune::model
