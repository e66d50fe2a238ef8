#include "gemtune/kernels/cuda/device.h"

namespace gemtune::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kBlockNumbers = 4096;
constexpr int kPartsALaunch = 40;  // what a kernel is called with must fit into 4 KB

// The step's constants in fp32, rounded from double once, as kernels/adamw.cc does.
struct Constants {
  explicit Constants(const AdamWStepOptions& o)
      : grad_scale(static_cast<float>(o.grad_scale)),
        one_minus_beta1(static_cast<float>(1.0 - o.beta1)),
        beta2(static_cast<float>(o.beta2)),
        one_minus_beta2(static_cast<float>(1.0 - o.beta2)),
        epsilon(static_cast<float>(o.epsilon)),
        pace(PaceConstants(o)) {}

  float grad_scale, one_minus_beta1, beta2, one_minus_beta2, epsilon;
  AdamWPaceConstants pace;
};

// Adam's equations for one number.
__device__ void Move(const Constants& c, const AdamWPaceConstants& pace, float grad, float& parameter,
                     float& exp_avg, float& exp_avg_sq) {
  exp_avg += c.one_minus_beta1 * (grad - exp_avg);
  exp_avg_sq = exp_avg_sq * c.beta2 + grad * grad * c.one_minus_beta2;
  const float denominator = sqrtf(exp_avg_sq) * pace.inverse_sqrt_correction2 + c.epsilon;
  parameter = parameter * pace.keep - pace.step_size * (exp_avg / denominator);
}

template <typename Part>
struct Parts {
  Part part[kPartsALaunch];
  int64_t first_block[kPartsALaunch + 1];
  int count = 0;

  // Which part a block works on.
  __device__ int Find(int64_t block) const {
    int i = 0;
    while (block >= first_block[i + 1]) ++i;
    return i;
  }
};

// Calls launch(parts, blocks) for so many parts at a time.
template <typename Part, typename Launch>
void ForEachLaunch(std::span<const Part> all, const Launch& launch) {
  Parts<Part> some{};
  for (size_t i = 0; i < all.size(); ++i) {
    some.part[some.count] = all[i];
    some.first_block[some.count + 1] = some.first_block[some.count] + CeilDiv(all[i].n, kBlockNumbers);
    if (++some.count < kPartsALaunch && i + 1 < all.size()) continue;
    launch(some, some.first_block[some.count]);
    some = {};
  }
}

// What the kernels are called with of a part.
struct Step {
  int64_t n;
  const void* grad;
  bool grad_is_bf16, reads_packs;
  float* parameter;
  float* exp_avg;
  float* exp_avg_sq;
  BFloat16* rounded;
};
struct Squared {
  int64_t n;
  const void* x;
  bool is_bf16, reads_packs;
};

template <int N>
__device__ void LoadEither(const void* x, bool is_bf16, int64_t i, float (&value)[N]) {
  if (is_bf16) {
    Load(static_cast<const BFloat16*>(x) + i, value);
  } else {
    Load(static_cast<const float*>(x) + i, value);
  }
}

template <int N>
__device__ void StepRange(const Step& step, int64_t begin, int64_t end, const Constants& c) {
  for (int64_t i = begin + N * static_cast<int64_t>(threadIdx.x); i < end; i += N * kThreads) {
    float grad[N], p[N], m[N], v[N];
    LoadEither(step.grad, step.grad_is_bf16, i, grad);
    Load(step.parameter + i, p);
    Load(step.exp_avg + i, m);
    Load(step.exp_avg_sq + i, v);
    for (int k = 0; k < N; ++k) Move(c, c.pace, grad[k] * c.grad_scale, p[k], m[k], v[k]);
    Store(p, step.parameter + i);
    Store(m, step.exp_avg + i);
    Store(v, step.exp_avg_sq + i);
    if (step.rounded != nullptr) Store(p, step.rounded + i);
  }
}

__global__ void StepKernel(Parts<Step> parts, Constants c) {
  const int i = parts.Find(blockIdx.x);
  const Step& step = parts.part[i];
  const int64_t begin = (blockIdx.x - parts.first_block[i]) * kBlockNumbers,
                end = step.n < begin + kBlockNumbers ? step.n : begin + kBlockNumbers;
  if (step.reads_packs) {
    StepRange<4>(step, begin, end, c);
  } else {
    StepRange<1>(step, begin, end, c);
  }
}

template <int N>
__device__ float SquareRange(const Squared& part, int64_t begin, int64_t end) {
  float sum = 0;
  for (int64_t i = begin + N * static_cast<int64_t>(threadIdx.x); i < end; i += N * kThreads) {
    float x[N];
    LoadEither(part.x, part.is_bf16, i, x);
    for (int k = 0; k < N; ++k) sum += x[k] * x[k];
  }
  return sum;
}

// Each block takes every so many pieces and leaves what their squares sum up to.
__global__ void SquareKernel(Parts<Squared> parts, int64_t pieces, double* room) {
  double sum = 0;
  for (int64_t piece = blockIdx.x; piece < pieces; piece += gridDim.x) {
    const int i = parts.Find(piece);
    const Squared& part = parts.part[i];
    const int64_t begin = (piece - parts.first_block[i]) * kBlockNumbers,
                  end = part.n < begin + kBlockNumbers ? part.n : begin + kBlockNumbers;
    const float own = part.reads_packs ? SquareRange<4>(part, begin, end) : SquareRange<1>(part, begin, end);
    sum += static_cast<double>(BlockSum(own));
  }
  if (threadIdx.x == 0) room[blockIdx.x] = sum;
}

// One warp.
__global__ void AddRoom(int64_t blocks, const double* room, double* sum) {
  double own = 0;
  for (int64_t i = threadIdx.x; i < blocks; i += kWarp) own += room[i];
  for (int other = kWarp / 2; other > 0; other /= 2) own += __shfl_xor_sync(0xffffffffu, own, other);
  if (threadIdx.x == 0) *sum += own;
}

// A block a row, a thread some of its columns; a row's past steps are taken in registers.
template <typename Parameter, typename Grad>
__global__ void RowsKernel(int64_t dim, Parameter* parameter, const AdamWRow* rows,
                           const AdamWPaceConstants* paces, const Grad* grads, Constants c) {
  constexpr bool kHasMaster = std::is_same_v<Parameter, BFloat16>;
  const AdamWRow row = rows[blockIdx.x];
  Parameter* own = parameter + row.index * dim;
  float* exp_avg = row.state + (kHasMaster ? dim : 0);
  float* exp_avg_sq = exp_avg + dim;
  for (int64_t j = threadIdx.x; j < dim; j += blockDim.x) {
    float p, m = exp_avg[j], v = exp_avg_sq[j];
    if constexpr (kHasMaster) {
      p = row.state[j];
    } else {
      p = own[j];
    }
    int64_t s = row.first_step;
    for (; s <= row.last_moving; ++s) Move(c, paces[s - 1], 0.0f, p, m, v);
    for (; s <= row.last_step; ++s) p *= paces[s - 1].keep;
    if (row.rests) {
      m = 0;
      v *= row.rest_decay;
    }
    if (grads != nullptr) {
      Move(c, c.pace, ToFloat(grads[static_cast<int64_t>(blockIdx.x) * dim + j]) * c.grad_scale, p, m, v);
    }
    exp_avg[j] = m;
    exp_avg_sq[j] = v;
    Put(p, own[j]);
    if constexpr (kHasMaster) row.state[j] = p;
  }
}

}  // namespace

void AdamWStep(std::span<const AdamWPart> parts, const AdamWStepOptions& options, Stream stream) {
  std::vector<Step> steps;
  for (const AdamWPart& part : parts) {
    const AdamWState& state = part.state;
    bool packs = ReadsPacks<4>(4, part.grad, Floats(state.parameter), Floats(state.exp_avg),
                               Floats(state.exp_avg_sq)) &&
                 part.n % 4 == 0;
    if (state.rounded != nullptr) packs = packs && ReadsPacks<4>(4, Floats(state.rounded));
    steps.push_back({.n = part.n,
                     .grad = part.grad.data(),
                     .grad_is_bf16 = part.grad.is_bf16(),
                     .reads_packs = packs,
                     .parameter = state.parameter,
                     .exp_avg = state.exp_avg,
                     .exp_avg_sq = state.exp_avg_sq,
                     .rounded = state.rounded});
  }
  ForEachLaunch<Step>(steps, [&](const Parts<Step>& some, int64_t blocks) {
    Launch(&StepKernel, {blocks, kThreads}, stream, some, Constants(options));
  });
}

void AddSumOfSquares(std::span<const SquaredPart> parts, double* sum, double* room, Stream stream) {
  std::vector<Squared> squared;
  for (const SquaredPart& part : parts) {
    squared.push_back({.n = part.n,
                       .x = part.x.data(),
                       .is_bf16 = part.x.is_bf16(),
                       .reads_packs = part.n % 4 == 0 && ReadsPacks<4>(4, part.x)});
  }
  ForEachLaunch<Squared>(squared, [&](const Parts<Squared>& some, int64_t pieces) {
    const int64_t blocks = std::min(pieces, kSquareBlocks);
    if (blocks == 0) return;
    Launch(&SquareKernel, {blocks, kThreads}, stream, some, pieces, room);
    Launch(&AddRoom, {1, kWarp}, stream, blocks, room, sum);
  });
}

void AdamWRows(int64_t num_rows, int64_t dim, Floats parameter, const AdamWRow* rows,
               const AdamWPaceConstants* paces, const ConstFloats* grads, const AdamWStepOptions& options,
               Stream stream) {
  const int threads = ThreadsOfRow(dim, 256);
  WithTypeOf(
      [&]<typename T>(T) {
        const auto launch = [&]<typename G>(const G* values) {
          Launch(&RowsKernel<T, G>, {num_rows, threads}, stream, dim, As<T>(parameter), rows, paces, values,
                 Constants(options));
        };
        if (grads != nullptr && grads->is_bf16()) {
          launch(As<BFloat16>(*grads));
        } else {
          launch(grads != nullptr ? As<float>(*grads) : nullptr);
        }
      },
      parameter);
}

}  // namespace gemtune::kernels::cuda
