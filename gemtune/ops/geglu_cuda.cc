#include "gemtune/ops/cuda.h"
#include "gemtune/ops/cuda_kernels.h"

namespace gemtune::ops::cuda {

using kernels::cuda::Kernels;

at::Tensor GeGlu(const at::Tensor& gate_up) {
  const int64_t rows = gate_up.size(0), width = gate_up.size(1) / 2;
  at::Tensor y = at::empty({rows, width}, gate_up.options());
  Call(&Kernels::GeGluForward, rows, width, ConstFloatsOf(gate_up), FloatsOf(y));
  return y;
}

at::Tensor GeGluGradient(const at::Tensor& gate_up, const at::Tensor& dy) {
  const int64_t rows = gate_up.size(0), width = gate_up.size(1) / 2;
  at::Tensor d_gate_up = at::empty({rows, 2 * width}, gate_up.options());
  // Each element of dy is read before the product overwrites it.
  Call(&Kernels::GeGluBackward, rows, width, ConstFloatsOf(gate_up), ConstFloatsOf(dy), FloatsOf(d_gate_up),
       FloatsOf(dy));
  return d_gate_up;
}

}  // namespace gemtune::ops::cuda
