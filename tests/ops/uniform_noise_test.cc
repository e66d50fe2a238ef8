#include "gemtune/ops/uniform_noise.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/support/cuda_on_host.h"

namespace gemtune::ops {
namespace {

TEST(UniformNoise, HasTheShapeAndIsTheSameForTheSameKey) {
  const at::Tensor noise = UniformNoise({30, 7}, 3, Host());
  EXPECT_EQ(noise.sizes(), at::IntArrayRef({30, 7}));
  EXPECT_EQ(noise.scalar_type(), at::kFloat);
  EXPECT_TRUE(noise.equal(UniformNoise({30, 7}, 3, Host())));
  EXPECT_FALSE(noise.equal(UniformNoise({30, 7}, 4, Host())));
  EXPECT_LE(noise.abs().max().item<double>(), 1);
  EXPECT_GT(noise.std().item<double>(), 0.5);
}

TEST(UniformNoise, ACardDrawsTheProcessorsNumbers) {
  const at::Tensor expected = UniformNoise({13, 101}, 7, Host());
  const test::WithCudaOnHost cuda_on_host;
  EXPECT_TRUE(UniformNoise({13, 101}, 7, Host()).equal(expected));
}

}  // namespace
}  // namespace gemtune::ops
