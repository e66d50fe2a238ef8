#include "gemtune/kernels/cuda/device.h"

namespace gemtune::kernels::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kThreads = kWarps * kWarp;
constexpr int64_t kMostHeadDim = 256;
constexpr int kNumbersALane = kMostHeadDim / kWarp;

// A block for each sequence and query head; each warp takes every eighth key, keeping the softmax as it goes
// (Dao et al. 2022), and the warps' results are put together in their order.
template <int N, typename T>
__global__ void Attend(int64_t heads, int64_t kv_heads, int64_t head_dim, float scale,
                       const KeptSequence* kept, const T* q, T* out) {
  __shared__ float outs[kWarps][kMostHeadDim];
  __shared__ float largests[kWarps], sums[kWarps];
  constexpr int kPacks = kNumbersALane / N;
  const int64_t sequence = blockIdx.x / heads, head = blockIdx.x % heads, width = kv_heads * head_dim;
  const int64_t offset = head / (heads / kv_heads) * head_dim,
                begin = static_cast<int64_t>(blockIdx.x) * head_dim;
  const int warp = static_cast<int>(threadIdx.x / kWarp), lane = static_cast<int>(threadIdx.x % kWarp);
  const KeptSequence own = kept[sequence];
  float query[kPacks][N] = {}, sum_of_values[kPacks][N] = {}, largest = -FLT_MAX, sum = 0;
  const auto for_each_pack = [&](const auto& body) {
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      const int64_t i = N * static_cast<int64_t>(lane + p * kWarp);
      if (i < head_dim) body(p, i);
    }
  };
  for_each_pack([&](int p, int64_t i) { Load(q + begin + i, query[p]); });
  for (int64_t key = warp; key < own.count; key += kWarps) {
    const int64_t row = key * width + offset;
    float score = 0;
    for_each_pack([&](int p, int64_t i) {
      float k[N];
      Load(static_cast<const T*>(own.k) + row + i, k);
      for (int n = 0; n < N; ++n) score += query[p][n] * k[n];
    });
    score = WarpSum(score) * scale;
    const float most = fmaxf(largest, score), old = expf(largest - most), share = expf(score - most);
    sum = sum * old + share;
    largest = most;
    for_each_pack([&](int p, int64_t i) {
      float v[N];
      Load(static_cast<const T*>(own.v) + row + i, v);
      for (int n = 0; n < N; ++n) sum_of_values[p][n] = sum_of_values[p][n] * old + share * v[n];
    });
  }
  for_each_pack([&](int p, int64_t i) {
    for (int n = 0; n < N; ++n) outs[warp][i + n] = sum_of_values[p][n];
  });
  if (lane == 0) {
    largests[warp] = largest;
    sums[warp] = sum;
  }
  __syncthreads();
  for (int64_t i = threadIdx.x; i < head_dim; i += kThreads) {
    float most = largests[0], total = 0, value = 0;
    for (int w = 1; w < kWarps; ++w) most = fmaxf(most, largests[w]);
    for (int w = 0; w < kWarps; ++w) {
      const float share = expf(largests[w] - most);
      total += sums[w] * share;
      value += outs[w][i] * share;
    }
    Put(value / total, out[begin + i]);
  }
}

template <typename T>
__global__ void Copy(int64_t words, const RowMove* moves) {
  const RowMove move = moves[blockIdx.x];
  for (int64_t i = threadIdx.x; i < words; i += blockDim.x) {
    static_cast<T*>(move.to)[i] = static_cast<const T*>(move.from)[i];
  }
}

}  // namespace

void CachedAttention(int64_t sequences, int64_t heads, int64_t kv_heads, int64_t head_dim, float scale,
                     const KeptSequence* kept, ConstFloats q, Floats out, Stream stream) {
  if (head_dim > kMostHeadDim) throw std::logic_error("a head is too wide for the kernel");
  WithTypeOf(
      [&]<typename T>(T) {
        // The kept rows are tensors of their own, aligned as allocations are.
        WithPack<8>(ReadsPacks<8>(head_dim, q), [&](auto n) {
          Launch(&Attend<decltype(n)::value, T>, {sequences * heads, kThreads}, stream, heads, kv_heads,
                 head_dim, scale, kept, As<T>(q), As<T>(out));
        });
      },
      q, out);
}

void CopyRows(int64_t n, int64_t bytes, const RowMove* moves, Stream stream) {
  // Rows begin at multiples of their size in allocations, which are aligned more than this.
  if (bytes % 8 == 0) {
    Launch(&Copy<uint64_t>, {n, ThreadsOfRow(bytes / 8, 128)}, stream, bytes / 8, moves);
  } else {
    Launch(&Copy<uint16_t>, {n, ThreadsOfRow(bytes / 2, 128)}, stream, bytes / 2, moves);
  }
}

}  // namespace gemtune::kernels::cuda
