#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "gemtune/ops/block_rows.h"

namespace gemtune::ops {

/// The number format in which x·Wᵀ and dy·W are computed.
enum class MatmulDtype {
  kOperands,  // the tensors' own dtype
  kInt8,      // both sides rounded to 8 bits, see kernels/int8_gemm.h; only where HasInt8Products()
};

/// Whether this processor has instructions for kInt8 (AVX512-VNNI or AVX-VNNI).
bool HasInt8Products();

/// Whether products of tensors of this dtype on the processor are gemtune's own, or the library's under
/// LibTorch (kernels::GemmIsFast).
bool ProductsAreOwn(at::ScalarType dtype);

/// The weight W of a product: a tensor [out, in], or vertically stacked pieces [n_i, in] in blocks. Blocks
/// are expanded a few rows at a time during the product, or as a whole if ATen or the 8-bit kernel
/// multiplies.
struct MatmulWeight {
  MatmulWeight(at::Tensor numbers)  // NOLINT(google-explicit-constructor): the usual case
      : dense(std::move(numbers)) {}
  explicit MatmulWeight(std::vector<BlockRows> pieces) : blocks(std::move(pieces)) {}

  int64_t rows() const;
  int64_t columns() const;

  /// The dense tensor in its own dtype, or the blocks expanded to `dtype`.
  at::Tensor Numbers(at::ScalarType dtype) const;

  at::Tensor dense;  // undefined: the weight is in ...
  std::vector<BlockRows> blocks;
};

// The three matrix products of a linear layer y = x·Wᵀ, without autograd; differentiable ops are built from
// them. On a processor that does not multiply bf16, such operands are widened to fp32 and the result is
// rounded once. They use kernels if those are faster (kernels::GemmIsFast), else ATen. x [rows, in], weight
// [out, in], dy [rows, out]; all of one dtype, which the result has too. Rows need not be adjacent (a view of
// some columns).

/// A thin product, rows · weight or its transpose, that is added to the sums of another product before they
/// are rounded. Undefined: none. Never rounded to 8 bits.
struct AddedProduct {
  at::Tensor rows, weight;
};

/// In inference mode (c10::InferenceMode), few rows are multiplied as fast as W can be read from memory, by
/// blocks' own numbers, not rounded to x's dtype, and a row's result does not depend on the other rows;
/// kernels/gemv.h. Elsewhere W is for x what it is for its gradient. x·Wᵀ [rows, out], plus added.rows [rows,
/// r] · added.weightᵀ [r, out].
at::Tensor LinearOutput(const at::Tensor& x, const MatmulWeight& weight,
                        MatmulDtype dtype = MatmulDtype::kOperands, const AddedProduct& added = {});

/// dy·W [rows, in], plus added.rows [rows, r] · added.weight [r, in]: the gradient of x.
at::Tensor LinearInputGradient(const at::Tensor& dy, const MatmulWeight& weight,
                               MatmulDtype dtype = MatmulDtype::kOperands, const AddedProduct& added = {});

/// dyᵀ·x [out, in]: the gradient of the weight.
at::Tensor LinearWeightGradient(const at::Tensor& dy, const at::Tensor& x);

}  // namespace gemtune::ops
