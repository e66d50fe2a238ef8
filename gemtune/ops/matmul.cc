#include "gemtune/ops/matmul.h"

#include <ATen/ATen.h>

#include "gemtune/base/error.h"
#include "gemtune/kernels/gemm.h"
#include "gemtune/kernels/int8_gemm.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {
namespace {

constexpr int64_t kFewRows = 64;

// Packing a weight for fewer rows costs more than it brings.
bool Fits(const at::Tensor& rows, const at::Tensor& other) {
  return HasKernels(rows) && rows.scalar_type() == other.scalar_type() && rows.size(0) >= kFewRows &&
         rows.stride(1) == 1 && other.stride(1) == 1;
}

bool UseGemm(const at::Tensor& rows, const at::Tensor& other) {
  return Fits(rows, other) && kernels::GemmIsFast(rows.scalar_type() == at::kBFloat16);
}

at::Tensor Int8Product(const at::Tensor& x, const kernels::Int8Weight& weight) {
  at::Tensor out = at::empty({x.size(0), weight.columns}, x.options());
  const auto rows = kernels::QuantizeRows(x.size(0), x.size(1), ConstFloatsOf(x), x.stride(0), weight.group);
  kernels::Int8Gemm(rows, weight, FloatsOf(out), weight.columns);
  return out;
}

kernels::GemmOperand Plain(const at::Tensor& x) {
  return {ConstFloatsOf(x), x.stride(0)};
}
kernels::GemmOperand Transposed(const at::Tensor& x) {
  return {ConstFloatsOf(x), x.stride(0), true};
}

at::Tensor Product(int64_t m, int64_t n, int64_t k, const kernels::GemmOperand& a,
                   const kernels::GemmOperand& b, const at::TensorOptions& options) {
  at::Tensor out = at::empty({m, n}, options);
  kernels::Gemm(m, n, k, a, b, FloatsOf(out), n);
  return out;
}

}  // namespace

at::Tensor LinearOutput(const at::Tensor& x, const at::Tensor& weight, MatmulDtype dtype) {
  GEMTUNE_CHECK(x.dim() == 2 && weight.dim() == 2 && x.size(1) == weight.size(1));
  if (dtype == MatmulDtype::kInt8 && Fits(x, weight)) {
    return Int8Product(x, kernels::QuantizeForOutput(weight.size(0), weight.size(1), ConstFloatsOf(weight),
                                                     weight.stride(0)));
  }
  if (!UseGemm(x, weight)) return at::mm(x, weight.t());
  return Product(x.size(0), weight.size(0), x.size(1), Plain(x), Transposed(weight), x.options());
}

at::Tensor LinearInputGradient(const at::Tensor& dy, const at::Tensor& weight, MatmulDtype dtype) {
  GEMTUNE_CHECK(dy.dim() == 2 && weight.dim() == 2 && dy.size(1) == weight.size(0));
  if (dtype == MatmulDtype::kInt8 && Fits(dy, weight)) {
    return Int8Product(dy, kernels::QuantizeForInputGradient(weight.size(0), weight.size(1),
                                                             ConstFloatsOf(weight), weight.stride(0)));
  }
  if (!UseGemm(dy, weight)) return at::mm(dy, weight);
  return Product(dy.size(0), weight.size(1), dy.size(1), Plain(dy), Plain(weight), dy.options());
}

at::Tensor LinearWeightGradient(const at::Tensor& dy, const at::Tensor& x) {
  GEMTUNE_CHECK(dy.dim() == 2 && x.dim() == 2 && dy.size(0) == x.size(0));
  if (!UseGemm(dy, x)) return at::mm(dy.t(), x);
  return Product(dy.size(1), x.size(1), dy.size(0), Transposed(dy), Plain(x), x.options());
}

}  // namespace gemtune::ops
