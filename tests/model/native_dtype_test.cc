#include "gemtune/model/native_dtype.h"

#include <gtest/gtest.h>

#include "gemtune/kernels/instruction_set.h"

namespace gemtune::model {
namespace {

TEST(NativeDtype, IsWhatTheProcessorMultipliesAndSaysSo) {
  const auto said = [](at::ScalarType expected) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(NativeDtype(ops::Host()), expected);
    return testing::internal::GetCapturedStderr();
  };
  if (kernels::HaveAvx512Bf16()) {
    EXPECT_EQ(said(at::kBFloat16), "dtype bf16: this processor multiplies bf16 natively\n");
  }
  const kernels::InstructionSet allowed = kernels::AllowedInstructionSet();
  kernels::AllowInstructionSet(kernels::InstructionSet::kAvx2);
  EXPECT_EQ(said(at::kFloat), "dtype fp32: this processor does not multiply bf16 natively\n");
  kernels::AllowInstructionSet(allowed);
}

}  // namespace
}  // namespace gemtune::model
