#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "gemtune/ops/block_rows.h"

namespace gemtune::ops {

/// What x·Wᵀ and dy·W compute with.
enum class MatmulDtype {
  kOperands,  // what the tensors are
  kInt8,      // both sides rounded to 8 bits, see kernels/int8_gemm.h; only where HasInt8Products()
};

/// Whether this processor has instructions for kInt8 (AVX512-VNNI and AVX512-BF16).
bool HasInt8Products();

/// Whether this processor multiplies bf16 numbers natively (AVX512-BF16); else they are widened first.
bool HasFastBFloat16();

/// W of a product: a tensor [out, in], or pieces [n_i, in] one under the other that stay in blocks. Those are
/// expanded a few rows at a time on the way into the product, or, where ATen or 8 bits multiply, as a whole
/// for that product.
struct MatmulWeight {
  MatmulWeight(at::Tensor numbers)  // NOLINT(google-explicit-constructor): the plain one
      : dense(std::move(numbers)) {}
  explicit MatmulWeight(std::vector<BlockRows> pieces) : blocks(std::move(pieces)) {}

  int64_t rows() const;
  int64_t columns() const;

  /// The dense one, whatever its dtype, or the blocks expanded to `dtype`.
  at::Tensor Numbers(at::ScalarType dtype) const;

  at::Tensor dense;  // undefined: it is in ...
  std::vector<BlockRows> blocks;
};

// The three matrix products of a linear layer y = x·Wᵀ, without autograd: what the ops with a gradient are
// made of. Kernels' where those are faster (kernels::GemmIsFast), else ATen's. x [rows, in], weight [out,
// in], dy [rows, out]; one dtype, which the result has too; rows may lie apart (a view of some columns).

/// A thin product of the same form, rows · weight or its transpose, that joins the sums of another before
/// they are rounded. Undefined: none. Never rounded to 8 bits.
struct AddedProduct {
  at::Tensor rows, weight;
};

/// x·Wᵀ [rows, out], plus added.rows [rows, r] · added.weightᵀ [r, out].
at::Tensor LinearOutput(const at::Tensor& x, const MatmulWeight& weight,
                        MatmulDtype dtype = MatmulDtype::kOperands, const AddedProduct& added = {});

/// dy·W [rows, in], plus added.rows [rows, r] · added.weight [r, in]: the gradient of x.
at::Tensor LinearInputGradient(const at::Tensor& dy, const MatmulWeight& weight,
                               MatmulDtype dtype = MatmulDtype::kOperands, const AddedProduct& added = {});

/// dyᵀ·x [out, in]: the gradient of the weight.
at::Tensor LinearWeightGradient(const at::Tensor& dy, const at::Tensor& x);

}  // namespace gemtune::ops
