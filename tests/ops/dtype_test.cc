#include "gemtune/ops/dtype.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace gemtune::ops {
namespace {

TEST(DType, IsOneOfLibTorchsAndComesBack) {
  for (const char* name :
       {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2"}) {
    const DType dtype = ParseDType(name);
    const at::ScalarType type = ToScalarType(dtype);
    EXPECT_EQ(ToDType(type), dtype) << name;
    EXPECT_EQ(static_cast<int64_t>(c10::elementSize(type)), ElementSize(dtype)) << name;
  }
  EXPECT_EQ(ToScalarType(DType::kBF16), at::kBFloat16);
  EXPECT_EQ(ToScalarType(DType::kF16), at::kHalf);
  EXPECT_THROW(ToDType(at::kComplexFloat), std::logic_error);
}

}  // namespace
}  // namespace gemtune::ops
