#pragma once

#include <c10/core/ScalarType.h>

#include "gemtune/ops/device.h"

namespace gemtune::model {

/// The dtype of a model if the user gives none: bf16 if the processor multiplies it natively, else fp32. Logs
/// the choice.
at::ScalarType NativeDtype(const ops::Device& device);

}  // namespace gemtune::model
