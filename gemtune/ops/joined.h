#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace gemtune::ops {

// Projections that read the same rows are one matrix product, if their weights lie behind one another in
// memory, and so do their results. These two see to it that they need not be copied together.

/// Matrices [rows, n_i] side by side: [rows, Σ n_i]. A view where they lie so in memory already, else a copy.
at::Tensor JoinColumns(at::TensorList parts);

/// Contiguous matrices [n_i, columns] one under the other: [Σ n_i, columns]. A view where they lie so in
/// memory, else a copy.
at::Tensor JoinRows(at::TensorList parts);

/// Views of the columns of `joined` [rows, Σ n_i]: matrices of widths[i] columns each.
std::vector<at::Tensor> SplitColumns(const at::Tensor& joined, at::IntArrayRef widths);

}  // namespace gemtune::ops
