#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace gemtune::ops {

// Projections that read the same rows are one matrix product if their weights are adjacent in memory, and so
// are their results. These functions avoid copying them together.

/// Matrices [rows, n_i] side by side: [rows, Σ n_i]. A view if they are so in memory already, else a copy.
at::Tensor JoinColumns(at::TensorList parts);

/// Contiguous matrices [n_i, columns] stacked vertically: [Σ n_i, columns]. A view if they are adjacent in
/// memory already, else a copy.
at::Tensor JoinRows(at::TensorList parts);

/// Views of the columns of `joined` [rows, Σ n_i]: matrices of widths[i] columns each.
std::vector<at::Tensor> SplitColumns(const at::Tensor& joined, at::IntArrayRef widths);

}  // namespace gemtune::ops
