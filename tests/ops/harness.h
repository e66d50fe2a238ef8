#pragma once

// One table for all ops. A row is an op with its inputs in many shapes, in the op's own test file; a column
// is an implementation. A cell is a test: in one dtype, the results and the gradients of all inputs in all
// shapes against the same op on double tensors without kernels, which in turn is held to finite differences.
// The row
//   OP_ROW(GeGlu, .cases = Cases, .tolerance = InEpsilons(8, 1));
// makes GeGlu/OpTest.EqualsTheReference/avx2_bf16 and so on.

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gemtune/kernels/instruction_set.h"
#include "gemtune/ops/device.h"
#include "tests/support/cuda_on_host.h"
#include "tests/support/gradcheck.h"
#include "tests/support/without_kernels.h"

namespace gemtune::ops {

// ---- Rows.

/// The type of a tensor in a model of some dtype: that dtype; fp32 in any, as the residual stream and
/// adapters; double. In the reference all are double.
enum class Held { kAsTheModel, kWide, kDouble };

inline at::ScalarType TypeOf(Held held, at::ScalarType dtype) {
  if (dtype == at::kDouble || held == Held::kDouble) return at::kDouble;
  return held == Held::kWide ? at::kFloat : dtype;
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

/// What an op is called with.
struct Inputs {
  std::vector<at::Tensor> leaves;
  at::ScalarType dtype;  // the model's; double: the reference
  at::Device device;     // where the leaves lie, and all else must

  const at::Tensor& operator[](size_t i) const { return leaves.at(i); }
  bool is_reference() const { return dtype == at::kDouble; }
};

/// One shape of an op. What it is given it must leave as it is.
struct OpCase {
  std::string name;
  std::vector<Leaf> leaves;
  std::function<std::vector<at::Tensor>(const Inputs& in)> run;
  double terms = 0.05;  // size of what is added up: where all of it cancels, what is left is rounding

  /// So few numbers that much can be asked of it: finite differences, and each gradient by itself.
  bool is_small() const {
    int64_t numbers = 0;
    for (const Leaf& leaf : leaves) numbers += leaf.numbers.numel();
    return numbers <= 200;
  }
};

/// How far off a number may be, relative to the largest of its tensor or to OpCase::terms.
struct Tolerance {
  double fp32, bf16;
};
constexpr Tolerance InEpsilons(double fp32, double bf16) {
  return {.fp32 = fp32 * 0x1p-23, .bf16 = bf16 * 0x1p-7};
}

struct OpRow {
  std::function<std::vector<OpCase>()> cases;
  Tolerance tolerance;
  Held results = Held::kAsTheModel;
  bool has_gradients = true;
  bool (*is_available)() = nullptr;  // by some columns only: asked while one is in force
};

/// Sizes around those of vectors of every instruction set in fp32 and bf16: less than one, one, two, and a
/// tail.
inline std::vector<int64_t> VectorTails() {
  return {5, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65};
}

// ---- Columns.

/// An implementation: where tensors lie, and what kernels may use there.
struct Column {
  std::string name;
  at::Device device;
  kernels::InstructionSet set;
  bool is_cuda = false;
};

/// The card that is tested on, if GEMTUNE_TEST_DEVICE says so (cuda), else the host, where a card's kernels
/// run too.
inline at::Device CudaDevice() {
  const char* name = std::getenv("GEMTUNE_TEST_DEVICE");
  return name == nullptr ? Host() : FindDevice(name);
}

/// All but the reference. Older processors' are with their 8-bit products, where this one has them, too.
inline const std::vector<Column>& Columns() {
  using kernels::InstructionSet;
  static const std::vector<Column> columns = {{"composition", at::kCPU, InstructionSet::kNone},
                                              {"avx2", at::kCPU, InstructionSet::kAvxVnni},
                                              {"avx512", at::kCPU, InstructionSet::kAvx512Vnni},
                                              {"all", at::kCPU, InstructionSet::kAll},
                                              {"cuda", CudaDevice(), InstructionSet::kAll, true}};
  return columns;
}

/// While it exists, ops use the column's implementation.
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
    if ((column.set == InstructionSet::kAvxVnni && !have_avx2) ||
        (column.set == InstructionSet::kAvx512Vnni && !kernels::HaveAvx512())) {
      missing_ = "the processor has less";
    }
    if (column.is_cuda && column.device == Host()) cuda_on_host_.emplace();
  }
  ~InForce() { kernels::AllowInstructionSet(before_); }
  InForce(const InForce&) = delete;
  InForce& operator=(const InForce&) = delete;

  /// Why the column cannot be had; "": it can.
  const std::string& missing() const { return missing_; }

 private:
  const kernels::InstructionSet before_;
  std::string missing_;
  std::optional<test::WithCudaOnHost> cuda_on_host_;
};

// ---- Cells.

/// Every shape, with the same numbers each time.
inline std::vector<OpCase> CasesOf(const OpRow& row) {
  const test::WithoutKernels without;
  at::manual_seed(0);
  return row.cases();
}

/// What comes of a shape: results and gradients by name.
using Outcome = std::vector<std::pair<std::string, at::Tensor>>;

/// Computed in `dtype` from numbers as a model of `model_dtype` holds them; with gradients of `only` one
/// input, or of all.
inline Outcome Run(const OpRow& row, const OpCase& c, at::ScalarType model_dtype, at::ScalarType dtype,
                   const at::Device& device, std::optional<size_t> only = std::nullopt) {
  const at::AutoGradMode mode(row.has_gradients);
  Inputs in{.leaves = {}, .dtype = dtype, .device = device};
  std::vector<at::Tensor> given;
  for (size_t i = 0; i < c.leaves.size(); ++i) {
    const auto& [numbers, held, is_frozen] = c.leaves[i];
    given.push_back(numbers.to(TypeOf(held, model_dtype)).to(device, TypeOf(held, dtype)));
    const bool has_gradient = row.has_gradients && !is_frozen && only.value_or(i) == i;
    in.leaves.push_back(given.back().clone().set_requires_grad(has_gradient));
  }
  Outcome outcome;
  at::Tensor objective = at::zeros({}, at::TensorOptions(device).dtype(TypeOf(Held::kWide, dtype)));
  for (const at::Tensor& result : c.run(in)) {
    outcome.emplace_back(fmt::format("result {}", outcome.size()), result.detach());
    at::manual_seed(11);
    const at::Tensor weight = at::randn(result.sizes(), at::kDouble).to(at::kBFloat16).to(result.options());
    if (result.requires_grad()) objective = objective + (result * weight).sum(objective.scalar_type());
  }
  if (objective.requires_grad()) objective.backward();
  for (size_t i = 0; i < given.size(); ++i) {
    outcome.emplace_back(fmt::format("the change of input {}", i), in[i].detach() - given[i]);
    if (in[i].requires_grad()) outcome.emplace_back(fmt::format("the gradient of input {}", i), in[i].grad());
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
  if (!(share <= 1)) {  // nor is NaN
    fault(fmt::format("is {:.3g} off, {:.3g} times what is allowed of numbers up to {:.3g}", difference,
                      share, largest));
  }
  findings.worst = std::max(findings.worst, share);
}

/// Holds a shape of an op in fp32 or bf16, with the column in force, to the reference.
inline void CompareCase(const OpRow& row, const OpCase& c, const Column& column, at::ScalarType dtype,
                        Findings& findings) {
  const Outcome expected = [&] {
    const test::WithoutKernels without;
    return Run(row, c, dtype, at::kDouble, at::kCPU);
  }();
  const double tolerance = dtype == at::kFloat ? row.tolerance.fp32 : row.tolerance.bf16;
  const auto compare = [&](const std::string& which, const Outcome& actual) {
    for (const auto& [name, tensor] : actual) {
      const auto wanted = std::find_if(expected.begin(), expected.end(),
                                       [&name = name](const auto& pair) { return pair.first == name; });
      const std::string place = c.name + which + ": " + name;
      Compare(place, tensor, wanted == expected.end() ? at::Tensor() : wanted->second, tolerance, c.terms,
              findings);
      if (name.starts_with("result") && tensor.scalar_type() != TypeOf(row.results, dtype)) {
        findings.faults.push_back(place + " has another type");
      }
    }
  };
  const Outcome actual = Run(row, c, dtype, dtype, column.device);
  if (actual.size() != expected.size()) findings.faults.push_back(c.name + ": another number of results");
  compare("", actual);
  if (!row.has_gradients || !c.is_small()) return;
  for (size_t i = 0; c.leaves.size() > 1 && i < c.leaves.size(); ++i) {
    compare(fmt::format(", input {} alone trained", i), Run(row, c, dtype, dtype, column.device, i));
  }
}

inline Findings CompareAll(const OpRow& row, const Column& column, at::ScalarType dtype) {
  Findings findings;
  for (const OpCase& c : CasesOf(row)) CompareCase(row, c, column, dtype, findings);
  return findings;
}

/// Holds the reference's gradients of the small cases to finite differences; there must be one.
inline void ExpectReferenceGradients(const OpRow& row) {
  const test::WithoutKernels without;
  bool is_held = false;
  for (const OpCase& c : CasesOf(row)) {
    if (!c.is_small()) continue;
    const testing::ScopedTrace trace(__FILE__, __LINE__, c.name);
    const auto results = [&c](const std::vector<at::Tensor>& in) {
      std::vector<at::Tensor> flat;
      for (const at::Tensor& result : c.run({in, at::kDouble, at::kCPU})) flat.push_back(result.flatten());
      return at::cat(flat);
    };
    std::vector<at::Tensor> leaves;
    for (const Leaf& leaf : c.leaves) leaves.push_back(leaf.numbers.clone());
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
  *out << NameOf({cell, 0});
}

class OpTest : public testing::TestWithParam<Cell> {};

/// In namespace gemtune::ops; the arguments after the name are the fields of an OpRow.
#define OP_ROW(name, ...) \
  INSTANTIATE_TEST_SUITE_P(name, OpTest, testing::ValuesIn(CellsOf(OpRow{__VA_ARGS__})), NameOf)

}  // namespace gemtune::ops
