#include "gemtune/ops/host_memory.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <vector>

namespace gemtune::ops {
namespace {

using testing::ElementsAre;

TEST(HostMemory, ValuesAreTheTensorsOwn) {
  const at::Tensor tensor = at::tensor({1.5f, 2.5f, 3.5f, 4.5f}).view({2, 2});
  EXPECT_THAT(HostValues<const float>(tensor), ElementsAre(1.5f, 2.5f, 3.5f, 4.5f));
  HostValues<float>(tensor)[3] = 7;
  EXPECT_EQ(tensor[1][1].item<float>(), 7);
  EXPECT_EQ(HostBytes(tensor).size(), 16u);
  EXPECT_EQ(static_cast<void*>(HostBytes(tensor).data()), tensor.data_ptr());
}

TEST(HostMemory, APartBeginsAtItsOwnFirstNumber) {
  const at::Tensor part = at::arange(6, at::kLong).view({3, 2}).narrow(0, 1, 2);
  EXPECT_THAT(HostValues<const int64_t>(part), ElementsAre(2, 3, 4, 5));
  EXPECT_TRUE(HostValues<const int64_t>(at::empty({0, 3}, at::kLong)).empty());
}

TEST(HostMemory, WhatHasNoAddressOrAnotherTypeIsABug) {
  const at::Tensor tensor = at::zeros({2, 3});
  EXPECT_THROW(HostValues<double>(tensor), std::logic_error);
  EXPECT_THROW(HostValues<float>(tensor.t()), std::logic_error);
  EXPECT_THROW(HostBytes(at::empty({2, 3}, at::TensorOptions().device(Nowhere()))), std::logic_error);
}

TEST(HostMemory, AViewLooksIntoNumbersThatStand) {
  std::vector<int64_t> numbers = {1, 2, 3, 4};
  const at::Tensor view = HostView(std::span(numbers), {2, 2});
  numbers[2] = 9;
  EXPECT_TRUE(IsOnHost(view));
  EXPECT_EQ(view.scalar_type(), at::kLong);
  EXPECT_EQ(view[1][0].item<int64_t>(), 9);
  EXPECT_THROW(HostView(std::span(numbers), {5}), std::logic_error);
  const std::vector<float> constant = {0.5f, 0.25f};
  EXPECT_EQ(HostView(std::span(constant), {2}).sum().item<float>(), 0.75f);
  EXPECT_EQ(HostView(std::as_bytes(std::span(constant)), {1, 2}, at::kFloat)[0][1].item<float>(), 0.25f);
}

TEST(HostMemory, AViewHoldsItsOwnerAsLongAsItIsThere) {
  auto owner = std::make_shared<std::vector<float>>(3, 2.0f);
  const std::weak_ptr<std::vector<float>> watched = owner;
  at::Tensor view = HostView(std::span(*owner), {3}, owner);
  owner.reset();
  EXPECT_FALSE(watched.expired());
  EXPECT_EQ(view.sum().item<float>(), 6);
  view = at::Tensor();
  EXPECT_TRUE(watched.expired());
}

TEST(Device, NamesWhereATensorLies) {
  EXPECT_TRUE(IsOnHost(at::empty({2}, at::TensorOptions().device(Host()))));
  EXPECT_FALSE(IsOnHost(at::empty({2}, at::TensorOptions().device(Nowhere()))));
  EXPECT_TRUE(IsNowhere(Nowhere()));
  EXPECT_FALSE(IsNowhere(Host()));
}

}  // namespace
}  // namespace gemtune::ops
