#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace gemtune::model {

/// layer(x), of which nothing but x is kept for the backward pass: that runs the layer once more (Chen et al.
/// 2016; torch.utils.checkpoint). The layer must give the same numbers both times; then so do its gradients,
/// bit for bit. Differentiable in x and in `parameters`, the tensors that the layer reads besides x.
at::Tensor Checkpointed(std::function<at::Tensor(const at::Tensor& x)> layer,
                        const std::vector<at::Tensor>& parameters, const at::Tensor& x);

}  // namespace gemtune::model
