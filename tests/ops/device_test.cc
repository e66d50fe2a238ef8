#include "gemtune/ops/device.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "gemtune/kernels/instruction_set.h"
#include "tests/support/cuda_on_host.h"
#include "tests/support/message_of.h"

namespace gemtune::ops {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(FindDevice, KnowsTheProcessorByName) {
  EXPECT_EQ(FindDevice("cpu"), Host());
  EXPECT_TRUE(IsHost(FindDevice("cpu")));
}

TEST(FindDevice, SaysWhatANameMayBe) {
  for (const char* name : {"gpu", "cuda0", "cuda:", "cuda:-1", "cuda:1x", "cuda:99999999999", "", "CUDA"}) {
    EXPECT_THAT(test::MessageOf([&] { FindDevice(name); }), HasSubstr("is not auto, cpu, cuda or cuda:N"))
        << name;
  }
}

TEST(InstructionsInUse, AreTheKernels) {
  EXPECT_EQ(InstructionsInUse(), kernels::InstructionsInUse());
}

// Cards as no machine has them.
class FakeCards {
 public:
  FakeCards() : plugin_(test::CudaOnHost()) {
    plugin_.cards = [](std::string&) {
      return std::vector<Card>{{"NVIDIA Tesla T4", 7, 5, 16'000'000'000},
                               {"NVIDIA H100", 9, 0, 80'000'000'000}};
    };
    plugin_.open = [](int index) { return std::string(index == 0 ? "this build has no code for it" : ""); };
    plugin_.free_bytes = [](int) { return int64_t{79'000'000'000}; };
    UseCudaPlugin(&plugin_);
  }
  ~FakeCards() { UseCudaPlugin(nullptr); }
  CudaPlugin& plugin() { return plugin_; }

 private:
  CudaPlugin plugin_;
};

TEST(FindDevice, TakesTheCardOfANumberAndDescribesIt) {
  const FakeCards cards;
  const Device device = FindDevice("cuda:1");
  EXPECT_FALSE(IsHost(device));
  EXPECT_EQ(device.index(), 1);
  EXPECT_EQ(InfoOf(device).name, "NVIDIA H100");
  EXPECT_EQ(InfoOf(device).capability, "9.0");
  EXPECT_EQ(InfoOf(device).total_bytes, 80'000'000'000);
  EXPECT_EQ(InfoOf(device).free_bytes, 79'000'000'000);
}

TEST(FindDevice, SaysWhyACardCannotBeUsed) {
  FakeCards cards;
  EXPECT_EQ(test::MessageOf([] { FindDevice("cuda:2"); }),
            "`device` cuda:2: there are only 2 cards, counted from 0");
  EXPECT_EQ(test::MessageOf([] { FindDevice("cuda"); }), "`device` cuda: this build has no code for it");
  cards.plugin().cards = [](std::string& trouble) {
    trouble = "the driver is too old";
    return std::vector<Card>();
  };
  EXPECT_EQ(test::MessageOf([] { FindDevice("cuda"); }), "`device` cuda: the driver is too old");
}

TEST(HasFastBFloat16, IsOfCardsFromCapability8On) {
  const FakeCards cards;
  EXPECT_TRUE(HasFastBFloat16({at::kCUDA, 1}));
  EXPECT_FALSE(HasFastBFloat16({at::kCUDA, 0}));
  EXPECT_EQ(HasFastBFloat16(Host()), kernels::HaveAvx512Bf16());
}

TEST(Upload, ToWhereATensorIsIsTheTensor) {
  const at::Tensor x = at::ones({3});
  EXPECT_TRUE(Upload(x, Host()).is_same(x));
  const at::Tensor numbers = UploadNumbers(std::vector<int32_t>{1, 2}, Host());
  EXPECT_EQ(numbers.scalar_type(), at::kInt);
  EXPECT_EQ(numbers[1].item<int32_t>(), 2);
  EXPECT_EQ(UploadNumbers(std::vector<int64_t>{}, Host()).sizes(), at::IntArrayRef({0}));
}

}  // namespace
}  // namespace gemtune::ops
