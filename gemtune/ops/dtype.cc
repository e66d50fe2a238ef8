#include "gemtune/ops/dtype.h"

#include <algorithm>
#include <iterator>

#include "gemtune/base/error.h"

namespace gemtune::ops {
namespace {

struct Row {
  DType dtype;
  at::ScalarType type;
};

constexpr Row kTable[] = {
    {DType::kF64, at::kDouble},
    {DType::kF32, at::kFloat},
    {DType::kF16, at::kHalf},
    {DType::kBF16, at::kBFloat16},
    {DType::kI64, at::kLong},
    {DType::kI32, at::kInt},
    {DType::kI16, at::kShort},
    {DType::kI8, at::kChar},
    {DType::kU8, at::kByte},
    {DType::kBool, at::kBool},
    {DType::kF8E4M3, at::kFloat8_e4m3fn},
    {DType::kF8E5M2, at::kFloat8_e5m2},
};

}  // namespace

at::ScalarType ToScalarType(DType dtype) {
  const auto* const row =
      std::find_if(std::begin(kTable), std::end(kTable), [&](const Row& r) { return r.dtype == dtype; });
  GEMTUNE_CHECK(row != std::end(kTable));
  return row->type;
}

DType ToDType(at::ScalarType type) {
  const auto* const row =
      std::find_if(std::begin(kTable), std::end(kTable), [&](const Row& r) { return r.type == type; });
  GEMTUNE_CHECK(row != std::end(kTable));
  return row->dtype;
}

}  // namespace gemtune::ops
