#pragma once

#include <c10/core/ScalarType.h>

namespace gemtune::ops {

/// What elementwise arithmetic on a tensor of `storage` runs in: fp32, or double for double (gradient
/// checks).
inline at::ScalarType ComputeType(at::ScalarType storage) {
  return storage == at::kDouble ? at::kDouble : at::kFloat;
}

}  // namespace gemtune::ops
