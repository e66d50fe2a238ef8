#include "gemtune/kernels/cached_attention.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemtune/kernels/cached_attention.cc"
#include <hwy/foreach_target.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "gemtune/base/parallel.h"
#include "gemtune/base/round_up.h"
#include "gemtune/kernels/buffer.h"
#include "gemtune/kernels/exp-inl.h"
#include "gemtune/kernels/simd-inl.h"

#ifndef GEMTUNE_KERNELS_CACHED_ATTENTION_SHARED_
#define GEMTUNE_KERNELS_CACHED_ATTENTION_SHARED_
namespace gemtune::kernels::internal {

inline constexpr int64_t kKeysAPart = 256;

// What a part of the keys gives for one query head: e^maximum is the factor of both sums.
struct PartialSum {
  float maximum, sum;
  float* weighted;  // [head_dim]: Σ e^(score − maximum) · v
};

// Query heads that read the same key head, against some of a sequence's keys.
struct PartTask {
  int64_t group;  // query heads
  int64_t head_dim;
  int64_t stride;  // of keys and values
  int64_t count;   // keys, at most kKeysAPart
  float scale;
};

}  // namespace gemtune::kernels::internal
#endif  // GEMTUNE_KERNELS_CACHED_ATTENTION_SHARED_

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

using internal::kKeysAPart;
using internal::PartialSum;
using internal::PartTask;

// scores [kKeysAPart] → e^(scale · score − maximum), in place.
void SoftmaxPart(int64_t count, float scale, float* scores, PartialSum& result) {
  float maximum = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < count; ++i) maximum = std::max(maximum, scores[i] * scale);
  ForEachVector(count, [&](auto d, int64_t i) HWY_ATTR {
    const auto exponent = hn::MulSub(hn::LoadU(d, scores + i), hn::Set(d, scale), hn::Set(d, maximum));
    hn::StoreU(FastExp(d, exponent), d, scores + i);
  });
  result.maximum = maximum;
  result.sum = SumOf(count, [&](auto d, int64_t i) HWY_ATTR { return hn::LoadU(d, scores + i); });
}

// kVectors vectors of weighted [kHeads][head_dim] from column `begin` on = Σ over keys of p · v.
template <int kHeads, int kVectors, class D, typename T>
HWY_INLINE void WeighColumns(D d, const PartTask& task, int64_t begin, const T* v, const float* const* p,
                             PartialSum* results) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<D> sum[kHeads][kVectors];
  for (int h = 0; h < kHeads; ++h) {
    for (int i = 0; i < kVectors; ++i) sum[h][i] = hn::Zero(d);
  }
  for (int64_t key = 0; key < task.count; ++key) {
    const T* row = v + key * task.stride + begin;
    hn::Vec<D> value[kVectors];
    for (int i = 0; i < kVectors; ++i) value[i] = LoadFloat(d, row + i * lanes);
    for (int h = 0; h < kHeads; ++h) {
      const auto factor = hn::Set(d, p[h][key]);
      for (int i = 0; i < kVectors; ++i) sum[h][i] = hn::MulAdd(factor, value[i], sum[h][i]);
    }
  }
  for (int h = 0; h < kHeads; ++h) {
    for (int i = 0; i < kVectors; ++i) hn::StoreU(sum[h][i], d, results[h].weighted + begin + i * lanes);
  }
}

// In few passes over the values, each with as many sums as there are registers for.
template <int kHeads, typename T>
void WeighValues(const PartTask& task, const T* v, const float* const* p, PartialSum* results) {
  const Wide d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  constexpr int kVectors = hn::MaxLanes(Wide()) >= 16 ? 4 : 2;
  int64_t i = 0;
  for (; i + kVectors * lanes <= task.head_dim; i += kVectors * lanes)
    WeighColumns<kHeads, kVectors>(d, task, i, v, p, results);
  for (; i + lanes <= task.head_dim; i += lanes) WeighColumns<kHeads, 1>(d, task, i, v, p, results);
  for (; i < task.head_dim; ++i) WeighColumns<kHeads, 1>(One(), task, i, v, p, results);
}

// scores [kHeads][kKeysAPart] = q·kᵀ.
template <int kHeads, typename T>
void Scores(const PartTask& task, const T* q, const T* k, float* const* scores) {
  const Wide d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t key = 0; key < task.count; ++key) {
    const T* row = k + key * task.stride;
    hn::Vec<Wide> sum[kHeads];
    for (int h = 0; h < kHeads; ++h) sum[h] = hn::Zero(d);
    int64_t i = 0;
    for (; i + lanes <= task.head_dim; i += lanes) {
      const auto value = LoadFloat(d, row + i);
      for (int h = 0; h < kHeads; ++h)
        sum[h] = hn::MulAdd(LoadFloat(d, q + h * task.head_dim + i), value, sum[h]);
    }
    for (int h = 0; h < kHeads; ++h) scores[h][key] = hn::GetLane(hn::SumOfLanes(d, sum[h]));
    for (; i < task.head_dim; ++i) {
      for (int h = 0; h < kHeads; ++h) {
        scores[h][key] +=
            hn::GetLane(hn::Mul(LoadFloat(One(), q + h * task.head_dim + i), LoadFloat(One(), row + i)));
      }
    }
  }
}

template <int kHeads, typename T>
void AttendHeads(const PartTask& task, const T* q, const T* k, const T* v, PartialSum* results) {
  HWY_ALIGN float scores[kHeads][kKeysAPart];
  float* rows[kHeads];
  for (int h = 0; h < kHeads; ++h) rows[h] = scores[h];
  Scores<kHeads>(task, q, k, rows);
  for (int h = 0; h < kHeads; ++h) SoftmaxPart(task.count, task.scale, rows[h], results[h]);
  WeighValues<kHeads>(task, v, rows, results);
}

void AttendPart(const PartTask& task, ConstFloats q, ConstFloats k, ConstFloats v, PartialSum* results) {
  WithTypeOf(
      [&]<typename T>(T) {
        const auto *query = static_cast<const T*>(q.data()), *key = static_cast<const T*>(k.data()),
                   *value = static_cast<const T*>(v.data());
        int64_t head = 0;
        for (; head + 4 <= task.group; head += 4)
          AttendHeads<4>(task, query + head * task.head_dim, key, value, results + head);
        for (; head < task.group; ++head)
          AttendHeads<1>(task, query + head * task.head_dim, key, value, results + head);
      },
      q, k, v);
}

// out [head_dim] = the parts' sums, put together; `sum` of each becomes its factor.
void JoinParts(int64_t head_dim, std::span<PartialSum> parts, Floats out) {
  float maximum = parts[0].maximum, sum = 0.0f;
  for (const PartialSum& part : parts) maximum = std::max(maximum, part.maximum);
  for (const PartialSum& part : parts) sum += part.sum * std::exp(part.maximum - maximum);
  for (PartialSum& part : parts) part.sum = std::exp(part.maximum - maximum) / sum;
  WithTypeOf(
      [&]<typename T>(T) {
        ForEachVector(head_dim, [&](auto d, int64_t i) HWY_ATTR {
          auto weighted = hn::Zero(d);
          for (const PartialSum& part : parts)
            weighted = hn::MulAdd(hn::Set(d, part.sum), hn::LoadU(d, part.weighted + i), weighted);
          StoreFloat(weighted, d, static_cast<T*>(out.data()) + i);
        });
      },
      out);
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemtune::kernels {
namespace {

using internal::kKeysAPart;
using internal::PartialSum;
using internal::PartTask;

HWY_EXPORT(AttendPart);
HWY_EXPORT(JoinParts);

// Some keys of one key head of a sequence.
struct Part {
  int64_t sequence, kv_head, begin;
  size_t result;  // of its first query head; each query head has its own PartialSum
};

}  // namespace

void CachedAttention(const CachedAttentionShape& shape, std::span<const KeptRows> kept, ConstRows q,
                     Rows out) {
  const int64_t group = shape.heads / shape.kv_heads, stride = shape.kv_heads * shape.head_dim;
  std::vector<Part> parts;
  int64_t work = 0;
  for (int64_t s = 0; s < std::ssize(kept); ++s) {
    for (int64_t kv_head = 0; kv_head < shape.kv_heads; ++kv_head) {
      for (int64_t begin = 0; begin < kept[static_cast<size_t>(s)].count; begin += kKeysAPart)
        parts.push_back({s, kv_head, begin, parts.size() * static_cast<size_t>(group)});
    }
    work += 2 * kept[static_cast<size_t>(s)].count * shape.heads * shape.head_dim;
  }
  std::vector<PartialSum> results(parts.size() * static_cast<size_t>(group));
  const auto weighted = Buffer<float>(std::ssize(results) * shape.head_dim);
  for (size_t i = 0; i < results.size(); ++i)
    results[i].weighted = weighted.get() + static_cast<int64_t>(i) * shape.head_dim;

  ParallelForEach(std::ssize(parts), work, [&](int64_t i) {
    const Part& part = parts[static_cast<size_t>(i)];
    const KeptRows& rows = kept[static_cast<size_t>(part.sequence)];
    const int64_t offset = part.begin * stride + part.kv_head * shape.head_dim;
    HWY_DYNAMIC_DISPATCH(AttendPart)
    ({.group = group,
      .head_dim = shape.head_dim,
      .stride = stride,
      .count = std::min(kKeysAPart, rows.count - part.begin),
      .scale = shape.scale},
     q.data + part.sequence * q.stride + part.kv_head * group * shape.head_dim, rows.k + offset,
     rows.v + offset, &results[part.result]);
  });

  std::vector<PartialSum> of_head;
  for (size_t first = 0, last = 0; first < parts.size(); first = last) {
    const Part& part = parts[first];
    while (last < parts.size() && parts[last].sequence == part.sequence &&
           parts[last].kv_head == part.kv_head)
      ++last;
    for (int64_t h = 0; h < group; ++h) {
      of_head.clear();
      for (size_t i = first; i < last; ++i)
        of_head.push_back(results[parts[i].result + static_cast<size_t>(h)]);
      HWY_DYNAMIC_DISPATCH(JoinParts)
      (shape.head_dim, of_head,
       out.data + part.sequence * out.stride + (part.kv_head * group + h) * shape.head_dim);
    }
  }
}

}  // namespace gemtune::kernels
#endif  // HWY_ONCE
