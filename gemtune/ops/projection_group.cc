#include "gemtune/ops/projection_group.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "gemtune/ops/dropout.h"
#include "gemtune/ops/joined.h"
#include "gemtune/ops/matmul.h"

namespace gemtune::ops {

ProjectionGroup::ProjectionGroup(const std::vector<Projection>& projections)
    : matmul_dtype_(projections.front().matmul_dtype) {
  int64_t begin = 0, rank_begin = 0;
  size_t tensor = projections.size();
  for (const Projection& projection : projections) {
    const LowRank& term = projection.low_rank;
    const int64_t out = projection.weight.size(0);
    heights_.push_back(out);
    block_types_.push_back(projection.block_type);
    if (term.a.defined()) {
      const int64_t rank = term.a.size(0);
      const bool has_gain = term.gain.defined();
      adapters_.push_back({.begin = begin,
                           .out = out,
                           .rank_begin = rank_begin,
                           .rank = rank,
                           .tensor = tensor,
                           .has_gain = has_gain,
                           .scaling = term.scaling,
                           .dropout = term.dropout,
                           .dropout_key = term.dropout_key});
      rank_begin += rank;
      tensor += has_gain ? 3 : 2;
      has_gain_ = has_gain_ || has_gain;
      has_dropout_ = has_dropout_ || term.dropout > 0;
    }
    begin += out;
  }
}

std::vector<at::Tensor> ProjectionGroup::Tensors(const std::vector<Projection>& projections) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(projections.size());
  for (const Projection& projection : projections) tensors.push_back(projection.weight);
  for (const Projection& projection : projections) {
    for (const at::Tensor* t : {&projection.low_rank.a, &projection.low_rank.b, &projection.low_rank.gain}) {
      if (t->defined()) tensors.push_back(*t);
    }
  }
  return tensors;
}

MatmulWeight ProjectionGroup::Weight(at::TensorList tensors) const {
  if (!block_types_.front()) return JoinRows(tensors.slice(0, heights_.size()));
  std::vector<BlockRows> pieces;
  for (size_t i = 0; i < heights_.size(); ++i) pieces.push_back({tensors[i], block_types_[i].value()});
  return MatmulWeight(std::move(pieces));
}

at::Tensor ProjectionGroup::StackedA(at::TensorList tensors, at::ScalarType dtype) const {
  std::vector<at::Tensor> all;
  for (const Adapter& adapter : adapters_) all.push_back(tensors[adapter.tensor].detach());
  return at::cat(all).to(dtype);
}

int64_t ProjectionGroup::Width() const {
  return std::accumulate(heights_.begin(), heights_.end(), int64_t{0});
}

at::Tensor ProjectionGroup::GainRow(at::TensorList tensors, at::ScalarType dtype) const {
  at::Tensor row = at::ones({Width()}, tensors[adapters_.front().tensor].options().dtype(at::kFloat));
  for (const Adapter& adapter : adapters_) {
    if (adapter.has_gain)
      row.narrow(0, adapter.begin, adapter.out).copy_(tensors[adapter.tensor + 2].detach());
  }
  return row.to(dtype);
}

// Block diagonal: each s·B in its own rows and columns, zeros elsewhere, so that all adapters are one
// product.
at::Tensor ProjectionGroup::ScaledB(at::TensorList tensors, at::ScalarType dtype) const {
  const Adapter& last = adapters_.back();
  at::Tensor all =
      at::zeros({Width(), last.rank_begin + last.rank}, tensors[last.tensor].options().dtype(dtype));
  for (const Adapter& adapter : adapters_) {
    all.narrow(0, adapter.begin, adapter.out)
        .narrow(1, adapter.rank_begin, adapter.rank)
        .copy_(tensors[adapter.tensor + 1].detach() * adapter.scaling);
  }
  return all;
}

at::Tensor ProjectionGroup::Inner(const at::Tensor& x, at::TensorList tensors) const {
  if (!has_dropout_) return LinearOutput(x, StackedA(tensors, x.scalar_type()));
  std::vector<at::Tensor> parts;
  for (const Adapter& adapter : adapters_) {
    const at::Tensor a = tensors[adapter.tensor].detach().to(x.scalar_type());
    parts.push_back(LinearOutput(Dropout(x, adapter.dropout, adapter.dropout_key), a));
  }
  return at::cat(parts, 1);
}

at::Tensor ProjectionGroup::Forward(const at::Tensor& x, at::TensorList tensors,
                                    std::vector<at::Tensor>& kept) const {
  const MatmulWeight weight = Weight(tensors);
  if (adapters_.empty()) return LinearOutput(x, weight, matmul_dtype_);
  const at::Tensor inner = Inner(x, tensors);
  const at::Tensor scaled_b = ScaledB(tensors, x.scalar_type());
  at::Tensor y = LinearOutput(x, weight, matmul_dtype_, {inner, scaled_b});
  kept.push_back(inner);
  kept.push_back(scaled_b);
  if (has_gain_) {
    y.mul_(GainRow(tensors, x.scalar_type()));
    kept.push_back(y);
  }
  return y;
}

std::vector<at::Tensor> ProjectionGroup::Split(const at::Tensor& y) const {
  return SplitColumns(y, heights_);
}

void ProjectionGroup::Save(torch::autograd::AutogradContext* ctx,
                           const c10::intrusive_ptr<ProjectionGroup>& group, std::vector<at::Tensor> leading,
                           at::TensorList tensors, const std::vector<at::Tensor>& kept) {
  ctx->saved_data["num_tensors"] = static_cast<int64_t>(tensors.size());
  ctx->saved_data["group"] = c10::IValue::make_capsule(group);
  leading.insert(leading.end(), tensors.begin(), tensors.end());
  leading.insert(leading.end(), kept.begin(), kept.end());
  ctx->save_for_backward(std::move(leading));
}

ProjectionBackward::ProjectionBackward(torch::autograd::AutogradContext* ctx, size_t num_leading,
                                       const at::Tensor& dy)
    : holder_(ctx->saved_data["group"].toCapsule()),
      group_(static_cast<const ProjectionGroup&>(*holder_)),
      num_leading_(num_leading),
      num_tensors_(static_cast<size_t>(ctx->saved_data["num_tensors"].toInt())),
      saved_(ctx->get_saved_variables()),
      dy_(dy),
      dz_(dy) {
  for (size_t i = 0; i < num_tensors_; ++i) needed_.push_back(ctx->needs_input_grad(num_leading + i));
  if (group_.has_gain_) dz_ = dy * group_.GainRow(tensors(), dy.scalar_type());
  if (!group_.adapters_.empty()) du_ = LinearInputGradient(dz_, scaled_b());
}

at::TensorList ProjectionBackward::tensors() const {
  return at::TensorList(saved_).slice(num_leading_, num_tensors_);
}

at::Tensor ProjectionBackward::InputGradient() const {
  const MatmulWeight weight = group_.Weight(tensors());
  AddedProduct added;
  if (!group_.adapters_.empty() && !group_.has_dropout_) {
    added = {du_, group_.StackedA(tensors(), dz_.scalar_type())};
  }
  at::Tensor dx = LinearInputGradient(dz_, weight, group_.matmul_dtype_, added);
  if (!group_.has_dropout_) return dx;
  for (const Adapter& adapter : group_.adapters_) {
    const at::Tensor a = tensor(adapter.tensor).detach().to(dx.scalar_type());
    const at::Tensor dh = LinearInputGradient(du_.narrow(1, adapter.rank_begin, adapter.rank), a);
    dx.add_(Dropout(dh, adapter.dropout, adapter.dropout_key));
  }
  return dx;
}

bool ProjectionBackward::NeedsInput() const {
  const auto weights = std::span(needed_).first(group_.heights_.size());
  return std::find(weights.begin(), weights.end(), 1) != weights.end() ||
         std::any_of(group_.adapters_.begin(), group_.adapters_.end(),
                     [&](const Adapter& adapter) { return needed_[adapter.tensor] != 0; });
}

void ProjectionBackward::AdapterGradients(const at::Tensor& x, std::span<at::Tensor> result) const {
  const at::Tensor stacked =
      x.defined() && !group_.has_dropout_ ? LinearWeightGradient(du_, x) : at::Tensor();
  for (const Adapter& adapter : group_.adapters_) {
    const at::Tensor &a = tensor(adapter.tensor), &b = tensor(adapter.tensor + 1);
    const at::Tensor dz = dz_.narrow(1, adapter.begin, adapter.out);
    if (needed_[adapter.tensor] != 0) {
      const at::Tensor du = du_.narrow(1, adapter.rank_begin, adapter.rank);
      const at::Tensor da = stacked.defined()
                                ? stacked.narrow(0, adapter.rank_begin, adapter.rank)
                                : LinearWeightGradient(du, Dropout(x, adapter.dropout, adapter.dropout_key));
      result[adapter.tensor] = da.to(a.scalar_type());
    }
    if (needed_[adapter.tensor + 1] != 0) {
      const at::Tensor u = inner().narrow(1, adapter.rank_begin, adapter.rank);
      result[adapter.tensor + 1] = LinearWeightGradient(dz, u).to(b.scalar_type()).mul_(adapter.scaling);
    }
    if (adapter.has_gain && needed_[adapter.tensor + 2] != 0) {
      const at::Tensor& gain = tensor(adapter.tensor + 2);
      const at::Tensor product =
          dy_.narrow(1, adapter.begin, adapter.out) * y().narrow(1, adapter.begin, adapter.out);
      result[adapter.tensor + 2] = product.sum(0, /*keepdim=*/false, at::kFloat) / gain;
    }
  }
}

void ProjectionBackward::WeightGradients(const at::Tensor& x, std::span<at::Tensor> result) const {
  const auto needed = std::span(needed_).first(group_.heights_.size());
  if (std::find(needed.begin(), needed.end(), 0) == needed.end()) {
    const auto parts = LinearWeightGradient(dz_, x).split_with_sizes(group_.heights_, 0);
    std::copy(parts.begin(), parts.end(), result.begin());
    return;
  }
  const auto parts = group_.Split(dz_);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (needed[i] != 0) result[i] = LinearWeightGradient(parts[i], x);
  }
}

void ProjectionBackward::AppendGradients(const at::Tensor& x, std::vector<at::Tensor>& result) const {
  const size_t begin = result.size();
  result.resize(begin + num_tensors_);
  const auto own = std::span(result).subspan(begin);
  WeightGradients(x, own);
  if (!group_.adapters_.empty()) AdapterGradients(x, own);
}

}  // namespace gemtune::ops
