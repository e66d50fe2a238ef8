#pragma once

#include <string>
#include <vector>

namespace gemtune::kernels {

/// The instructions that kernels may use; each level includes those before it. If the processor has fewer,
/// fewer are used. On processors other than x86 the middle levels equal kAll.
enum class InstructionSet {
  kNone,  // no optional kernels: ops are compositions of ATen calls
  kAvx2,
  kAvxVnni,     // as on a laptop since Alder Lake
  kAvx512,      // as on Skylake: without bf16, VNNI and AMX
  kAvx512Vnni,  // as on Cascade Lake
  kAll,
};

/// kAll, or the value of the environment variable GEMTUNE_INSTRUCTION_SET (none, avx2, avx_vnni, avx512,
/// avx512_vnni, all), read once. Throws Error for any other value.
InstructionSet AllowedInstructionSet();

/// Changes it, for tests; no kernel may be running.
void AllowInstructionSet(InstructionSet set);

// The processor's features, for kernels that need them; false if not allowed. No other code queries the
// processor.
bool HaveAvx2();  // and FMA
bool HaveAvx512();
bool HaveAvx512Bf16();
bool HaveAvx512Vnni();
bool HaveAvxVnni();
bool HaveAmxBf16();  // also requests the registers from the system, once

/// The features above that the processor has and that are allowed, for reports: {"avx2", "avx_vnni"};
/// {"neon"} on Arm.
std::vector<std::string> InstructionsInUse();

/// Whether the processor is AMD's, which can decide what is fastest.
bool IsAmd();

}  // namespace gemtune::kernels
