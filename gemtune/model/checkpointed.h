#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace gemtune::model {

/// layer(x), keeping only x for the backward pass, which runs the layer once more (Chen et al. 2016;
/// torch.utils.checkpoint). The layer must give the same numbers both times; then its gradients are the same
/// bits as without checkpointing. Differentiable in x and in `parameters`, the tensors that the layer reads
/// besides x.
at::Tensor Checkpointed(std::function<at::Tensor(const at::Tensor& x)> layer,
                        const std::vector<at::Tensor>& parameters, const at::Tensor& x);

}  // namespace gemtune::model
