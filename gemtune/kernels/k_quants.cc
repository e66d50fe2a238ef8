#include "gemtune/kernels/k_quants.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "gemtune/base/float16.h"
#include "gemtune/kernels/put_half.h"
#include "gemtune/kernels/quant.h"

namespace gemtune::kernels {
namespace {

constexpr int kSuperBlock = 256;  // elements of a block

// Sums are added up in ggml's order, so no loop over the elements of a sum may be vectorised. The K-quants'
// searches therefore run over all runs of a super-block at once: run j is lane j of the inner loops, which
// g++ vectorises.

// To nearest, ties to even; |x| < 2^22.
float Nearest(float x) {
  constexpr float kShift = 0x1.8p23f;
  return (x + kShift) - kShift;
}

float Clamped(float x, float low, float high) {
  return x < low ? low : (x > high ? high : x);
}

// The squares and products of numbers of that size neither overflow nor does any check of theirs fail by NaN;
// d overflows a half long before.
constexpr float kLargestOfK = 0x1p40f;

template <int kRuns>
using Lanes = std::array<float, kRuns>;

// Element i of every run.
template <int kRuns>
using Runs = std::array<Lanes<kRuns>, kSuperBlock / kRuns>;

template <int kRuns>
Runs<kRuns> Transposed(const float* x) {
  constexpr int kLength = kSuperBlock / kRuns;
  Runs<kRuns> runs;
  for (int j = 0; j < kRuns; ++j) {
    for (int i = 0; i < kLength; ++i) runs[i][j] = x[j * kLength + i];
  }
  return runs;
}

// ---- Q4_K: x ≈ scale · q + min with q in [0, 15], for each of 8 runs of 32.

constexpr int kRuns4 = 8;
constexpr int kLength4 = kSuperBlock / kRuns4;
using Lanes4 = Lanes<kRuns4>;

// q is Quantum4(inverse · (x − min)).
struct Fit4 {
  Lanes4 scale, min;
  Lanes4 inverse, from;  // those that q was made with: `min` was then another
};

float Quantum4(float inverse, float x, float min) {
  return Clamped(Nearest(inverse * (x - min)), 0.0f, 15.0f);
}

// ggml weighs the error of x by |x| and the run's root mean square.
Runs<kRuns4> Weights4(const Runs<kRuns4>& x) {
  Lanes4 squares = {};
  for (int i = 0; i < kLength4; ++i) {
    for (int j = 0; j < kRuns4; ++j) squares[j] += x[i][j] * x[i][j];
  }
  for (float& s : squares) s = std::sqrt(s / static_cast<float>(kLength4));
  Runs<kRuns4> weights;
  for (int i = 0; i < kLength4; ++i) {
    for (int j = 0; j < kRuns4; ++j) weights[i][j] = squares[j] + std::fabs(x[i][j]);
  }
  return weights;
}

// The sum over a run of w · (scale · q + min − x)².
Lanes4 Errors4(const Runs<kRuns4>& x, const Runs<kRuns4>& weights, const Fit4& fit) {
  Lanes4 errors = {};
  for (int i = 0; i < kLength4; ++i) {
    for (int j = 0; j < kRuns4; ++j) {
      const float q = Quantum4(fit.inverse[j], x[i][j], fit.from[j]);
      const float difference = fit.scale[j] * q + fit.min[j] - x[i][j];
      errors[j] += weights[i][j] * (difference * difference);
    }
  }
  return errors;
}

// Sums of a run: w, w·x, w·q, w·q², w·q·x.
struct Moments4 {
  Lanes4 w = {}, x = {};
  Lanes4 q, qq, qx;
};

// The scale and min with the least error for the q that `fit` makes; false in `solvable` where all q are
// equal.
void Solve4(const Runs<kRuns4>& x, const Runs<kRuns4>& weights, Moments4& sums, Fit4& fit,
            std::array<bool, kRuns4>& solvable) {
  sums.q = sums.qq = sums.qx = {};
  for (int i = 0; i < kLength4; ++i) {
    for (int j = 0; j < kRuns4; ++j) {
      const float q = Quantum4(fit.inverse[j], x[i][j], fit.from[j]);
      const float wq = weights[i][j] * q;
      sums.q[j] += wq;
      sums.qq[j] += wq * q;
      sums.qx[j] += wq * x[i][j];
    }
  }
  for (int j = 0; j < kRuns4; ++j) {
    const float determinant = sums.w[j] * sums.qq[j] - sums.q[j] * sums.q[j];
    solvable[j] = determinant > 0;
    fit.scale[j] = (sums.w[j] * sums.qx[j] - sums.x[j] * sums.q[j]) / determinant;
    fit.min[j] = (sums.qq[j] * sums.x[j] - sums.q[j] * sums.qx[j]) / determinant;
    if (fit.min[j] > 0) {
      fit.min[j] = 0;
      fit.scale[j] = sums.qx[j] / sums.qq[j];
    }
  }
}

// make_qkx2_quants of ggml-quants.c: starts with the range of the numbers, then tries 21 steps around it,
// each from the best minimum so far.
Fit4 FindFit4(const Runs<kRuns4>& x) {
  constexpr int kTries = 21;
  const Runs<kRuns4> weights = Weights4(x);
  Moments4 sums;
  Lanes4 min = x[0], max = x[0];
  for (int i = 0; i < kLength4; ++i) {
    for (int j = 0; j < kRuns4; ++j) {
      min[j] = std::min(min[j], x[i][j]);
      max[j] = std::max(max[j], x[i][j]);
      sums.w[j] += weights[i][j];
      sums.x[j] += weights[i][j] * x[i][j];
    }
  }
  Fit4 best;
  for (int j = 0; j < kRuns4; ++j) {
    best.min[j] = best.from[j] = std::min(min[j], 0.0f);
    best.inverse[j] = 15.0f / (max[j] - best.min[j]);
    best.scale[j] = 1.0f / best.inverse[j];
  }
  Lanes4 least = Errors4(x, weights, best);
  std::array<bool, kRuns4> solvable;
  for (int t = 0; t < kTries; ++t) {
    Fit4 fit;
    fit.from = best.min;
    for (int j = 0; j < kRuns4; ++j) {
      fit.inverse[j] = (-1.0f + 0.1f * static_cast<float>(t) + 15.0f) / (max[j] - best.min[j]);
    }
    Solve4(x, weights, sums, fit, solvable);
    const Lanes4 errors = Errors4(x, weights, fit);
    for (int j = 0; j < kRuns4; ++j) {
      if (!solvable[j] || !(errors[j] < least[j])) continue;
      least[j] = errors[j];
      best.scale[j] = fit.scale[j], best.min[j] = fit.min[j];
      best.inverse[j] = fit.inverse[j], best.from[j] = fit.from[j];
    }
  }
  for (int j = 0; j < kRuns4; ++j) {
    if (max[j] > std::min(min[j], 0.0f)) continue;  // else all numbers of the run are one that is ≤ 0
    best.scale[j] = best.inverse[j] = 0;
    best.min[j] = std::min(min[j], 0.0f);
  }
  return best;
}

// Six bits of scale and of minimum for each run; see UnpackScale in quant.cc.
void PackScales(const std::array<uint8_t, kRuns4>& scales, const std::array<uint8_t, kRuns4>& mins,
                std::byte* out) {
  for (int j = 0; j < 4; ++j) {
    out[j] = static_cast<std::byte>(scales[j] | ((scales[j + 4] >> 4) << 6));
    out[j + 4] = static_cast<std::byte>(mins[j] | ((mins[j + 4] >> 4) << 6));
    out[j + 8] = static_cast<std::byte>((scales[j + 4] & 0x0f) | ((mins[j + 4] & 0x0f) << 4));
  }
}

// ---- Q6_K: x ≈ scale · q with q in [−32, 31], for each of 16 runs of 16.

constexpr int kRuns6 = 16;
constexpr int kLength6 = kSuperBlock / kRuns6;
using Lanes6 = Lanes<kRuns6>;

// Runs, and blocks, whose largest number or scale is smaller are zero to ggml (GROUP_MAX_EPS).
constexpr float kZero = 1e-15f;

float Quantum6(float inverse, float x) {
  return Clamped(Nearest(inverse * x), -32.0f, 31.0f);
}

// q is Quantum6(inverse · x); scale is 0 for a run of zeros.
struct Fit6 {
  Lanes6 scale, inverse;
};

// make_qx_quants of ggml-quants.c: tries 19 steps around that which makes the largest number −32, with the
// error of x weighed by x².
Fit6 FindFit6(const Runs<kRuns6>& x) {
  Lanes6 largest = {}, magnitude = {};
  for (int i = 0; i < kLength6; ++i) {
    for (int j = 0; j < kRuns6; ++j) {
      largest[j] = std::fabs(x[i][j]) > magnitude[j] ? x[i][j] : largest[j];
      magnitude[j] = std::max(magnitude[j], std::fabs(x[i][j]));
    }
  }
  Fit6 best;
  Lanes6 gain;
  // The middle comes first; the others have to beat it.
  for (const int t : {0, -9, -8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
    Lanes6 inverse, qx = {}, qq = {};
    for (int j = 0; j < kRuns6; ++j) inverse[j] = -(32.0f + 0.1f * static_cast<float>(t)) / largest[j];
    for (int i = 0; i < kLength6; ++i) {
      for (int j = 0; j < kRuns6; ++j) {
        const float q = Quantum6(inverse[j], x[i][j]);
        const float weight = x[i][j] * x[i][j];
        qx[j] += weight * x[i][j] * q;
        qq[j] += weight * q * q;
      }
    }
    for (int j = 0; j < kRuns6; ++j) {
      if (t != 0 && !(qq[j] > 0 && qx[j] * qx[j] > gain[j] * qq[j])) continue;
      best.inverse[j] = inverse[j];
      best.scale[j] = qq[j] != 0 ? qx[j] / qq[j] : 0.0f;
      gain[j] = best.scale[j] * qx[j];
    }
  }
  for (int j = 0; j < kRuns6; ++j) {
    if (magnitude[j] < kZero) best.scale[j] = 0;
  }
  return best;
}

// 128 bytes of low nibbles, 64 of high pairs of bits; see BlockQ6_K in quant.cc.
void PackSixBits(const std::array<uint8_t, kSuperBlock>& q, std::byte* out) {
  for (int half = 0; half < 2; ++half) {
    const uint8_t* const part = q.data() + 128 * half;
    for (int i = 0; i < 64; ++i) {
      out[64 * half + i] = static_cast<std::byte>((part[i] & 0x0f) | ((part[i + 64] & 0x0f) << 4));
    }
    for (int i = 0; i < 32; ++i) {
      out[128 + 32 * half + i] =
          static_cast<std::byte>((part[i] >> 4) | ((part[i + 32] >> 4) << 2) | ((part[i + 64] >> 4) << 4) |
                                 ((part[i + 96] >> 4) << 6));
    }
  }
}

}  // namespace

bool ToBlockQ4_K(const float* values, std::byte* block) {
  if (!(LargestMagnitude(values, kSuperBlock) < kLargestOfK)) return false;
  const Runs<kRuns4> x = Transposed<kRuns4>(values);
  const Fit4 fit = FindFit4(x);
  float max_scale = 0, max_min = 0;  // minima are stored without their sign
  for (int j = 0; j < kRuns4; ++j) {
    max_scale = std::max(max_scale, fit.scale[j]);
    max_min = std::max(max_min, -fit.min[j]);
  }
  if (!PutHalf(max_scale / 63.0f, block) || !PutHalf(max_min / 63.0f, block + 2)) return false;
  uint16_t d, dmin;
  std::memcpy(&d, block, sizeof d);
  std::memcpy(&dmin, block + 2, sizeof dmin);

  const float inverse_scale = max_scale > 0 ? 63.0f / max_scale : 0.0f;
  const float inverse_min = max_min > 0 ? 63.0f / max_min : 0.0f;
  std::array<uint8_t, kRuns4> scales, mins;
  std::array<uint8_t, kSuperBlock> q;
  for (int j = 0; j < kRuns4; ++j) {
    scales[j] = static_cast<uint8_t>(Clamped(Nearest(inverse_scale * fit.scale[j]), 0.0f, 63.0f));
    mins[j] = static_cast<uint8_t>(Clamped(Nearest(inverse_min * -fit.min[j]), 0.0f, 63.0f));
    const float scale = FloatFromFloat16(d) * static_cast<float>(scales[j]);
    const float min = FloatFromFloat16(dmin) * static_cast<float>(mins[j]);
    for (int i = 0; i < kLength4; ++i) {
      // Where the scale is rounded to zero, ggml keeps the search's q, which then means nothing.
      const float quantum = scale != 0 ? Clamped(Nearest((x[i][j] + min) / scale), 0.0f, 15.0f)
                                       : Quantum4(fit.inverse[j], x[i][j], fit.from[j]);
      q[j * kLength4 + i] = static_cast<uint8_t>(quantum);
    }
  }
  PackScales(scales, mins, block + 4);
  for (int pair = 0; pair < 4; ++pair) {
    for (int i = 0; i < 32; ++i) {
      block[16 + 32 * pair + i] = static_cast<std::byte>(q[64 * pair + i] | (q[64 * pair + 32 + i] << 4));
    }
  }
  return true;
}

bool ToBlockQ6_K(const float* values, std::byte* block) {
  if (!(LargestMagnitude(values, kSuperBlock) < kLargestOfK)) return false;
  const Runs<kRuns6> x = Transposed<kRuns6>(values);
  const Fit6 fit = FindFit6(x);
  float largest = 0;
  for (const float scale : fit.scale) largest = std::fabs(scale) > std::fabs(largest) ? scale : largest;
  if (std::fabs(largest) < kZero) {
    std::memset(block, 0, static_cast<size_t>(Info(BlockType::kQ6_K).bytes));
    return true;
  }
  const float inverse = -128.0f / largest;
  if (!PutHalf(1.0f / inverse, block + 208)) return false;
  uint16_t d;
  std::memcpy(&d, block + 208, sizeof d);

  std::array<uint8_t, kSuperBlock> q;
  for (int j = 0; j < kRuns6; ++j) {
    const float whole = std::min(Nearest(inverse * fit.scale[j]), 127.0f);
    block[192 + j] = static_cast<std::byte>(static_cast<int8_t>(whole));
    const float scale = FloatFromFloat16(d) * whole;
    for (int i = 0; i < kLength6; ++i) {
      // As for Q4_K; a run of zeros keeps q = 0.
      float quantum = -32;
      if (scale != 0) {
        quantum = Clamped(Nearest(x[i][j] / scale), -32.0f, 31.0f);
      } else if (fit.scale[j] != 0) {
        quantum = Quantum6(fit.inverse[j], x[i][j]);
      }
      q[j * kLength6 + i] = static_cast<uint8_t>(quantum + 32);
    }
  }
  PackSixBits(q, block);
  return true;
}

}  // namespace gemtune::kernels
