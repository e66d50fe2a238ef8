#pragma once

// What the kernels' tests share: operands of either type, their plain double-precision twins, and every
// instruction set that the machine has in turn.

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cmath>
#include <random>
#include <vector>

#include "gemtune/base/float16.h"
#include "gemtune/kernels/floats.h"
#include "gemtune/kernels/instruction_set.h"

namespace gemtune::kernels {

/// Numbers as fp32 or bf16, and exactly those numbers as double.
class Operand {
 public:
  Operand(bool is_bf16, size_t n) : is_bf16_(is_bf16), floats_(is_bf16 ? 0 : n), bf16s_(is_bf16 ? n : 0) {}

  static Operand Random(bool is_bf16, size_t n, std::mt19937& random, double scale = 1.0) {
    Operand x(is_bf16, n);
    std::normal_distribution<double> normal(0.0, scale);
    for (size_t i = 0; i < n; ++i) x.Set(i, static_cast<float>(normal(random)));
    return x;
  }

  void Set(size_t i, float value) {
    if (is_bf16_) {
      bf16s_[i].bits = BFloat16FromFloat(value);
    } else {
      floats_[i] = value;
    }
  }
  double operator[](size_t i) const { return is_bf16_ ? FloatFromBFloat16(bf16s_[i].bits) : floats_[i]; }
  size_t size() const { return floats_.size() + bf16s_.size(); }

  ConstFloats in() const { return is_bf16_ ? ConstFloats(bf16s_.data()) : ConstFloats(floats_.data()); }
  Floats out() { return is_bf16_ ? Floats(bf16s_.data()) : Floats(floats_.data()); }

 private:
  bool is_bf16_;
  std::vector<float> floats_;
  std::vector<BFloat16> bf16s_;
};

/// Each number within `tolerance` of the expected one, relative to the array's largest or to `terms`, the
/// size of what was added up: where all cancels out, what is left is rounding.
template <typename Actual>
void ExpectClose(const Actual& actual, const std::vector<double>& expected, double tolerance,
                 const char* what, double terms = 0.05) {
  double largest = terms;
  for (const double x : expected) largest = std::max(largest, std::abs(x));
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], tolerance * largest) << what << " at " << i;
  }
}

/// Runs body(name) with Highway held to each instruction set of this machine.
template <typename Body>
void OnEveryTarget(Body&& body) {
  const int64_t all = hwy::SupportedTargets();
  for (int64_t rest = all; rest != 0; rest &= rest - 1) {
    const int64_t target = rest & -rest;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();
    const testing::ScopedTrace trace(__FILE__, __LINE__, hwy::TargetName(target));
    body();
  }
  AllowInstructionSet(AllowedInstructionSet());
}

}  // namespace gemtune::kernels
