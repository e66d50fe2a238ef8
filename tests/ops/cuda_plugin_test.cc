#include "gemtune/ops/cuda_plugin.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "gemtune/ops/kernel_access.h"
#include "tests/support/cuda_on_host.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/without_kernels.h"

namespace gemtune::ops {
namespace {

using testing::HasSubstr;

using CudaPluginTest = test::TempDir;

TEST_F(CudaPluginTest, IsLookedForWhereTheEnvironmentSays) {
  ::setenv("GEMTUNE_CUDA_PLUGIN", "/somewhere/libgemtune_cuda.so", 1);
  EXPECT_EQ(FindCudaPlugin(), "/somewhere/libgemtune_cuda.so");
  ::unsetenv("GEMTUNE_CUDA_PLUGIN");
}

TEST_F(CudaPluginTest, SaysWhatIsWrongWithAFile) {
  EXPECT_THAT(test::MessageOf([] { LoadCudaPlugin({}); }),
              HasSubstr("`device` cuda: this gemtune was built without its part for CUDA"));
  EXPECT_THAT(test::MessageOf([&] { LoadCudaPlugin(dir_ / "missing.so"); }), HasSubstr("missing.so"));
  std::ofstream(dir_ / "text.so") << "no library";
  EXPECT_THAT(test::MessageOf([&] { LoadCudaPlugin(dir_ / "text.so"); }), HasSubstr("text.so"));
  EXPECT_THAT(test::MessageOf([&] { LoadCudaPlugin("libm.so.6"); }), HasSubstr("is not a plugin of gemtune"));
  EXPECT_EQ(LoadedCudaPlugin(), nullptr);
}

TEST_F(CudaPluginTest, ChoosesTheKernelsOfATensorsDevice) {
  const at::Tensor floats = at::zeros({2}), doubles = at::zeros({2}, at::kDouble);
  EXPECT_TRUE(cpu::Handles(floats));
  EXPECT_FALSE(cuda::Handles(floats));
  const test::WithCudaOnHost cuda_on_host;
  EXPECT_TRUE(cuda::Handles(floats));
  EXPECT_FALSE(cpu::Handles(floats));
  EXPECT_TRUE(HasKernels(floats));
  EXPECT_FALSE(HasKernels(doubles));
  const test::WithoutKernels without;
  EXPECT_FALSE(HasKernels(floats));
}

TEST(CudaBuild, NamesProgramAndLibTorch) {
  EXPECT_THAT(CudaBuild(), HasSubstr("gemtune "));
  EXPECT_THAT(CudaBuild(), HasSubstr("LibTorch "));
}

}  // namespace
}  // namespace gemtune::ops
