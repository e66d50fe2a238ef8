#include "gemtune/kernels/instruction_set.h"

#include <fmt/ranges.h>
#include <hwy/highway.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace gemtune::kernels {
namespace {

constexpr const char* kVariable = "GEMTUNE_INSTRUCTION_SET";

struct Name {
  std::string_view name;
  InstructionSet set;
};
constexpr Name kNames[] = {{"none", InstructionSet::kNone},
                           {"avx2", InstructionSet::kAvx2},
                           {"avx_vnni", InstructionSet::kAvxVnni},
                           {"avx512", InstructionSet::kAvx512},
                           {"avx512_vnni", InstructionSet::kAvx512Vnni},
                           {"all", InstructionSet::kAll}};

InstructionSet FromEnvironment() {
  const char* value = std::getenv(kVariable);
  if (value == nullptr) return InstructionSet::kAll;
  std::vector<std::string_view> known;
  for (const Name& name : kNames) {
    if (name.name == value) return name.set;
    known.push_back(name.name);
  }
  Fail("the environment variable {} is '{}'; set it to one of {}, or not at all", kVariable, Printable(value),
       fmt::join(known, ", "));
}

// The Highway targets that `set` allows (better targets are lower bits); 0: all.
int64_t HighwayTargets(InstructionSet set) {
  // Queried before Highway is restricted, and only once: it takes microseconds on a virtual machine.
  static const int64_t detected = hwy::SupportedTargets();
  switch (set) {
    case InstructionSet::kNone:
      return HWY_STATIC_TARGET;
#if defined(__x86_64__)
    case InstructionSet::kAvx2:
    case InstructionSet::kAvxVnni:
      return detected & ~(HWY_AVX2 - 1);
    case InstructionSet::kAvx512:
    case InstructionSet::kAvx512Vnni:
      return detected & ~(HWY_AVX3 - 1);
#endif
    default:
      return 0;
  }
}

void HoldHighwayTo(InstructionSet set) {
  hwy::SetSupportedTargetsForTest(
      HighwayTargets(set));         // DisableTargets is undone by SupportedTargets (1.0.3)
  hwy::GetChosenTarget().DeInit();  // chosen anew by the next kernel
}

std::atomic<InstructionSet>& Allowed() {
  static std::atomic<InstructionSet> allowed = [] {
    const InstructionSet set = FromEnvironment();
    HoldHighwayTo(set);
    return set;
  }();
  return allowed;
}

// Highway's kernels do not check the allowed set themselves, so it is applied before the first of them runs.
// An unknown word is reported later, where the error can be caught.
[[maybe_unused]] const bool kHeld = [] {
  try {
    Allowed();
    return true;
  } catch (const Error&) {
    return false;
  }
}();

}  // namespace

InstructionSet AllowedInstructionSet() {
  return Allowed().load(std::memory_order_relaxed);
}

void AllowInstructionSet(InstructionSet set) {
  Allowed().store(set);
  HoldHighwayTo(set);
}

#if defined(__x86_64__)

bool HaveAvx2() {
  static const bool have = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  return have && AllowedInstructionSet() >= InstructionSet::kAvx2;
}

bool HaveAvx512() {
  static const bool have = __builtin_cpu_supports("avx512f") != 0 &&
                           __builtin_cpu_supports("avx512dq") != 0 &&
                           __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  return have && AllowedInstructionSet() >= InstructionSet::kAvx512;
}

bool HaveAvx512Bf16() {
  static const bool have =
      __builtin_cpu_supports("avx512bf16") != 0 && __builtin_cpu_supports("avx512bw") != 0;
  return have && AllowedInstructionSet() == InstructionSet::kAll;
}

bool HaveAvx512Vnni() {
  static const bool have = __builtin_cpu_supports("avx512vnni") != 0;
  return have && HaveAvx512() && AllowedInstructionSet() >= InstructionSet::kAvx512Vnni;
}

bool HaveAvxVnni() {
  // g++ 12's __builtin_cpu_supports does not know it.
  static const bool have = [] {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    constexpr unsigned kAvxVnni = 1u << 4;
    return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & kAvxVnni) != 0;
  }();
  return have && HaveAvx2() && AllowedInstructionSet() >= InstructionSet::kAvxVnni;
}

bool HaveAmxBf16() {
  if (AllowedInstructionSet() != InstructionSet::kAll) return false;
  static const bool have = [] {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    constexpr unsigned kAmxBf16 = 1u << 22, kAmxTile = 1u << 24;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
    if ((edx & kAmxBf16) == 0 || (edx & kAmxTile) == 0) return false;
    // Linux gives a process the tile registers only on request (arch_prctl(2), ARCH_REQ_XCOMP_PERM).
    constexpr int kRequestPermission = 0x1023, kTileData = 18;
    return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return have;
}

bool IsAmd() {
  return __builtin_cpu_is("amd") != 0;
}

#else

bool HaveAvx2() {
  return false;
}
bool HaveAvx512() {
  return false;
}
bool HaveAvx512Bf16() {
  return false;
}
bool HaveAvx512Vnni() {
  return false;
}
bool HaveAvxVnni() {
  return false;
}
bool HaveAmxBf16() {
  return false;
}
bool IsAmd() {
  return false;
}

#endif

std::vector<std::string> InstructionsInUse() {
  std::vector<std::string> names;
#if defined(__aarch64__)
  if (AllowedInstructionSet() > InstructionSet::kNone) names.emplace_back("neon");
#endif
  for (const auto& [have, name] :
       {std::pair(HaveAvx2(), "avx2"), std::pair(HaveAvxVnni(), "avx_vnni"),
        std::pair(HaveAvx512(), "avx512"), std::pair(HaveAvx512Vnni(), "avx512_vnni"),
        std::pair(HaveAvx512Bf16(), "avx512_bf16"), std::pair(HaveAmxBf16(), "amx_bf16")}) {
    if (have) names.emplace_back(name);
  }
  return names;
}

}  // namespace gemtune::kernels
