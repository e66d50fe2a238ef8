#include "gemtune/model/native_dtype.h"

#include "gemtune/base/log.h"

namespace gemtune::model {

at::ScalarType NativeDtype(const ops::Device& device) {
  const bool native = ops::HasFastBFloat16(device);
  log::Info("dtype {}: this {} {} bf16 natively", native ? "bf16" : "fp32",
            ops::IsHost(device) ? "processor" : "card", native ? "multiplies" : "does not multiply");
  return native ? at::kBFloat16 : at::kFloat;
}

}  // namespace gemtune::model
