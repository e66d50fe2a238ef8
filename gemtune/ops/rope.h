#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace gemtune::ops {

/// Angles of rotary position embedding (Su et al. 2021) for positions 0..n-1.
struct RopeTable {
  at::Tensor cos;  // [n, head_dim / 2] fp32
  at::Tensor sin;  // [n, head_dim / 2] fp32
};

/// angle(p, i) = p · theta^(-2i / head_dim) / linear_factor, with transformers' roundings (each step in
/// fp32).
RopeTable MakeRopeTable(int64_t num_positions, int64_t head_dim, double theta, double linear_factor);

/// Gemma 3's q_norm / k_norm and then the rotation, for each head:
/// n = RmsNorm(x, weight, eps); y[i] = n[i]·cos − n[i + d/2]·sin, y[i + d/2] = n[i + d/2]·cos + n[i]·sin for
/// i < d/2. x [T, heads, head_dim]; weight [head_dim]; positions [T] int64, each below the table's n.
/// Differentiable in x, weight.
at::Tensor NormRope(const at::Tensor& x, const at::Tensor& weight, double eps, const RopeTable& table,
                    const at::Tensor& positions);

}  // namespace gemtune::ops
