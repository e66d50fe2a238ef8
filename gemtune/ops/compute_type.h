#pragma once

#include <c10/core/ScalarType.h>

namespace gemtune::ops {

/// The type of elementwise arithmetic on a tensor of type `storage`: fp32, or double for double (gradient
/// checks).
inline at::ScalarType ComputeType(at::ScalarType storage) {
  return storage == at::kDouble ? at::kDouble : at::kFloat;
}

}  // namespace gemtune::ops
