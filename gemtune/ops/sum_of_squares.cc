#include "gemtune/ops/sum_of_squares.h"

#include <ATen/ATen.h>

#include <vector>

#include "gemtune/ops/cpu.h"
#include "gemtune/ops/cuda.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {

at::Tensor SumOfSquares(at::TensorList tensors) {
  const at::NoGradGuard no_grad;
  at::Tensor sum;
  std::vector<at::Tensor> on_card;
  const auto add = [&](const at::Tensor& more) { sum = sum.defined() ? sum + more : more; };
  for (const at::Tensor& x : tensors) {
    if (cuda::Handles(x)) {
      on_card.push_back(x.contiguous());
    } else {
      add(cpu::Handles(x) ? cpu::SumOfSquares(x.contiguous()) : x.to(at::kDouble).square().sum());
    }
  }
  if (!on_card.empty()) add(cuda::SumOfSquares(on_card));
  return sum;
}

}  // namespace gemtune::ops
