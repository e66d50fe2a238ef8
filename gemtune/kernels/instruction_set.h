#pragma once

namespace gemtune::kernels {

/// How much of the processor kernels may use, each with all that stands before it. Where the processor has
/// less, less is used; on others than x86 the two in the middle are the same as kAll.
enum class InstructionSet {
  kNone,  // no kernel that an op can do without: it is a composition of ATen calls then
  kAvx2,
  kAvx512,  // as Skylake has it: without bf16, VNNI and AMX
  kAll,
};

/// kAll, or what the environment variable GEMTUNE_INSTRUCTION_SET says (none, avx2, avx512, all), read once.
/// Throws Error for another word.
InstructionSet AllowedInstructionSet();

/// Changes it, for tests: no kernel may be running.
void AllowInstructionSet(InstructionSet set);

// What of the processor kernels for it ask for. The only place that knows; false where it isn't allowed.
bool HaveAvx512();
bool HaveAvx512Bf16();
bool HaveAvx512Vnni();
bool HaveAmxBf16();  // also asks the system for the registers' use, once

/// Whether AMD made the processor: what is fastest is another question than what it has.
bool IsAmd();

}  // namespace gemtune::kernels
