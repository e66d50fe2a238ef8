#pragma once

#include "gemtune/kernels/instruction_set.h"

namespace gemtune::test {

/// As long as it is there, every op is a composition of ATen calls.
class WithoutKernels {
 public:
  WithoutKernels() { kernels::AllowInstructionSet(kernels::InstructionSet::kNone); }
  ~WithoutKernels() { kernels::AllowInstructionSet(before_); }
  WithoutKernels(const WithoutKernels&) = delete;
  WithoutKernels& operator=(const WithoutKernels&) = delete;

 private:
  const kernels::InstructionSet before_ = kernels::AllowedInstructionSet();
};

}  // namespace gemtune::test
