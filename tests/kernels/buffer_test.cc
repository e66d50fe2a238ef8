#include "gemtune/kernels/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace gemtune::kernels {
namespace {

TEST(Buffer, IsAlignedAndItsOwn) {
  std::vector<BufferPointer<float>> buffers;
  const int64_t sizes[] = {1, 1000, 100'000, 3'000'000};
  for (int round = 0; round < 2; ++round) {
    for (const int64_t n : sizes) {
      buffers.push_back(Buffer<float>(n));
      EXPECT_EQ(reinterpret_cast<uintptr_t>(buffers.back().get()) % 64, 0u) << n;
      std::fill_n(buffers.back().get(), n, static_cast<float>(buffers.size()));
    }
  }
  for (size_t i = 0; i < buffers.size(); ++i) {
    const int64_t n = sizes[i % std::size(sizes)];
    EXPECT_TRUE(std::all_of(buffers[i].get(), buffers[i].get() + n,
                            [&](float x) { return x == static_cast<float>(i + 1); }));
  }
}

TEST(Buffer, OfNothingIsOne) {
  EXPECT_NE(Buffer<double>(0), nullptr);
}

}  // namespace
}  // namespace gemtune::kernels
