#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "gemtune/kernels/floats.h"

namespace gemtune::kernels {

/// Storage types of GGUF tensors that can be read; the first three are plain numbers ("blocks" of one).
enum class BlockType { kF32, kF16, kBF16, kQ4_0, kQ5_0, kQ8_0, kQ4_K, kQ5_K, kQ6_K };

struct BlockTypeInfo {
  BlockType type;
  uint32_t ggml_id;       // enum ggml_type in ggml.h
  std::string_view name;  // as printed by ggml and the gguf package
  int64_t elements;       // per block
  int64_t bytes;          // per block
};

/// Every BlockType, in the order of the enum.
std::span<const BlockTypeInfo> BlockTypes();

const BlockTypeInfo& Info(BlockType type);

/// nullopt for a type that is not in the table (Q2_K, IQ4_XS, ...).
std::optional<BlockType> BlockTypeFromGgmlId(uint32_t ggml_id);

/// blocks [elements / Info(type).elements blocks], at any address, little endian; out [elements],
/// overwritten. `elements` is a multiple of the block.
///
/// In fp32, in the order of gguf.quants.dequantize and so bitwise equal to it (scales d, dmin are halves made
/// float; sc, m, q integers made float; no fused multiply-add):
///   Q4_0, Q5_0, Q8_0:  d · q
///   Q4_K, Q5_K:        (d · sc) · q − (dmin · m)
///   Q6_K:              (d · sc) · q
/// Layouts: ggml-common.h of https://github.com/ggml-org/ggml
void Dequantize(BlockType type, const std::byte* blocks, int64_t elements, float* out);

/// The same rounded to bfloat16, to nearest, ties to even. BF16 blocks are copied as they are.
void DequantizeToBFloat16(BlockType type, const std::byte* blocks, int64_t elements, uint16_t* out);

/// A matrix [rows, columns] in blocks along its rows, one row after the other.
struct BlockMatrix {
  BlockType type;
  const std::byte* blocks;
  int64_t rows, columns;  // columns a multiple of the block
};

/// Bytes of a row of `columns` numbers.
int64_t RowBytes(BlockType type, int64_t columns);

/// Rows [begin, end) of vertically stacked matrices of the same width → out [end − begin, columns],
/// overwritten: fp32, or rounded to bf16.
void DequantizeRows(std::span<const BlockMatrix> pieces, int64_t begin, int64_t end, Floats out);

}  // namespace gemtune::kernels
