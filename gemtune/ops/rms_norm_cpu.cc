#include <ATen/ATen.h>

#include "gemtune/kernels/rms_norm.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops::cpu {

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  at::Tensor y = at::empty(x.sizes(), weight.options());
  const int64_t dim = x.size(-1);
  kernels::RmsNormForward(x.numel() / dim, dim, x.const_data_ptr<float>(), ConstFloatsOf(weight),
                          static_cast<float>(eps), FloatsOf(y));
  return y;
}

std::pair<at::Tensor, at::Tensor> RmsNormGradients(const at::Tensor& x, const at::Tensor& weight, double eps,
                                                   const at::Tensor& dy) {
  at::Tensor dx = at::empty_like(x), dw = at::empty({x.size(-1)}, at::kFloat);
  const int64_t dim = x.size(-1);
  kernels::RmsNormBackward(x.numel() / dim, dim, x.const_data_ptr<float>(), ConstFloatsOf(weight),
                           static_cast<float>(eps), ConstFloatsOf(dy), dx.data_ptr<float>(),
                           dw.data_ptr<float>());
  return {dx, dw.to(weight.scalar_type())};
}

at::Tensor AddRmsNorm(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight, double eps) {
  at::Tensor sum = at::empty_like(residual);
  const int64_t dim = x.size(-1);
  kernels::AddRmsNormForward(x.numel() / dim, dim, residual.const_data_ptr<float>(), ConstFloatsOf(x),
                             ConstFloatsOf(weight), static_cast<float>(eps), sum.data_ptr<float>());
  return sum;
}

std::pair<at::Tensor, at::Tensor> AddRmsNormGradients(const at::Tensor& x, const at::Tensor& weight,
                                                      double eps, const at::Tensor& dsum) {
  const int64_t dim = x.size(-1);
  at::Tensor dx = at::empty_like(x), dw = at::empty({dim}, at::kFloat);
  kernels::AddRmsNormBackward(x.numel() / dim, dim, ConstFloatsOf(x), ConstFloatsOf(weight),
                              static_cast<float>(eps), dsum.const_data_ptr<float>(), FloatsOf(dx),
                              dw.data_ptr<float>());
  return {dx, dw.to(weight.scalar_type())};
}

}  // namespace gemtune::ops::cpu
