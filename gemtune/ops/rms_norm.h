#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

namespace gemtune::ops {

/// RMSNorm over the last dimension (Zhang & Sennrich 2019, eq. 4) with Gemma's unit offset: y = x /
/// sqrt(mean(x²) + eps) · (1 + weight), computed in fp32 (double for double input), rounded at the end;
/// equals transformers' Gemma3RMSNorm. x [..., dim]; weight [dim]; y has x's shape and the weight's dtype:
/// the residual stream of a bf16 model is fp32, but its projections read bf16. Differentiable in x and
/// weight.
at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps);

/// residual + RmsNorm(x), without rounding in between: adds a block's output to the residual stream.
/// residual, x [..., dim]; weight [dim]; the result has the residual's dtype. Differentiable in residual, x
/// and weight.
at::Tensor AddRmsNorm(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight, double eps);

// Forward and backward without autograd, for ops that contain an RMSNorm. They require RmsNormHasKernel and a
// contiguous x.
bool RmsNormHasKernel(const at::Tensor& x, const at::Tensor& weight);
at::Tensor RmsNormOutput(const at::Tensor& x, const at::Tensor& weight, double eps);
/// Gradients of x (fp32) and of weight (in its dtype); dy contiguous, of the weight's dtype.
std::pair<at::Tensor, at::Tensor> RmsNormGradients(const at::Tensor& x, const at::Tensor& weight, double eps,
                                                   const at::Tensor& dy);

}  // namespace gemtune::ops
