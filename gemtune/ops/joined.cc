#include "gemtune/ops/joined.h"

#include <ATen/ATen.h>

namespace gemtune::ops {
namespace {

// Whether each part begins where the previous one ends, `step(part)` numbers further on.
template <typename Step>
bool Adjacent(at::TensorList parts, Step&& step) {
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    if (!parts[i].is_alias_of(parts[i + 1]) || parts[i].strides() != parts[i + 1].strides()) return false;
    if (parts[i].storage_offset() + step(parts[i]) != parts[i + 1].storage_offset()) return false;
  }
  return true;
}

int64_t TotalSize(at::TensorList parts, int64_t dim) {
  int64_t total = 0;
  for (const at::Tensor& part : parts) total += part.size(dim);
  return total;
}

}  // namespace

at::Tensor JoinColumns(at::TensorList parts) {
  const at::Tensor& first = parts.front();
  if (parts.size() == 1) return first;
  const bool rows_are_contiguous = first.stride(1) == 1;
  if (rows_are_contiguous && Adjacent(parts, [](const at::Tensor& part) { return part.size(1); })) {
    return first.as_strided({first.size(0), TotalSize(parts, 1)}, first.strides());
  }
  return at::cat(parts, 1);
}

at::Tensor JoinRows(at::TensorList parts) {
  const at::Tensor& first = parts.front();
  if (parts.size() == 1) return first;
  if (first.is_contiguous() && Adjacent(parts, [](const at::Tensor& part) { return part.numel(); })) {
    return first.as_strided({TotalSize(parts, 0), first.size(1)}, first.strides());
  }
  return at::cat(parts, 0);
}

std::vector<at::Tensor> SplitColumns(const at::Tensor& joined, at::IntArrayRef widths) {
  std::vector<at::Tensor> parts;
  int64_t begin = 0;
  for (const int64_t width : widths) {
    parts.push_back(joined.narrow(1, begin, width));
    begin += width;
  }
  return parts;
}

}  // namespace gemtune::ops
