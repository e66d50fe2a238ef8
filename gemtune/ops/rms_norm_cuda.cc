#include "gemtune/ops/cuda.h"
#include "gemtune/ops/cuda_kernels.h"

namespace gemtune::ops::cuda {

using kernels::cuda::Kernels;

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  at::Tensor y = at::empty(x.sizes(), weight.options());
  const int64_t dim = x.size(-1);
  Call(&Kernels::RmsNormForward, x.numel() / dim, dim, x.const_data_ptr<float>(), ConstFloatsOf(weight),
       static_cast<float>(eps), FloatsOf(y));
  return y;
}

std::pair<at::Tensor, at::Tensor> RmsNormGradients(const at::Tensor& x, const at::Tensor& weight, double eps,
                                                   const at::Tensor& dy) {
  const int64_t dim = x.size(-1);
  at::Tensor dx = at::empty_like(x), dw = at::empty_like(weight);
  const at::Tensor parts = WeightParts(dim, x);
  Call(&Kernels::RmsNormBackward, x.numel() / dim, dim, x.const_data_ptr<float>(), ConstFloatsOf(weight),
       static_cast<float>(eps), ConstFloatsOf(dy), dx.data_ptr<float>(), FloatsOf(dw),
       parts.data_ptr<float>());
  return {dx, dw};
}

at::Tensor AddRmsNorm(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight, double eps) {
  at::Tensor sum = at::empty_like(residual);
  const int64_t dim = x.size(-1);
  Call(&Kernels::AddRmsNormForward, x.numel() / dim, dim, residual.const_data_ptr<float>(), ConstFloatsOf(x),
       ConstFloatsOf(weight), static_cast<float>(eps), sum.data_ptr<float>());
  return sum;
}

std::pair<at::Tensor, at::Tensor> AddRmsNormGradients(const at::Tensor& x, const at::Tensor& weight,
                                                      double eps, const at::Tensor& dsum) {
  const int64_t dim = x.size(-1);
  at::Tensor dx = at::empty_like(x), dw = at::empty_like(weight);
  const at::Tensor parts = WeightParts(dim, x);
  Call(&Kernels::AddRmsNormBackward, x.numel() / dim, dim, ConstFloatsOf(x), ConstFloatsOf(weight),
       static_cast<float>(eps), dsum.const_data_ptr<float>(), FloatsOf(dx), FloatsOf(dw),
       parts.data_ptr<float>());
  return {dx, dw};
}

}  // namespace gemtune::ops::cuda
