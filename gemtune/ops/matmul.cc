#include "gemtune/ops/matmul.h"

#include <ATen/ATen.h>

#include <numeric>

#include "gemtune/base/error.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {
namespace {

// x·B, computed by ATen.
at::Tensor ProductByAten(const at::Tensor& x, const at::Tensor& b, const AddedProduct& added,
                         const at::Tensor& added_b) {
  at::Tensor out = at::mm(x, b);
  return added.rows.defined() ? out.addmm_(added.rows, added_b) : out;
}

}  // namespace

bool ProductsAreOwn(at::ScalarType dtype) {
  return cpu::ProductsAreOwn(dtype);
}

bool HasInt8Products() {
  return cpu::HasInt8Products();
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

at::Tensor LinearOutput(const at::Tensor& x, const MatmulWeight& weight, MatmulDtype dtype,
                        const AddedProduct& added) {
  GEMTUNE_CHECK(x.dim() == 2 && x.size(1) == weight.columns());
  if (cpu::Handles(x)) {
    if (const auto y = cpu::LinearOutput(x, weight, dtype, added)) return *y;
  }
  return ProductByAten(x, weight.Numbers(x.scalar_type()).t(), added,
                       added.rows.defined() ? added.weight.t() : at::Tensor());
}

at::Tensor LinearInputGradient(const at::Tensor& dy, const MatmulWeight& weight, MatmulDtype dtype,
                               const AddedProduct& added) {
  GEMTUNE_CHECK(dy.dim() == 2 && dy.size(1) == weight.rows());
  if (cpu::Handles(dy)) {
    if (const auto dx = cpu::LinearInputGradient(dy, weight, dtype, added)) return *dx;
  }
  return ProductByAten(dy, weight.Numbers(dy.scalar_type()), added, added.weight);
}

at::Tensor LinearWeightGradient(const at::Tensor& dy, const at::Tensor& x) {
  GEMTUNE_CHECK(dy.dim() == 2 && x.dim() == 2 && dy.size(0) == x.size(0));
  if (cpu::Handles(dy)) {
    if (const auto dw = cpu::LinearWeightGradient(dy, x)) return *dw;
  }
  return at::mm(dy.t(), x);
}

}  // namespace gemtune::ops
