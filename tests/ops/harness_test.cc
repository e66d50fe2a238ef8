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

// Ops that are wrong in one thing; in double they are right.

using Square = at::Tensor (*)(const at::Tensor& x);

template <Square kWrong>
std::vector<OpCase> Cases() {
  return {{.name = "seventeen", .leaves = {Normal({17})}, .run = [](const Inputs& in) {
             return std::vector{in.is_reference() ? in[0].square() : kWrong(in[0])};
           }}};
}

// As the tail of a vector loop.
at::Tensor Last(const at::Tensor& x) {
  return at::one_hot(at::tensor({16}, at::kLong), 17)[0].to(x.scalar_type());
}

at::Tensor Right(const at::Tensor& x) {
  return x.square();
}
at::Tensor WrongAtTheEnd(const at::Tensor& x) {
  return x.square() + 0.01 * Last(x);
}
at::Tensor WrongGradient(const at::Tensor& x) {
  return x.square() + 0.001 * (x - x.detach());
}
at::Tensor WrongGradientAtTheEnd(const at::Tensor& x) {
  return x.square() + 0.1 * Last(x) * (x - x.detach());
}
at::Tensor NoGradient(const at::Tensor& x) {
  return x.detach().square();
}
at::Tensor NotANumber(const at::Tensor& x) {
  return x.square() + Last(x) * std::numeric_limits<double>::quiet_NaN();
}
at::Tensor NotANumberBackwards(const at::Tensor& x) {
  return x.square() + (0 * (x - x.detach())).sqrt();
}
at::Tensor AnotherShape(const at::Tensor& x) {
  return x.square().unsqueeze(0);
}
at::Tensor AnotherType(const at::Tensor& x) {
  return x.square().to(at::kDouble);
}
at::Tensor Overwrites(const at::Tensor& x) {
  const at::Tensor y = x.clone().square();
  x.detach().add_(1);
  return y;
}

template <Square kWrong>
std::vector<std::string> Faults(at::ScalarType dtype = at::kFloat) {
  const OpRow row{.cases = Cases<kWrong>, .tolerance = InEpsilons(8, 0.6)};
  return CompareAll(row, Columns().front(), dtype).faults;
}

TEST(Harness, FindsWhatIsWrong) {
  EXPECT_THAT(Faults<Right>(), IsEmpty());
  EXPECT_THAT(Faults<WrongAtTheEnd>(), ElementsAre(StartsWith("seventeen: result 0 is 0.01 off")));
  EXPECT_THAT(Faults<WrongGradient>(), ElementsAre(HasSubstr("the gradient of input 0 is")));
  EXPECT_THAT(Faults<WrongGradientAtTheEnd>(), ElementsAre(HasSubstr("the gradient of input 0 is")));
  EXPECT_THAT(Faults<NoGradient>(), ElementsAre(HasSubstr("the gradient of input 0 is missing")));
  EXPECT_THAT(Faults<NotANumber>(), ElementsAre(HasSubstr("nan off")));
  EXPECT_THAT(Faults<NotANumberBackwards>(), ElementsAre(HasSubstr("nan off")));
  EXPECT_THAT(Faults<AnotherShape>(), ElementsAre(HasSubstr("result 0 has another shape")));
  EXPECT_THAT(Faults<AnotherType>(), ElementsAre(HasSubstr("result 0 has another type")));
  EXPECT_THAT(Faults<Overwrites>(), testing::Contains(HasSubstr("the change of input 0 is")));
}

TEST(Harness, ToleratesRoundingOfTheDtypeAlone) {
  EXPECT_THAT(Faults<Right>(at::kBFloat16), IsEmpty());
  EXPECT_THAT(Faults<WrongGradient>(at::kBFloat16), IsEmpty());
  EXPECT_THAT(Faults<WrongGradientAtTheEnd>(at::kBFloat16), ElementsAre(HasSubstr("gradient of input 0")));
}

// As a backward pass that computes a gradient only beside another.
TEST(Harness, FindsAGradientThatIsWrongByItself) {
  const OpRow row{
      .cases =
          [] {
            return std::vector<OpCase>{
                {.name = "two", .leaves = {Normal({3}), Normal({3})}, .run = [](const Inputs& in) {
                   const bool is_wrong = !in.is_reference() && !in[1].requires_grad();
                   return std::vector{in[0].square() * (is_wrong ? 1.01 : 1.0) + in[1].square()};
                 }}};
          },
      .tolerance = InEpsilons(8, 1)};
  const auto faults = CompareAll(row, Columns().front(), at::kFloat).faults;
  EXPECT_THAT(faults, ElementsAre(HasSubstr("input 0 alone trained: result 0"),
                                  HasSubstr("input 0 alone trained: the gradient of input 0")));
}

TEST(Harness, FindsAReferenceThatIsWrong) {
  EXPECT_NONFATAL_FAILURE(
      ExpectReferenceGradients({.cases =
                                    [] {
                                      return std::vector<OpCase>{
                                          {.name = "", .leaves = {Normal({1})}, .run = [](const Inputs& in) {
                                             return std::vector{WrongGradient(in[0])};
                                           }}};
                                    }}),
      "input 0 element 0");
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
