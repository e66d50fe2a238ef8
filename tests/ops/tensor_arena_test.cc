#include "gemtune/ops/tensor_arena.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

namespace gemtune::ops {
namespace {

TEST(TensorArena, TensorsOfEverySizeComeAndGoAndOldOnesStayValid) {
  const at::Tensor before = at::ones({1 << 20});
  UseTensorArena();
  UseTensorArena();  // a second call changes nothing
  const at::Tensor small = at::full({3}, 2.0f), empty = at::empty({0});
  at::Tensor sum = at::zeros({1 << 20});
  for (int i = 0; i < 20; ++i) sum = sum + at::full({1 << 20}, 1.0f);
  EXPECT_EQ(sum.min().item<float>(), 20.0f);
  EXPECT_EQ(before.sum().item<float>(), 1 << 20);
  EXPECT_EQ(small.sum().item<float>(), 6.0f);
#if !defined(__SANITIZE_ADDRESS__)
  std::set<const void*> addresses;  // a hole is used again: a hundred tensors, a few places
  for (int i = 0; i < 100; ++i) addresses.insert(at::empty({1 << 20}).const_data_ptr());
  EXPECT_LE(addresses.size(), 2u);
#endif
}

}  // namespace
}  // namespace gemtune::ops
