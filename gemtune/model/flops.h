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

/// What a pass cannot do without, as Chowdhery et al. 2022 (PaLM, appendix B) count it for model FLOPs
/// utilisation: 6 a weight and token where all is trained. Counted are
///  - rows: all tokens, in the last layer only what `layout` selects (its keys and values: all);
///  - weight gradients of weights with requires_grad, and input gradients where something below is trained;
///  - pairs of query and key that the mask lets through (causal, sliding window, sequence by sequence).
/// Not counted are what is computed again on the way back, and the embedding, which multiplies nothing.
/// `model` has parameters named as in a Hugging Face checkpoint (layers.0.self_attn.q_proj.weight).
PassFlops CountFlops(const torch::nn::Module& model, const Gemma3TextConfig& config,
                     const ops::PackedLayout& layout);

}  // namespace gemtune::model
