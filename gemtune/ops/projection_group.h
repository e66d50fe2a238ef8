#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <span>
#include <vector>

#include "gemtune/ops/projection.h"

namespace gemtune::ops {

/// Projections that read the same rows, inside an autograd function: one product with all W and one with all
/// A, so the rows are kept only once. The group knows the role of each tensor; the autograd function owns and
/// saves the tensors. For fp32 and bf16 on the CPU, if CanFuse.
class ProjectionGroup : public torch::CustomClassHolder {
 public:
  explicit ProjectionGroup(const std::vector<Projection>& projections);

  /// The tensors that autograd sees: all W, then for each adapter A, B and, with DoRA, the gain.
  static std::vector<at::Tensor> Tensors(const std::vector<Projection>& projections);

  /// x [rows, in] → all results side by side, [rows, Σ out]. Adds to `kept` what the backward pass needs
  /// besides x.
  at::Tensor Forward(const at::Tensor& x, at::TensorList tensors, std::vector<at::Tensor>& kept) const;

  /// Splits the results by projection, [rows, out] each.
  std::vector<at::Tensor> Split(const at::Tensor& y) const;

  /// Saves for ProjectionBackward; `leading` are the tensors that the autograd function itself needs again.
  static void Save(torch::autograd::AutogradContext* ctx, const c10::intrusive_ptr<ProjectionGroup>& group,
                   std::vector<at::Tensor> leading, at::TensorList tensors,
                   const std::vector<at::Tensor>& kept);

 private:
  friend class ProjectionBackward;

  // One adapter: columns [begin, begin + out) of y and [rank_begin, rank_begin + rank) of x·Aᵀ.
  struct Adapter {
    int64_t begin, out, rank_begin, rank;
    size_t tensor;  // index of A; B and the gain follow
    bool has_gain;
    double scaling, dropout;
    uint64_t dropout_key;
  };

  MatmulWeight Weight(at::TensorList tensors) const;                    // all W, stacked vertically
  at::Tensor Inner(const at::Tensor& x, at::TensorList tensors) const;  // x·Aᵀ of all, [rows, Σ rank]
  at::Tensor StackedA(at::TensorList tensors, at::ScalarType dtype) const;
  at::Tensor ScaledB(at::TensorList tensors, at::ScalarType dtype) const;  // of all, [Σ out, Σ rank]
  int64_t Width() const;                                                   // Σ out
  at::Tensor GainRow(at::TensorList tensors, at::ScalarType dtype) const;

  std::vector<int64_t> heights_;
  std::vector<std::optional<kernels::BlockType>> block_types_;
  std::vector<Adapter> adapters_;
  MatmulDtype matmul_dtype_;
  bool has_dropout_ = false, has_gain_ = false;
};

/// The backward pass of a group, for use in the backward of the autograd function that saved it:
///   dz = g ∘ dy; du = s·dz·B; dx = dz·W + du·A; dB = s·dzᵀ·(x·Aᵀ); dA = duᵀ·x; dg = Σ_rows dy ∘ z = Σ_rows
///   dy ∘ y / g.
class ProjectionBackward {
 public:
  /// `num_leading` is the number of `leading` tensors given to Save, and of the function's arguments before
  /// the group's tensors; dy [rows, Σ out].
  ProjectionBackward(torch::autograd::AutogradContext* ctx, size_t num_leading, const at::Tensor& dy);

  const at::Tensor& leading(size_t i) const { return saved_[i]; }

  /// dx [rows, in].
  at::Tensor InputGradient() const;

  /// Whether any gradient needs x; if not, AppendGradients accepts an undefined x.
  bool NeedsInput() const;

  /// Appends the gradient of each of the group's tensors, undefined if it is not needed.
  void AppendGradients(const at::Tensor& x, std::vector<at::Tensor>& result) const;

 private:
  using Adapter = ProjectionGroup::Adapter;

  at::TensorList tensors() const;
  const at::Tensor& tensor(size_t i) const { return saved_[num_leading_ + i]; }
  // The tensors that Forward kept, in its order.
  const at::Tensor& inner() const { return saved_[num_leading_ + num_tensors_]; }
  const at::Tensor& scaled_b() const { return saved_[num_leading_ + num_tensors_ + 1]; }
  const at::Tensor& y() const { return saved_[num_leading_ + num_tensors_ + 2]; }
  void WeightGradients(const at::Tensor& x, std::span<at::Tensor> result) const;
  void AdapterGradients(const at::Tensor& x, std::span<at::Tensor> result) const;

  c10::intrusive_ptr<torch::CustomClassHolder> holder_;
  const ProjectionGroup& group_;
  size_t num_leading_, num_tensors_;
  std::vector<at::Tensor> saved_;
  std::vector<char> needed_;  // for each tensor, whether its gradient is needed
  at::Tensor dy_, dz_, du_;
};

}  // namespace gemtune::ops
