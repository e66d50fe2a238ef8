#include "gemtune/kernels/instruction_set.h"

#include <gmock/gmock.h>
#include <hwy/highway.h>

#include <cstdlib>
#include <string>

#include "gemtune/base/error.h"
#include "gemtune/kernels/block_gemm.h"
#include "gemtune/kernels/gemm.h"
#include "gemtune/kernels/int8_gemm.h"

namespace gemtune::kernels {
namespace {

class InstructionSetTest : public testing::Test {
 protected:
  ~InstructionSetTest() override { AllowInstructionSet(before_); }
  const InstructionSet before_ = AllowedInstructionSet();
};

TEST_F(InstructionSetTest, WhatIsNotAllowedIsNotThere) {
  using enum InstructionSet;
  for (const InstructionSet set : {kNone, kAvx2, kAvxVnni, kAvx512, kAvx512Vnni}) {
    AllowInstructionSet(set);
    EXPECT_EQ(AllowedInstructionSet(), set);
    EXPECT_FALSE(HaveAvx512Bf16() || HaveAmxBf16());
    EXPECT_FALSE(set < kAvx2 && HaveAvx2());
    EXPECT_FALSE(set < kAvxVnni && HaveAvxVnni());
    EXPECT_FALSE(set < kAvx512 && HaveAvx512());
    EXPECT_FALSE(set < kAvx512Vnni && HaveAvx512Vnni());
    EXPECT_TRUE(BFloat16Gemms().empty());
    EXPECT_EQ(HaveInt8Gemm(), HaveAvxVnni() || HaveAvx512Vnni());
    EXPECT_EQ(GemmIsFast(/*is_bf16=*/true), HaveAvx2());
    EXPECT_EQ(GemmIsFast(/*is_bf16=*/false), HaveAvx2() && IsAmd());
  }
}

TEST_F(InstructionSetTest, ReportsWhatIsInUse) {
  using testing::Contains;
  AllowInstructionSet(InstructionSet::kAll);
  EXPECT_EQ(InstructionsInUse().empty(), !HaveAvx2() && (hwy::SupportedTargets() & HWY_NEON) == 0);
  if (HaveAvx512Bf16()) {
    EXPECT_THAT(InstructionsInUse(), Contains("avx512_bf16"));
  }
  AllowInstructionSet(InstructionSet::kAvx2);
  if (HaveAvx2()) {
    EXPECT_THAT(InstructionsInUse(), testing::ElementsAre("avx2"));
  }
  AllowInstructionSet(InstructionSet::kNone);
  EXPECT_THAT(InstructionsInUse(), testing::IsEmpty());
}

TEST_F(InstructionSetTest, AllIsWhatTheProcessorHas) {
  AllowInstructionSet(InstructionSet::kAll);
#if defined(__x86_64__)
  EXPECT_EQ(HaveAvx512Bf16(), __builtin_cpu_supports("avx512bf16") != 0);
  EXPECT_EQ(HaveAvx512Vnni(), __builtin_cpu_supports("avx512vnni") != 0);
  EXPECT_EQ(HaveAvx512(), (hwy::SupportedTargets() & HWY_AVX3) != 0);
#endif
  EXPECT_EQ(BFloat16Gemms().size(), HaveAvx512Bf16() ? (HaveAmxBf16() ? 2u : 1u) : 0u);
}

TEST_F(InstructionSetTest, HoldsHighwayToo) {
  AllowInstructionSet(InstructionSet::kAll);
  const int64_t all = hwy::SupportedTargets();
#if defined(__x86_64__)
  for (const auto& [set, best] :
       {std::pair(InstructionSet::kAvx2, HWY_AVX2), std::pair(InstructionSet::kAvx512, HWY_AVX3)}) {
    AllowInstructionSet(set);
    EXPECT_EQ(hwy::SupportedTargets(), all & ~(best - 1));
    EXPECT_FALSE(hwy::GetChosenTarget().IsInitialized());
  }
#endif
  AllowInstructionSet(InstructionSet::kNone);
  EXPECT_EQ(hwy::SupportedTargets(), HWY_STATIC_TARGET);
  AllowInstructionSet(InstructionSet::kAll);
  EXPECT_EQ(hwy::SupportedTargets(), all);
}

// Each in a process of its own, which the environment is set before.
class InstructionSetDeathTest : public testing::Test {
 protected:
  InstructionSetDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  ~InstructionSetDeathTest() override {
    before_.empty() ? ::unsetenv(kVariable) : ::setenv(kVariable, before_.c_str(), 1);
  }
  static void Set(const char* word) { ::setenv(kVariable, word, 1); }

 private:
  static constexpr const char* kVariable = "GEMTUNE_INSTRUCTION_SET";
  const std::string before_ = std::getenv(kVariable) == nullptr ? "" : std::getenv(kVariable);
};

TEST_F(InstructionSetDeathTest, TheEnvironmentSaysWhatIsAllowedBeforeTheFirstKernelRuns) {
  const auto targets_and_set = [] {
    std::fprintf(stderr, "targets %d", hwy::SupportedTargets() == HWY_STATIC_TARGET ? 1 : 0);
    std::exit(static_cast<int>(AllowedInstructionSet()));
  };
  Set("none");
  EXPECT_EXIT(targets_and_set(), testing::ExitedWithCode(static_cast<int>(InstructionSet::kNone)),
              "targets 1");
  Set("avx2");
  EXPECT_EXIT(targets_and_set(), testing::ExitedWithCode(static_cast<int>(InstructionSet::kAvx2)), "");
  Set("avx512");
  EXPECT_EXIT(targets_and_set(), testing::ExitedWithCode(static_cast<int>(InstructionSet::kAvx512)), "");
  Set("all");
  EXPECT_EXIT(targets_and_set(), testing::ExitedWithCode(static_cast<int>(InstructionSet::kAll)), "");
}

TEST_F(InstructionSetDeathTest, AnotherWordIsAnErrorThatNamesTheChoices) {
  const auto complain = [] {
    try {
      AllowedInstructionSet();
    } catch (const Error& error) {
      std::fputs(error.what(), stderr);
      std::exit(7);
    }
  };
  Set("sse9");
  EXPECT_EXIT(
      complain(), testing::ExitedWithCode(7),
      "GEMTUNE_INSTRUCTION_SET is 'sse9'; set it to one of none, avx2, avx_vnni, avx512, avx512_vnni, all");
}

}  // namespace
}  // namespace gemtune::kernels
