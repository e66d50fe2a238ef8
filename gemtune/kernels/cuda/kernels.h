#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "gemtune/kernels/adamw.h"
#include "gemtune/kernels/floats.h"
#include "gemtune/kernels/norm_rope.h"
#include "gemtune/kernels/quant.h"

// The kernels for NVIDIA's cards. Contracts are those of the kernels for the processor of the same name,
// where nothing else is said; all pointers but those in options and spans are to the card's memory. A call
// returns at once: the work is done on `stream` in the order of the calls. What fails throws
// std::runtime_error.
//
// They are compiled into a library that is loaded when a card is asked for, and called through a table of
// their addresses (Kernels), so that a program without a card needs nothing of CUDA.
namespace gemtune::kernels::cuda {

using Stream = void*;  // cudaStream_t

/// Blocks that leave a part each of the gradient of a weight: `parts` [kWeightParts, dim] fp32 is room for
/// them.
constexpr int64_t kWeightParts = 264;

// ---- rms_norm.h

void RmsNormForward(int64_t rows, int64_t dim, const float* x, ConstFloats w, float eps, Floats y,
                    Stream stream);
void AddRmsNormForward(int64_t rows, int64_t dim, const float* residual, ConstFloats x, ConstFloats w,
                       float eps, float* sum, Stream stream);
/// dw [dim] as wide as w.
void RmsNormBackward(int64_t rows, int64_t dim, const float* x, ConstFloats w, float eps, ConstFloats dy,
                     float* dx, Floats dw, float* parts, Stream stream);
void AddRmsNormBackward(int64_t rows, int64_t dim, ConstFloats x, ConstFloats w, float eps, const float* dsum,
                        Floats dx, Floats dw, float* parts, Stream stream);

// ---- norm_rope.h; head_dim up to 256.

void NormRopeForward(const NormRopeShape& shape, ConstFloats x, int64_t x_stride, ConstFloats w, Floats y,
                     int64_t y_stride, Stream stream);
/// dw [head_dim] as wide as w.
void NormRopeBackward(const NormRopeShape& shape, ConstFloats x, int64_t x_stride, ConstFloats w,
                      ConstFloats dy, int64_t dy_stride, Floats dx, int64_t dx_stride, Floats dw,
                      float* parts, Stream stream);

// ---- geglu.h

void GeGluForward(int64_t rows, int64_t width, ConstFloats gate_up, Floats y, Stream stream);
void GeGluBackward(int64_t rows, int64_t width, ConstFloats gate_up, ConstFloats dy, Floats d_gate_up,
                   Floats y, Stream stream);

// ---- softmax_cross_entropy.h

void SoftmaxLosses(int64_t rows, int64_t columns, ConstFloats logits, const int64_t* targets, float* losses,
                   uint8_t* is_correct, Stream stream);
void SoftmaxGradients(int64_t rows, int64_t columns, Floats logits, const int64_t* targets, float* losses,
                      Stream stream);

// ---- dropout.h, uniform_noise.h: the same numbers as on the processor.

void Dropout(int64_t n, ConstFloats x, double rate, uint64_t key, Floats y, Stream stream);
void UniformNoise(int64_t n, uint64_t key, float* y, Stream stream);

// ---- A scaled embedding, ops/embedding.h.

/// y [tokens, dim] fp32: table row ids[t] · scale.
void EmbeddingForward(int64_t tokens, int64_t dim, ConstFloats table, const int64_t* ids, float scale,
                      float* y, Stream stream);
/// The gradient of `rows` rows of the table: drows[i] = scale · Σ dy[order[j]] over j in [begins[i], begins[i
/// + 1]), in this order, [rows, dim] fp32 or bf16. begins [rows + 1]; order: token indices; dy [tokens, dim].
void EmbeddingBackward(int64_t rows, int64_t dim, const int64_t* begins, const int64_t* order,
                       const float* dy, float scale, Floats drows, Stream stream);

// ---- adamw.h

/// A tensor of a step.
struct AdamWPart {
  int64_t n;
  ConstFloats grad;
  AdamWState state;
};
/// One step of all parts.
void AdamWStep(std::span<const AdamWPart> parts, const AdamWStepOptions& options, Stream stream);

struct SquaredPart {
  int64_t n;
  ConstFloats x;
};
/// Blocks of a sum of squares: `room` [kSquareBlocks] is for what each leaves.
constexpr int64_t kSquareBlocks = 1024;
/// *sum += Σ x² of all parts; the order depends on their sizes alone.
void AddSumOfSquares(std::span<const SquaredPart> parts, double* sum, double* room, Stream stream);

// ---- AdamW on rows, ops/row_adamw_step.h.

/// What is to be done with a row: steps [first_step, last_moving] with a gradient of zero, then the decay of
/// steps up to last_step alone; then, before its next gradient, the moments as they are after `rest_decay`
/// (1: the row has moved).
struct AdamWRow {
  int64_t index;  // row of the parameter
  float* state;   // [2 or 3, dim]: master, if the parameter is bf16; exp_avg; exp_avg_sq
  int64_t first_step, last_moving, last_step;
  float rest_decay;
  bool rests;  // its first moment is to be zero, its second times rest_decay
};
/// What of a past step depends on its number alone, as the kernel for the processor rounds it.
struct AdamWPaceConstants {
  float keep, step_size, inverse_sqrt_correction2;
};
inline AdamWPaceConstants PaceConstants(const AdamWStepOptions& o) {
  const auto step = static_cast<double>(o.step);
  return {.keep = static_cast<float>(1.0 - o.learning_rate * o.weight_decay),
          .step_size = static_cast<float>(o.learning_rate / (1.0 - std::pow(o.beta1, step))),
          .inverse_sqrt_correction2 = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(o.beta2, step)))};
}

/// parameter [.., dim]; rows [num_rows], distinct; paces [steps so far], of step s at s − 1. With `grads`
/// [num_rows, dim] the step that `options` gives follows.
void AdamWRows(int64_t num_rows, int64_t dim, Floats parameter, const AdamWRow* rows,
               const AdamWPaceConstants* paces, const ConstFloats* grads, const AdamWStepOptions& options,
               Stream stream);

// ---- quant.h

/// Rows ids[0], ids[1], ... of a matrix in blocks, or without ids rows 0, 1, ...: out [rows, columns], the
/// same numbers as kernels::DequantizeRows gives.
void DequantizeRows(BlockType type, const std::byte* blocks, int64_t columns, int64_t rows,
                    const int64_t* ids, Floats out, Stream stream);

// ---- cached_attention.h; head_dim up to 256.

/// A sequence's keys and values.
struct KeptSequence {
  const void* k;
  const void* v;
  int64_t count;
};
/// kept [sequences]; q, out [sequences, heads · head_dim], rows next to each other.
void CachedAttention(int64_t sequences, int64_t heads, int64_t kv_heads, int64_t head_dim, float scale,
                     const KeptSequence* kept, ConstFloats q, Floats out, Stream stream);

/// A row to be copied.
struct RowMove {
  const void* from;
  void* to;
};
/// moves [n]; `bytes` of a row, even. No row is both read and written.
void CopyRows(int64_t n, int64_t bytes, const RowMove* moves, Stream stream);

// ---- The table.

#define GEMTUNE_CUDA_KERNELS(X) \
  X(RmsNormForward)             \
  X(AddRmsNormForward)          \
  X(RmsNormBackward)            \
  X(AddRmsNormBackward)         \
  X(NormRopeForward)            \
  X(NormRopeBackward)           \
  X(GeGluForward)               \
  X(GeGluBackward)              \
  X(SoftmaxLosses)              \
  X(SoftmaxGradients)           \
  X(Dropout)                    \
  X(UniformNoise)               \
  X(EmbeddingForward)           \
  X(EmbeddingBackward)          \
  X(AdamWStep)                  \
  X(AddSumOfSquares)            \
  X(AdamWRows)                  \
  X(DequantizeRows)             \
  X(CachedAttention)            \
  X(CopyRows)

struct Kernels {
#define GEMTUNE_CUDA_KERNEL(name) decltype(&cuda::name) name;
  GEMTUNE_CUDA_KERNELS(GEMTUNE_CUDA_KERNEL)
#undef GEMTUNE_CUDA_KERNEL
};

/// The kernels of the library that this is compiled into.
constexpr Kernels AllKernels() {
  return {
#define GEMTUNE_CUDA_KERNEL(name) .name = &cuda::name,
      GEMTUNE_CUDA_KERNELS(GEMTUNE_CUDA_KERNEL)
#undef GEMTUNE_CUDA_KERNEL
  };
}

}  // namespace gemtune::kernels::cuda
