#pragma once

#include <c10/core/ScalarType.h>

#include "gemtune/base/dtype.h"

namespace gemtune::ops {

/// The type of a stored tensor as LibTorch calls it.
at::ScalarType ToScalarType(DType dtype);

/// The inverse. A type that no file has (complex, quantised) is a bug.
DType ToDType(at::ScalarType type);

}  // namespace gemtune::ops
