#pragma once

#include <c10/core/ScalarType.h>

namespace gemtune::model {

/// The dtype that a model has where nobody names one: bf16 where the processor multiplies it natively, else
/// fp32. Says so in the log.
at::ScalarType NativeDtype();

}  // namespace gemtune::model
