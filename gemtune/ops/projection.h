#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "gemtune/ops/dropout.h"
#include "gemtune/ops/matmul.h"

namespace gemtune::ops {

/// An adapter of a projection x·Wᵀ, which with h = dropout(x) becomes
///   LoRA (Hu et al. 2021):  x·Wᵀ + s·(h·Aᵀ)·Bᵀ
///   DoRA (Liu et al. 2024): (x − h)·Wᵀ + g ∘ (h·Wᵀ + s·(h·Aᵀ)·Bᵀ), with g = m / ‖W + s·B·A‖
/// as in peft's lora.Linear and DoraLinearVariant. W is used only in products.
struct LowRank {
  at::Tensor
      a;  // [r, in]; cast to x's dtype for the products; the gradient has a's dtype. Undefined: no adapter
  at::Tensor b;              // [out, r]; likewise
  at::Tensor gain;           // g [out]; undefined: LoRA
  double scaling = 1.0;      // s
  double dropout = 0.0;      // in [0, 1); see ops::Dropout
  uint64_t dropout_key = 0;  // of the mask
};

/// y = x·weightᵀ, with an adapter if there is one.
struct Projection {
  Projection(at::Tensor w) : weight(std::move(w)) {}  // NOLINT(google-explicit-constructor): the usual case
  Projection(at::Tensor w, LowRank term) : weight(std::move(w)), low_rank(std::move(term)) {}

  /// W in the form that products take.
  MatmulWeight matmul_weight() const;

  at::Tensor weight;                    // [out, in]
  std::optional<BlockType> block_type;  // if set, weight holds the bytes of BlockRows
  LowRank low_rank;
  MatmulDtype matmul_dtype = MatmulDtype::kOperands;  // the same for all projections of a group
};

/// x [rows, in] → [rows, out], in one dtype. Keeps x. Differentiable in x, in the weight unless it is in
/// blocks, and in A, B and the gain.
at::Tensor Project(const at::Tensor& x, const Projection& projection);

/// The same as a composition of ATen calls, for any dtype and device; keeps more tensors.
at::Tensor ProjectByAten(const at::Tensor& x, const Projection& projection);

/// Whether the fused ops can compute these. DoRA with dropout cannot be fused, since it multiplies by W
/// twice; ProjectByAten computes it.
bool CanFuse(const std::vector<Projection>& projections);

}  // namespace gemtune::ops
