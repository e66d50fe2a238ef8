#include "gemtune/kernels/int8_block.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemtune/kernels/int8_rounding.cc"
#include <hwy/foreach_target.h>

#include <algorithm>
#include <array>
#include <vector>

#include "gemtune/base/round_up.h"
#include "gemtune/kernels/block_gemm.h"
#include "gemtune/kernels/int8_gemm.h"
#include "gemtune/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

constexpr float kLargest = 127.0f;
constexpr int64_t kFour = 4;  // rows of a packed B side by side

// If any number is NaN or infinite, the result is too: as a scale it reaches the product, where the trainer
// detects it.
template <typename T>
float LargestMagnitude(int64_t n, const T* x) {
  float largest = 0, poison = 0;
  const Wide d;
  auto most = hn::Zero(d), bad = hn::Zero(d);
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = LoadFloat(d, x + i);
    most = hn::Max(most, hn::Abs(v));
    bad = hn::Add(bad, hn::Sub(v, v));
  }
  for (; i < n; ++i) {
    const float v = hn::GetLane(LoadFloat(One(), x + i));
    largest = std::max(largest, std::abs(v));
    poison += v - v;
  }
  largest = std::max(largest, hn::GetLane(hn::MaxOfLanes(d, most)));
  return largest + poison + hn::GetLane(hn::SumOfLanes(d, bad));
}

float InverseScale(float largest) {
  return largest > 0 ? kLargest / largest : 0.0f;
}

// x · inverse to the nearest integer, as bytes; their sum.
template <typename T>
int32_t RoundToBytes(int64_t n, const T* x, float inverse, int8_t* out) {
  const hn::RebindToSigned<Wide> d32;
  auto sums = hn::Zero(d32);
  int32_t sum = 0;
  ForEachVector(n, [&](auto d, int64_t i) HWY_ATTR {
    const hn::RebindToSigned<decltype(d)> di;
    const hn::Rebind<int8_t, decltype(d)> d8;
    const auto numbers = hn::NearestInt(hn::Mul(LoadFloat(d, x + i), hn::Set(d, inverse)));
    hn::StoreU(hn::DemoteTo(d8, numbers), d8, out + i);
    if constexpr (hn::MaxLanes(di) == hn::MaxLanes(d32)) {
      sums = hn::Add(sums, numbers);
    } else {
      sum += hn::GetLane(numbers);
    }
  });
  return sum + hn::GetLane(hn::SumOfLanes(d32, sums));
}

template <typename T>
void QuantizeRow(int64_t k, int64_t depth, int64_t group, const T* x, uint8_t* out, float* scales) {
  constexpr uint8_t kMiddle = 128;
  for (int64_t begin = 0; begin < depth; begin += group) {
    const int64_t end = std::min(begin + group, depth), n = std::clamp<int64_t>(k - begin, 0, end - begin);
    const float largest = LargestMagnitude(n, x + begin);
    RoundToBytes(n, x + begin, InverseScale(largest), reinterpret_cast<int8_t*>(out + begin));
    std::fill(out + begin + n, out + end, uint8_t{0});
    // Adds 128 by flipping the highest bit.
    for (int64_t i = begin; i < end; ++i) out[i] ^= kMiddle;
    *scales++ = largest / kLargest;
  }
}

template <typename T>
void PackColumns(int64_t k, int64_t width, int64_t group, const T* w, int64_t stride, int8_t* packed,
                 float* scales, int32_t* sums) {
  const int64_t depth = RoundUp(k, kInt8DepthStep);
  std::vector<int8_t> row(static_cast<size_t>(depth));
  for (int64_t j = 0; j < kPanelColumns; ++j) {
    const float largest = j < width ? LargestMagnitude(k, w + j * stride) : 0.0f;
    scales[j] = largest / kLargest;
    for (int64_t begin = 0; begin < depth; begin += group) {
      const int64_t n = j < width ? std::clamp<int64_t>(k - begin, 0, group) : 0;
      sums[begin / group * kPanelColumns + j] =
          128 * RoundToBytes(n, w + j * stride + begin, InverseScale(largest), row.data() + begin);
    }
    std::fill(row.begin() + (j < width ? k : 0), row.end(), int8_t{0});
    for (int64_t i = 0; i < depth; i += kFour)
      std::copy_n(row.data() + i, kFour, packed + (i * kPanelColumns + j * kFour));
  }
}

template <typename T>
void PackRows(int64_t k, int64_t width, int64_t group, const T* w, int64_t stride, int8_t* packed,
              float* scales, int32_t* sums) {
  const int64_t depth = RoundUp(k, kInt8DepthStep);
  std::array<float, kPanelColumns> largest = {}, poison = {}, inverse;
  for (int64_t i = 0; i < k; ++i) {
    ForEachVector(width, [&](auto d, int64_t j) HWY_ATTR {
      const auto v = LoadFloat(d, w + i * stride + j);
      float* most = largest.data() + j;
      float* bad = poison.data() + j;
      hn::StoreU(hn::Max(hn::LoadU(d, most), hn::Abs(v)), d, most);
      hn::StoreU(hn::Add(hn::LoadU(d, bad), hn::Sub(v, v)), d, bad);
    });
  }
  for (size_t j = 0; j < kPanelColumns; ++j) {
    inverse[j] = InverseScale(largest[j]);
    scales[j] = (largest[j] + poison[j]) / kLargest;
  }
  for (int64_t begin = 0; begin < depth; begin += group) {
    std::array<int32_t, kPanelColumns> total = {};
    for (int64_t i = begin; i < std::min(begin + group, depth); ++i) {
      std::array<int32_t, kPanelColumns> numbers = {};
      if (i < k) {
        ForEachVector(width, [&](auto d, int64_t j) HWY_ATTR {
          const hn::RebindToSigned<decltype(d)> di;
          const auto scaled = hn::Mul(LoadFloat(d, w + i * stride + j), hn::LoadU(d, inverse.data() + j));
          hn::StoreU(hn::NearestInt(scaled), di, numbers.data() + j);
        });
      }
      int8_t* to = packed + i / kFour * kFour * kPanelColumns + i % kFour;
      for (size_t j = 0; j < kPanelColumns; ++j) {
        to[static_cast<int64_t>(j) * kFour] = static_cast<int8_t>(numbers[j]);
        total[j] += numbers[j];
      }
    }
    for (size_t j = 0; j < kPanelColumns; ++j)
      sums[begin / group * kPanelColumns + static_cast<int64_t>(j)] = 128 * total[j];
  }
}

internal::Int8Rounding<float> FloatRounding() {
  return {QuantizeRow<float>, PackColumns<float>, PackRows<float>};
}
internal::Int8Rounding<BFloat16> BFloat16Rounding() {
  return {QuantizeRow<BFloat16>, PackColumns<BFloat16>, PackRows<BFloat16>};
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemtune::kernels::internal {

HWY_EXPORT(FloatRounding);
HWY_EXPORT(BFloat16Rounding);

Int8Rounding<float> PortableInt8Rounding(float) {
  return HWY_DYNAMIC_DISPATCH(FloatRounding)();
}

Int8Rounding<BFloat16> PortableInt8Rounding(BFloat16) {
  return HWY_DYNAMIC_DISPATCH(BFloat16Rounding)();
}

}  // namespace gemtune::kernels::internal
#endif  // HWY_ONCE
