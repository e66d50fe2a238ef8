#include "gemtune/model/native_dtype.h"

#include "gemtune/base/log.h"
#include "gemtune/ops/matmul.h"

namespace gemtune::model {

at::ScalarType NativeDtype() {
  const bool native = ops::HasFastBFloat16();
  log::Info("dtype {} bf16 natively",
            native ? "bf16: this processor multiplies" : "fp32: this processor does not multiply");
  return native ? at::kBFloat16 : at::kFloat;
}

}  // namespace gemtune::model
