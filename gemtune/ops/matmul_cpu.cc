#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <optional>

#include "gemtune/kernels/gemm.h"
#include "gemtune/kernels/gemv.h"
#include "gemtune/kernels/int8_gemm.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops::cpu {
namespace {

constexpr int64_t kFewRows = 64;

// With fewer rows, packing the weight costs more than it saves.
bool Fits(const at::Tensor& rows) {
  return HasKernels(rows) && rows.size(0) >= kFewRows && rows.stride(1) == 1;
}
bool Fits(const at::Tensor& rows, const at::Tensor& other) {
  return Fits(rows) && rows.scalar_type() == other.scalar_type() && other.stride(1) == 1;
}
bool Fits(const at::Tensor& rows, const MatmulWeight& weight) {
  return weight.dense.defined() ? Fits(rows, weight.dense) : Fits(rows);
}

kernels::GemmOperand Plain(const at::Tensor& x) {
  return {ConstFloatsOf(x), x.stride(0)};
}
kernels::GemmOperand Transposed(const at::Tensor& x) {
  return {ConstFloatsOf(x), x.stride(0), true};
}

using WeightOperand = kernels::GemmOperand (*)(const at::Tensor& weight);

// `as_b` says how the weight is used as B: Transposed for an output, Plain for a gradient.
std::optional<kernels::GemmTerm> TermOf(const AddedProduct& added, WeightOperand as_b) {
  if (!added.rows.defined()) return std::nullopt;
  return kernels::GemmTerm{added.rows.size(1), Plain(added.rows), as_b(added.weight)};
}

at::Tensor Int8Product(const at::Tensor& x, const kernels::Int8Weight& weight, const AddedProduct& added,
                       WeightOperand as_b) {
  at::Tensor out = at::empty({x.size(0), weight.columns}, x.options());
  const auto term = TermOf(added, as_b);
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

// The product by our own kernels, for which blocks are expanded piece by piece.
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

// W for Gemv; nothing if its rows are not one after the other.
std::vector<kernels::BlockMatrix> MatricesOf(const MatmulWeight& w, at::ScalarType dtype) {
  std::vector<kernels::BlockMatrix> pieces;
  for (const BlockRows& piece : w.blocks) pieces.push_back(piece.matrix());
  if (w.dense.defined() && w.dense.scalar_type() == dtype && w.dense.is_contiguous()) {
    pieces.push_back({.type = dtype == at::kBFloat16 ? BlockType::kBF16 : BlockType::kF32,
                      .blocks = static_cast<const std::byte*>(ConstFloatsOf(w.dense).data()),
                      .rows = w.rows(),
                      .columns = w.columns()});
  }
  return pieces;
}

// The product of fewer than kFewRows rows, as fast as the weight can be read; never in 8 bits.
std::optional<at::Tensor> FewRowsOutput(const at::Tensor& x, const MatmulWeight& w,
                                        const AddedProduct& added) {
  const auto pieces = MatricesOf(w, x.scalar_type());
  if (pieces.empty() || x.stride(1) != 1) return std::nullopt;
  std::vector<kernels::GemvTerm> terms = {{ConstFloatsOf(x), x.stride(0), pieces}};
  std::vector<kernels::BlockMatrix> added_pieces;
  if (added.rows.defined()) {
    added_pieces = MatricesOf(added.weight, x.scalar_type());
    if (added_pieces.empty() || added.rows.scalar_type() != x.scalar_type()) return std::nullopt;
    terms.push_back({ConstFloatsOf(added.rows), added.rows.stride(0), added_pieces});
  }
  at::Tensor out = at::empty({x.size(0), w.rows()}, x.options());
  kernels::Gemv(x.size(0), w.rows(), terms, FloatsOf(out), w.rows());
  return out;
}

// On a processor that does not multiply bf16 the library's product of such numbers is many times slower than
// one in fp32: what Gemm does not multiply is widened, and the result rounded once.
bool MustWiden(const at::Tensor& rows) {
  return rows.scalar_type() == at::kBFloat16 && !kernels::HaveAvx512Bf16();
}
at::Tensor Wide(const at::Tensor& x) {
  return x.to(at::kFloat);
}
// Blocks are what they are for a bf16 product elsewhere.
MatmulWeight Wide(const MatmulWeight& weight) {
  return Wide(weight.Numbers(at::kBFloat16));
}
AddedProduct Wide(const AddedProduct& added) {
  if (!added.rows.defined()) return {};
  return {Wide(added.rows), Wide(added.weight)};
}

}  // namespace

bool ProductsAreOwn(at::ScalarType dtype) {
  return kernels::GemmIsFast(dtype == at::kBFloat16);
}

bool HasInt8Products() {
  return kernels::HaveInt8Gemm();
}

std::vector<std::string> InstructionsInUse() {
  return kernels::InstructionsInUse();
}

bool HasFastBFloat16() {
  return kernels::HaveAvx512Bf16();
}

std::optional<at::Tensor> LinearOutput(const at::Tensor& x, const MatmulWeight& w, MatmulDtype dtype,
                                       const AddedProduct& added) {
  if (x.size(0) < kFewRows && c10::InferenceMode::is_enabled()) {
    if (auto out = FewRowsOutput(x, w, added)) return out;
  }
  const bool fits = Fits(x, w);
  if (fits && dtype == MatmulDtype::kInt8) {
    const at::Tensor weight = w.Numbers(x.scalar_type());
    return Int8Product(
        x,
        kernels::QuantizeForOutput(weight.size(0), weight.size(1), ConstFloatsOf(weight), weight.stride(0)),
        added, Transposed);
  }
  if (!fits || !ProductsAreOwn(x.scalar_type())) {
    if (!MustWiden(x)) return std::nullopt;
    return ops::LinearOutput(Wide(x), Wide(w), MatmulDtype::kOperands, Wide(added)).to(at::kBFloat16);
  }
  const auto term = TermOf(added, Transposed);
  if (!w.dense.defined()) return BlockProduct(x, w, /*transposed=*/true, term);
  return Product(x.size(0), w.rows(), x.size(1), Plain(x), Transposed(w.dense), x.options(), term);
}

std::optional<at::Tensor> LinearInputGradient(const at::Tensor& dy, const MatmulWeight& w, MatmulDtype dtype,
                                              const AddedProduct& added) {
  const bool fits = Fits(dy, w);
  if (fits && dtype == MatmulDtype::kInt8) {
    const at::Tensor weight = w.Numbers(dy.scalar_type());
    return Int8Product(dy,
                       kernels::QuantizeForInputGradient(weight.size(0), weight.size(1),
                                                         ConstFloatsOf(weight), weight.stride(0)),
                       added, Plain);
  }
  if (!fits || !ProductsAreOwn(dy.scalar_type())) {
    if (!MustWiden(dy)) return std::nullopt;
    return ops::LinearInputGradient(Wide(dy), Wide(w), MatmulDtype::kOperands, Wide(added)).to(at::kBFloat16);
  }
  const auto term = TermOf(added, Plain);
  if (!w.dense.defined()) return BlockProduct(dy, w, /*transposed=*/false, term);
  return Product(dy.size(0), w.columns(), dy.size(1), Plain(dy), Plain(w.dense), dy.options(), term);
}

std::optional<at::Tensor> LinearWeightGradient(const at::Tensor& dy, const at::Tensor& x) {
  if (!Fits(dy, x) || !ProductsAreOwn(dy.scalar_type())) {
    if (!MustWiden(dy)) return std::nullopt;
    return ops::LinearWeightGradient(Wide(dy), Wide(x)).to(at::kBFloat16);
  }
  // The kernel splits the rows of the result among threads; few rows would leave threads idle.
  if (dy.size(1) < std::min(kFewRows, x.size(1))) return ops::LinearWeightGradient(x, dy).t().contiguous();
  return Product(dy.size(1), x.size(1), dy.size(0), Transposed(dy), Plain(x), x.options());
}

}  // namespace gemtune::ops::cpu
