#include "gemtune/train/optim/tensor_file.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::train {
namespace {

using testing::HasSubstr;

class TensorFileTest : public test::TempDir {};

TEST_F(TensorFileTest, GivesBackWhatWasWrittenBitForBit) {
  const at::Tensor floats = at::randn({2, 3}), doubles = at::randn({4}, at::kDouble),
                   integers = at::arange(5, at::kLong), none = at::empty({0, 3}, at::kLong);
  WriteTensors(dir_ / "t", {{"f", floats}, {"d", doubles}, {"i", integers}, {"none", none}});
  const TensorFile file(dir_ / "t");
  EXPECT_TRUE(at::equal(file.Get("f", {2, 3}, at::kFloat), floats));
  EXPECT_TRUE(at::equal(file.Get("d", {-1}, at::kDouble), doubles));
  EXPECT_TRUE(at::equal(file.Get("i", {5}, at::kLong), integers));
  EXPECT_EQ(file.Get("none", {-1, 3}, at::kLong).size(0), 0);
}

TEST_F(TensorFileTest, NamesWhatDoesNotFit) {
  WriteTensors(dir_ / "t", {{"f", at::zeros({2, 3})}});
  const TensorFile file(dir_ / "t");
  EXPECT_THAT(test::MessageOf([&] { file.Get("g", {2, 3}, at::kFloat); }), HasSubstr("'g' is missing"));
  const auto wrong = HasSubstr("'f' has another type or shape");
  EXPECT_THAT(test::MessageOf([&] { file.Get("f", {3, 2}, at::kFloat); }), wrong);
  EXPECT_THAT(test::MessageOf([&] { file.Get("f", {6}, at::kFloat); }), wrong);
  EXPECT_THAT(test::MessageOf([&] { file.Get("f", {2, 3}, at::kLong); }), wrong);
  EXPECT_THAT(test::MessageOf([&] { TensorFile(dir_ / "missing"); }), HasSubstr("missing"));
}

}  // namespace
}  // namespace gemtune::train
