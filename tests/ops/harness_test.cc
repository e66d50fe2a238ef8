#include "tests/ops/harness.h"

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>

#include "gemtune/base/parallel.h"

namespace gemtune::ops {

// Thousands of small ops: on a busy machine each would wait for threads that spin.
class SleepingThreads : public testing::Environment {
 public:
  void SetUp() override { SetNumThreads(0); }
};
[[maybe_unused]] const testing::Environment* const kThreads =
    testing::AddGlobalTestEnvironment(new SleepingThreads);

TEST_P(OpTest, EqualsTheReference) {
  const auto& [row, column, dtype] = GetParam();
  if (!column) return ExpectReferenceGradients(row);
  const InForce in_force(*column);
  if (!in_force.missing().empty()) GTEST_SKIP() << column->name << ": " << in_force.missing();
  if (row.is_available != nullptr && !row.is_available()) GTEST_SKIP() << column->name << " does not do this";
  const Findings findings = CompareAll(row, *column, dtype);
  RecordProperty("worst_share_of_tolerance", fmt::format("{:.2f}", findings.worst));
  for (const std::string& fault : findings.faults) ADD_FAILURE() << fault;
}

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// What is found of an op that squares in double, and else does something wrong.
std::vector<std::string> FaultsOf(const std::function<at::Tensor(const at::Tensor& x)>& wrong,
                                  at::ScalarType dtype = at::kFloat) {
  const auto run = [&](const Inputs& in) {
    return std::vector{in.is_reference() ? in[0].square() : wrong(in[0])};
  };
  const auto cases = [&] {
    return std::vector<OpCase>{{.name = "seventeen", .leaves = {Normal({17})}, .run = run}};
  };
  return CompareAll({.cases = cases, .tolerance = InEpsilons(8, 0.6)}, Columns().front(), dtype).faults;
}

// As the tail of a vector loop.
at::Tensor Last(const at::Tensor& x) {
  return at::one_hot(at::tensor({16}, at::kLong), 17)[0].to(x.scalar_type());
}

// Nothing but a gradient.
at::Tensor Slope(const at::Tensor& x) {
  return x - x.detach();
}

TEST(Harness, FindsWrongNumbers) {
  EXPECT_THAT(FaultsOf([](const at::Tensor& x) { return x.square(); }), IsEmpty());
  EXPECT_THAT(FaultsOf([](const at::Tensor& x) { return x.square() + 0.01 * Last(x); }),
              ElementsAre(StartsWith("seventeen: result 0 is 0.01 off")));
  EXPECT_THAT(FaultsOf([](const at::Tensor& x) { return x.square() + 0.001 * Slope(x); }),
              ElementsAre(HasSubstr("the gradient of input 0 is")));
  EXPECT_THAT(FaultsOf([](const at::Tensor& x) { return x.square() + 0.1 * Last(x) * Slope(x); }),
              ElementsAre(HasSubstr("the gradient of input 0 is")));
}

TEST(Harness, ToleratesRoundingOfTheDtypeAlone) {
  const auto slightly = [](const at::Tensor& x) { return x.square() + 0.001 * Slope(x); };
  EXPECT_THAT(FaultsOf(slightly, at::kBFloat16), IsEmpty());
  const auto badly = [](const at::Tensor& x) { return x.square() + 0.1 * Last(x) * Slope(x); };
  EXPECT_THAT(FaultsOf(badly, at::kBFloat16), ElementsAre(HasSubstr("the gradient of input 0 is")));
}

TEST(Harness, FindsWhatIsNoNumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(FaultsOf([&](const at::Tensor& x) { return x.square() + Last(x) * nan; }),
              ElementsAre(HasSubstr("nan off")));
  EXPECT_THAT(FaultsOf([](const at::Tensor& x) { return x.square() + (0 * Slope(x)).sqrt(); }),
              ElementsAre(HasSubstr("nan off")));
}

TEST(Harness, FindsWhatIsMissingOrOfAnotherKind) {
  EXPECT_THAT(FaultsOf([](const at::Tensor& x) { return x.detach().square(); }),
              ElementsAre(HasSubstr("the gradient of input 0 is missing")));
  EXPECT_THAT(FaultsOf([](const at::Tensor& x) { return x.square().unsqueeze(0); }),
              ElementsAre(HasSubstr("result 0 has another shape")));
  EXPECT_THAT(FaultsOf([](const at::Tensor& x) { return x.square().to(at::kDouble); }),
              ElementsAre(HasSubstr("result 0 has another type")));
}

TEST(Harness, FindsAnInputThatWasWrittenTo) {
  const auto overwrite = [](const at::Tensor& x) {
    const at::Tensor y = x.clone().square();
    x.detach().add_(1);
    return y;
  };
  EXPECT_THAT(FaultsOf(overwrite), ElementsAre(HasSubstr("the change of input 0 is 1 off")));
}

// As a backward pass that computes a gradient only beside another.
TEST(Harness, FindsAGradientThatIsWrongByItself) {
  const auto run = [](const Inputs& in) {
    const bool is_wrong = !in.is_reference() && !in[1].requires_grad();
    return std::vector{in[0].square() + in[1].square() + 0.001 * Slope(in[0]) * (is_wrong ? 1 : 0)};
  };
  const auto cases = [&] {
    return std::vector<OpCase>{{.name = "two", .leaves = {Normal({3}), Normal({3})}, .run = run}};
  };
  const OpRow row{.cases = cases, .tolerance = InEpsilons(8, 1)};
  EXPECT_THAT(CompareAll(row, Columns().front(), at::kFloat).faults,
              ElementsAre(StartsWith("two, input 0 alone trained: the gradient of input 0 is")));
}

TEST(Harness, FindsAReferenceThatIsWrong) {
  const auto run = [](const Inputs& in) { return std::vector{in[0].square() + 0.001 * Slope(in[0])}; };
  static OpRow row;
  row.cases = [&] { return std::vector<OpCase>{{.name = "one", .leaves = {Normal({1})}, .run = run}}; };
  EXPECT_NONFATAL_FAILURE(ExpectReferenceGradients(row), "input 0 element 0");
}

TEST(Harness, AColumnIsInForceAndOutOfItAgain) {
  const auto before = kernels::AllowedInstructionSet();
  for (const Column& column : Columns()) {
    const InForce in_force(column);
    EXPECT_EQ(kernels::AllowedInstructionSet(), column.set > before ? before : column.set) << column.name;
  }
  EXPECT_EQ(kernels::AllowedInstructionSet(), before);
  kernels::AllowInstructionSet(kernels::InstructionSet::kNone);
  EXPECT_THAT(InForce(Columns().back()).missing(), HasSubstr("GEMTUNE_INSTRUCTION_SET"));
  kernels::AllowInstructionSet(before);
}

}  // namespace
}  // namespace gemtune::ops
