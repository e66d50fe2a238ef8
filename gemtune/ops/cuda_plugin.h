#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "gemtune/kernels/cuda/kernels.h"

namespace gemtune::ops {

/// A packed batch as FlashAttention-2 takes it, on one device and of one type: q [R, heads, head_dim]; k, v
/// [T, kv_heads, head_dim], rows any distance apart; cu_rows, cu_keys [B + 1] int32. The last query of a
/// sequence stands at its last key; a query sees `window` keys up to its own, 0: all of them.
struct FlashInput {
  at::Tensor q, k, v, cu_rows, cu_keys;
  int64_t most_rows, most_keys;  // of a sequence
  double scale;
  int64_t window;
};
struct FlashOutput {
  at::Tensor out;                     // as q
  at::Tensor lse, rng_state, unused;  // for the backward pass
};
struct FlashGradients {
  at::Tensor dq, dk, dv;
};

/// A card, as CUDA numbers them.
struct Card {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  int64_t total_bytes = 0;
};

/// What libgemtune_cuda.so (cuda/plugin.cc) exports: all that needs CUDA's headers or libraries.
struct CudaPlugin {
  /// Program and library must be of one build: what they share are the types of this header.
  const char* build;
  /// Whose tensors its kernels take.
  at::DeviceType device_type;
  kernels::cuda::Kernels kernels;
  kernels::cuda::Stream (*current_stream)();

  FlashOutput (*flash_forward)(const FlashInput& input);
  FlashGradients (*flash_backward)(const FlashInput& input, const FlashOutput& output,
                                   const at::Tensor& dout);

  /// The cards, or why there is none: a driver that is missing or too old.
  std::vector<Card> (*cards)(std::string& trouble);
  /// Makes it the current card; why it cannot be used, or "".
  std::string (*open)(int index);
  int64_t (*free_bytes)(int index);  // what a program can still allocate
  int64_t (*peak_bytes)(int index);  // the most that tensors have held, and the allocator kept for them
  void (*synchronize)();
};

/// The build that this program is.
std::string CudaBuild();

/// The plugin in use; nullptr: none.
const CudaPlugin* LoadedCudaPlugin();

/// Loads the plugin from the file, or from where it lies beside the program. Throws Error if it is not there,
/// is of another build or cannot be loaded.
const CudaPlugin& LoadCudaPlugin(const std::filesystem::path& file);

/// Where LoadCudaPlugin looks for it; empty: nowhere.
std::filesystem::path FindCudaPlugin();

/// Takes this plugin from now on; nullptr: none. For tests.
void UseCudaPlugin(const CudaPlugin* plugin);

}  // namespace gemtune::ops
