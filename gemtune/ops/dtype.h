#pragma once

#include <c10/core/ScalarType.h>

#include "gemtune/base/dtype.h"

namespace gemtune::ops {

/// LibTorch's type for a stored tensor's type.
at::ScalarType ToScalarType(DType dtype);

/// The inverse. A type that files cannot hold (complex, quantised) is a bug.
DType ToDType(at::ScalarType type);

}  // namespace gemtune::ops
