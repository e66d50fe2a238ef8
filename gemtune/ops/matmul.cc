#include "gemtune/ops/matmul.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>
#include <optional>

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

kernels::GemmOperand Plain(const at::Tensor& x) {
  return {ConstFloatsOf(x), x.stride(0)};
}
kernels::GemmOperand Transposed(const at::Tensor& x) {
  return {ConstFloatsOf(x), x.stride(0), true};
}

using WeightOperand = kernels::GemmOperand (*)(const at::Tensor& weight);

// `as_b` is how the weight is B: Transposed for an output, Plain for a gradient.
std::optional<kernels::GemmTerm> TermOf(const AddedProduct& added, WeightOperand as_b) {
  if (!added.rows.defined()) return std::nullopt;
  return kernels::GemmTerm{added.rows.size(1), Plain(added.rows), as_b(added.weight)};
}

AddedProduct InBFloat16(const AddedProduct& added) {
  if (!added.rows.defined()) return {};
  return {added.rows.to(at::kBFloat16), added.weight.to(at::kBFloat16)};
}

at::Tensor Int8Product(const at::Tensor& x, const kernels::Int8Weight& weight, const AddedProduct& added,
                       WeightOperand as_b) {
  at::Tensor out = at::empty({x.size(0), weight.columns}, x.options());
  const AddedProduct in_bf16 = InBFloat16(added);
  const auto term = TermOf(in_bf16, as_b);
  const auto rows = kernels::QuantizeRows(x.size(0), x.size(1), ConstFloatsOf(x), x.stride(0), weight.group);
  kernels::Int8Gemm(rows, weight, FloatsOf(out), weight.columns, term ? &*term : nullptr);
  return out;
}

at::Tensor Product(int64_t m, int64_t n, int64_t k, const kernels::GemmOperand& a,
                   const kernels::GemmOperand& b, const at::TensorOptions& options,
                   const std::optional<kernels::GemmTerm>& added = std::nullopt) {
  at::Tensor out = at::empty({m, n}, options);
  kernels::Gemm(m, n, k, a, b, FloatsOf(out), n, added ? &*added : nullptr);
  return out;
}

// The product by our own engine, which blocks are expanded for piece by piece.
bool UseBlocks(const at::Tensor& rows, const MatmulWeight& weight, MatmulDtype dtype) {
  return !weight.blocks.empty() && dtype == MatmulDtype::kOperands && UseGemm(rows, rows);
}

at::Tensor BlockProduct(const at::Tensor& rows, const MatmulWeight& weight, bool transposed,
                        const std::optional<kernels::GemmTerm>& added) {
  std::vector<kernels::BlockMatrix> pieces;
  for (const BlockRows& piece : weight.blocks) pieces.push_back(piece.matrix());
  const int64_t n = transposed ? weight.rows() : weight.columns();
  at::Tensor out = at::empty({rows.size(0), n}, rows.options());
  kernels::Gemm(rows.size(0), Plain(rows), {.pieces = pieces, .transposed = transposed}, FloatsOf(out), n,
                added ? &*added : nullptr);
  return out;
}

// x·B by ATen.
at::Tensor ProductByAten(const at::Tensor& x, const at::Tensor& b, const AddedProduct& added,
                         const at::Tensor& added_b) {
  at::Tensor out = at::mm(x, b);
  return added.rows.defined() ? out.addmm_(added.rows, added_b) : out;
}

}  // namespace

bool HasInt8Products() {
  return kernels::HaveInt8Gemm();
}

bool HasFastBFloat16() {
  return kernels::HaveAvx512Bf16();
}

int64_t MatmulWeight::rows() const {
  if (dense.defined()) return dense.size(0);
  return std::accumulate(blocks.begin(), blocks.end(), int64_t{0},
                         [](int64_t sum, const BlockRows& piece) { return sum + piece.rows(); });
}

int64_t MatmulWeight::columns() const {
  return dense.defined() ? dense.size(1) : blocks.front().columns();
}

at::Tensor MatmulWeight::Numbers(at::ScalarType dtype) const {
  return dense.defined() ? dense : Expand(blocks, dtype);
}

at::Tensor LinearOutput(const at::Tensor& x, const MatmulWeight& w, MatmulDtype dtype,
                        const AddedProduct& added) {
  GEMTUNE_CHECK(x.dim() == 2 && x.size(1) == w.columns());
  if (UseBlocks(x, w, dtype)) return BlockProduct(x, w, /*transposed=*/true, TermOf(added, Transposed));
  const at::Tensor weight = w.Numbers(x.scalar_type());
  if (dtype == MatmulDtype::kInt8 && Fits(x, weight)) {
    return Int8Product(
        x,
        kernels::QuantizeForOutput(weight.size(0), weight.size(1), ConstFloatsOf(weight), weight.stride(0)),
        added, Transposed);
  }
  if (!UseGemm(x, weight)) {
    return ProductByAten(x, weight.t(), added, added.rows.defined() ? added.weight.t() : at::Tensor());
  }
  return Product(x.size(0), weight.size(0), x.size(1), Plain(x), Transposed(weight), x.options(),
                 TermOf(added, Transposed));
}

at::Tensor LinearInputGradient(const at::Tensor& dy, const MatmulWeight& w, MatmulDtype dtype,
                               const AddedProduct& added) {
  GEMTUNE_CHECK(dy.dim() == 2 && dy.size(1) == w.rows());
  if (UseBlocks(dy, w, dtype)) return BlockProduct(dy, w, /*transposed=*/false, TermOf(added, Plain));
  const at::Tensor weight = w.Numbers(dy.scalar_type());
  if (dtype == MatmulDtype::kInt8 && Fits(dy, weight)) {
    return Int8Product(dy,
                       kernels::QuantizeForInputGradient(weight.size(0), weight.size(1),
                                                         ConstFloatsOf(weight), weight.stride(0)),
                       added, Plain);
  }
  if (!UseGemm(dy, weight)) return ProductByAten(dy, weight, added, added.weight);
  return Product(dy.size(0), weight.size(1), dy.size(1), Plain(dy), Plain(weight), dy.options(),
                 TermOf(added, Plain));
}

at::Tensor LinearWeightGradient(const at::Tensor& dy, const at::Tensor& x) {
  GEMTUNE_CHECK(dy.dim() == 2 && x.dim() == 2 && dy.size(0) == x.size(0));
  if (!UseGemm(dy, x)) return at::mm(dy.t(), x);
  // The kernel goes over rows of the result: few of them would leave threads without work.
  if (dy.size(1) < std::min(kFewRows, x.size(1))) return LinearWeightGradient(x, dy).t().contiguous();
  return Product(dy.size(1), x.size(1), dy.size(0), Transposed(dy), Plain(x), x.options());
}

}  // namespace gemtune::ops
