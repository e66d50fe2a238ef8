#include "gemtune/ops/cuda.h"
#include "gemtune/ops/cuda_kernels.h"

namespace gemtune::ops::cuda {

using kernels::cuda::Kernels;

at::Tensor SumOfSquares(at::TensorList tensors) {
  std::vector<kernels::cuda::SquaredPart> parts;
  for (const at::Tensor& tensor : tensors) parts.push_back({.n = tensor.numel(), .x = ConstFloatsOf(tensor)});
  const auto options = tensors.front().options().dtype(at::kDouble);
  at::Tensor sum = at::zeros({}, options);
  const at::Tensor room = at::empty({kernels::cuda::kSquareBlocks}, options);
  Call(&Kernels::AddSumOfSquares, parts, sum.data_ptr<double>(), room.data_ptr<double>());
  return sum;
}

}  // namespace gemtune::ops::cuda
