#pragma once

// One table for all ops. A row is an op with its inputs in many shapes, in the op's own test file; a column
// is an implementation. A cell is a test: in one dtype, the results and the gradients of all inputs in all
// shapes, against the same op on double tensors, which in turn is held to finite differences. The row
//   INSTANTIATE_TEST_SUITE_P(GeGlu, OpTest, testing::ValuesIn(CellsOf({.cases = Cases})), NameOf);
// makes GeGlu/OpTest.EqualsTheReference/avx2_bf16 and so on.

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gemtune/kernels/instruction_set.h"
#include "tests/support/gradcheck.h"

namespace gemtune::ops {

// ---- Rows.

/// The type of a tensor in a model of some dtype: that dtype, or fp32 in any, as the residual stream and
/// adapters. In the reference all are double.
enum class Held { kAsTheModel, kWide };

inline at::ScalarType TypeOf(Held held, at::ScalarType dtype) {
  return held == Held::kWide && dtype != at::kDouble ? at::kFloat : dtype;
}

/// An input that has a gradient, unless it is frozen.
struct Leaf {
  at::Tensor numbers;  // double
  Held held = Held::kAsTheModel;
  bool is_frozen = false;
};

/// Normally distributed.
inline Leaf Normal(at::IntArrayRef shape, double scale = 1.0, Held held = Held::kAsTheModel) {
  return {.numbers = at::randn(shape, at::kDouble) * scale, .held = held};
}

/// Sizes around those of the vectors of every instruction set, fp32 and bf16: below one, one, two and one
/// more.
inline std::vector<int64_t> VectorTails() {
  return {5, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65};
}

/// What an op is called with.
struct Inputs {
  std::vector<at::Tensor> leaves;
  at::ScalarType dtype;  // the model's; double: the reference
  at::Device device;     // where the leaves lie, and all else must

  const at::Tensor& operator[](size_t i) const { return leaves.at(i); }
  bool is_reference() const { return dtype == at::kDouble; }
};

/// One shape of an op.
struct OpCase {
  std::string name;
  std::vector<Leaf> leaves;
  std::function<std::vector<at::Tensor>(const Inputs& in)> run;
  double terms = 0.05;  // size of what is added up: where all of it cancels, what is left is rounding
};

constexpr double kFloatEpsilon = 0x1p-23, kBFloat16Epsilon = 0x1p-7;

/// How far off a number may be, relative to the largest of its tensor or to OpCase::terms.
struct Tolerance {
  double fp32 = 0, bf16 = 0;
};

struct OpRow {
  std::vector<OpCase> (*cases)();
  Tolerance tolerance;
  Held results = Held::kAsTheModel;
  bool has_gradients = true;
  bool (*is_available)() = nullptr;  // by some columns only: asked while one is in force
};

// ---- Columns.

/// An implementation: where tensors lie, and what kernels may use there.
struct Column {
  std::string name;
  at::Device device;
  kernels::InstructionSet set;
};

/// All but the reference.
inline const std::vector<Column>& Columns() {
  using kernels::InstructionSet;
  static const std::vector<Column> columns = {{"composition", at::kCPU, InstructionSet::kNone},
                                              {"avx2", at::kCPU, InstructionSet::kAvx2},
                                              {"avx512", at::kCPU, InstructionSet::kAvx512},
                                              {"all", at::kCPU, InstructionSet::kAll}};
  return columns;
}

/// While one stands, ops go the column's way.
class InForce {
 public:
  explicit InForce(const Column& column) : before_(kernels::AllowedInstructionSet()) {
    using kernels::InstructionSet;
    if (column.set > before_) {
      missing_ = "GEMTUNE_INSTRUCTION_SET allows less";
      return;
    }
    kernels::AllowInstructionSet(column.set);
    const bool have_avx2 = HWY_ARCH_X86 != 0 && hwy::SupportedTargets() % (2 * HWY_AVX2) != 0;
    if ((column.set == InstructionSet::kAvx2 && !have_avx2) ||
        (column.set == InstructionSet::kAvx512 && !kernels::HaveAvx512())) {
      missing_ = "the processor has less";
    }
  }
  ~InForce() { kernels::AllowInstructionSet(before_); }
  InForce(const InForce&) = delete;
  InForce& operator=(const InForce&) = delete;

  /// Why the column cannot be had; "": it can.
  const std::string& missing() const { return missing_; }

 private:
  const kernels::InstructionSet before_;
  std::string missing_;
};

// ---- Cells.

struct Named {
  std::string name;
  at::Tensor tensor;
};

inline std::vector<OpCase> CasesOf(const OpRow& row) {
  const InForce without_kernels(Columns().front());
  at::manual_seed(0);
  return row.cases();
}

/// Results and gradients of numbers that were rounded as `rounding` holds them, computed in `dtype`.
inline std::vector<Named> Outcome(const OpCase& c, const OpRow& row, at::ScalarType rounding,
                                  at::ScalarType dtype, const at::Device& device) {
  const at::AutoGradMode mode(row.has_gradients);
  Inputs in{.leaves = {}, .dtype = dtype, .device = device};
  for (const Leaf& leaf : c.leaves) {
    const at::Tensor numbers = leaf.numbers.to(TypeOf(leaf.held, rounding));
    in.leaves.push_back(numbers.to(device, TypeOf(leaf.held, dtype), /*non_blocking=*/false, /*copy=*/true)
                            .set_requires_grad(row.has_gradients && !leaf.is_frozen));
  }
  std::vector<Named> outcome;
  at::Tensor objective;
  for (const at::Tensor& result : c.run(in)) {
    outcome.push_back({fmt::format("result {}", outcome.size()), result.detach()});
    if (!result.requires_grad()) continue;
    at::manual_seed(11);
    const at::Tensor weight = at::randn(result.sizes(), at::kDouble).to(at::kBFloat16).to(result.options());
    const at::Tensor term = (result * weight).sum(TypeOf(Held::kWide, dtype));
    objective = objective.defined() ? objective + term : term;
  }
  if (objective.defined()) objective.backward();
  for (size_t i = 0; i < c.leaves.size(); ++i) {
    const at::Tensor& leaf = in.leaves[i];
    const at::Tensor before = c.leaves[i].numbers.to(TypeOf(c.leaves[i].held, rounding));
    outcome.push_back({fmt::format("input {} afterwards, less what it was,", i),
                       leaf.detach() - before.to(leaf.options())});
    if (!leaf.requires_grad()) continue;
    outcome.push_back({fmt::format("the gradient of input {}", i), leaf.grad()});
  }
  return outcome;
}

/// What is wrong, and how near to it the rest came.
struct Findings {
  std::vector<std::string> faults;
  double worst = 0;  // difference of a number, as a share of what is allowed
};

/// Holds a tensor to the reference's.
inline void Compare(const std::string& name, const at::Tensor& actual, const at::Tensor& expected,
                    double tolerance, double terms, Findings& findings) {
  const auto fault = [&](const std::string& what) { findings.faults.push_back(name + " " + what); };
  if (!actual.defined() || !expected.defined()) return fault("is missing");
  if (actual.sizes() != expected.sizes()) return fault("has another shape");
  if (expected.numel() == 0) return;
  const at::Tensor wanted = expected.to_dense().cpu();
  const double largest = wanted.abs().max().item<double>();
  const double difference = (actual.to_dense().cpu().to(at::kDouble) - wanted).abs().max().item<double>();
  const double share = difference / (tolerance * std::max(largest, terms));
  if (!(share <= 1)) {  // so that NaN is none
    fault(fmt::format("is {:.3g} off, {:.3g} times what is allowed of numbers up to {:.3g}", difference,
                      share, largest));
  }
  findings.worst = std::max(findings.worst, share);
}

/// Holds all shapes of an op in fp32 or bf16, with the column in force, to the reference.
inline Findings CompareAll(const OpRow& row, const Column& column, at::ScalarType dtype) {
  const double tolerance = dtype == at::kFloat ? row.tolerance.fp32 : row.tolerance.bf16;
  Findings all;
  for (const OpCase& c : CasesOf(row)) {
    const auto expected = [&] {
      const InForce without_kernels(Columns().front());
      return Outcome(c, row, dtype, at::kDouble, at::kCPU);
    }();
    const auto actual = Outcome(c, row, dtype, dtype, column.device);
    Findings findings;
    if (actual.size() != expected.size()) findings.faults.emplace_back("gives another number of tensors");
    for (size_t i = 0; i < std::min(actual.size(), expected.size()); ++i) {
      const auto& [name, tensor] = actual[i];
      Compare(name, tensor, expected[i].tensor, tolerance, c.terms, findings);
      if (name.starts_with("result") && tensor.scalar_type() != TypeOf(row.results, dtype)) {
        findings.faults.push_back(name + " has another type");
      }
    }
    for (const std::string& fault : findings.faults) all.faults.push_back(c.name + ": " + fault);
    all.worst = std::max(all.worst, findings.worst);
  }
  return all;
}

/// Holds the reference to finite differences, in the cases of a few numbers; there must be one.
inline void ExpectReferenceGradients(const OpRow& row) {
  constexpr int64_t kFew = 100;
  bool is_held = false;
  for (const OpCase& c : CasesOf(row)) {
    std::vector<at::Tensor> leaves;
    int64_t numbers = 0;
    for (const Leaf& leaf : c.leaves) {
      leaves.push_back(leaf.numbers.clone());
      numbers += leaf.numbers.numel();
    }
    if (numbers > kFew) continue;
    const auto results = [&c](const std::vector<at::Tensor>& in) {
      std::vector<at::Tensor> flat;
      for (const at::Tensor& result : c.run({in, at::kDouble, at::kCPU})) flat.push_back(result.flatten());
      return at::cat(flat);
    };
    const testing::ScopedTrace trace(__FILE__, __LINE__, c.name);
    test::ExpectGradients(results, leaves);
    is_held = true;
  }
  EXPECT_TRUE(is_held);
}

/// An op, an implementation (none: the reference itself) and a dtype.
struct Cell {
  OpRow row;
  std::optional<Column> column;
  at::ScalarType dtype;
};

inline std::vector<Cell> CellsOf(const OpRow& row) {
  std::vector<Cell> cells;
  if (row.has_gradients) cells.push_back({row, std::nullopt, at::kDouble});
  for (const Column& column : Columns()) {
    for (const auto dtype : {at::kFloat, at::kBFloat16}) cells.push_back({row, column, dtype});
  }
  return cells;
}

inline std::string NameOf(const testing::TestParamInfo<Cell>& info) {
  if (!info.param.column) return "reference_fp64";
  return info.param.column->name + (info.param.dtype == at::kFloat ? "_fp32" : "_bf16");
}

inline void PrintTo(const Cell& cell, std::ostream* out) {
  *out << (cell.column ? cell.column->name : "reference") << " in " << cell.dtype;
}

class OpTest : public testing::TestWithParam<Cell> {};

}  // namespace gemtune::ops
