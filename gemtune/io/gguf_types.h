#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gemtune/kernels/quant.h"

namespace gemtune::io {

/// How the weights of a GGUF file are stored, by the names of llama.cpp's tools.
struct GgufOuttype {
  std::string_view name;        // "q4_k_m"
  uint32_t file_type;           // enum llama_ftype in llama.h
  kernels::BlockType matrices;  // that of most of them
};

/// f32, f16, bf16, q8_0, q4_0, q4_k_m
std::span<const GgufOuttype> GgufOuttypes();

/// Throws Error, listing the names there are, for another one.
const GgufOuttype& FindGgufOuttype(std::string_view name);

/// The type of a tensor of a model with tied embeddings and `num_layers`, by its GGUF name and its shape in
/// PyTorch's order: what convert_hf_to_gguf.py (f32 to q8_0) and llama-quantize (q4_0, q4_k_m) choose, that
/// is, llama_tensor_get_type and its fall-backs of
/// https://github.com/ggml-org/llama.cpp/blob/master/src/llama-quant.cpp
kernels::BlockType GgufTensorType(const GgufOuttype& outtype, std::string_view gguf_name,
                                  const std::vector<int64_t>& shape, int64_t num_layers);

}  // namespace gemtune::io
