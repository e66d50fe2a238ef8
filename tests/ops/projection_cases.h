#pragma once

#include <string>
#include <vector>

#include "gemtune/ops/projection.h"
#include "tests/ops/harness.h"
#include "tests/support/tiny_gguf.h"

namespace gemtune::ops {

/// What a projection consists of, for the rows of ops that multiply by one.
struct ProjectionKind {
  std::string name;
  bool has_adapter = false, has_gain = false;
  double dropout = 0;
  bool is_frozen = false;                    // the weight
  std::optional<BlockType> block_type = {};  // that the weight is in; frozen then
  MatmulDtype matmul_dtype = MatmulDtype::kOperands;

  /// Of W, a Leaf from which Of makes the projection; of W and what is adapted, A, B and the gain.
  Leaf Weight(int64_t out, int64_t in) const {
    if (!block_type) return {.numbers = Normal({out, in}).numbers, .is_frozen = is_frozen};
    return {.numbers = Expand({Blocks(out, in)}, at::kDouble), .is_frozen = true};
  }
  void AppendAdapter(int64_t out, int64_t in, std::vector<Leaf>& leaves) const {
    if (!has_adapter) return;
    constexpr int64_t kRank = 3;
    leaves.push_back(Normal({kRank, in}, 1, Held::kWide));
    leaves.push_back(Normal({out, kRank}, 1, Held::kWide));
    if (has_gain) leaves.push_back({.numbers = at::rand({out}, at::kDouble) + 0.5, .held = Held::kWide});
  }

  /// Of W and the leaves from in[adapter] on, which is moved behind them.
  Projection Of(const at::Tensor& weight, const Inputs& in, size_t& adapter) const {
    Projection projection(weight);
    if (block_type && !in.is_reference()) {
      projection.weight = Blocks(weight.size(0), weight.size(1)).bytes.to(in.device);
      projection.block_type = block_type;
    }
    projection.matmul_dtype = matmul_dtype;
    if (!has_adapter) return projection;
    projection.low_rank = {
        .a = in[adapter], .b = in[adapter + 1], .scaling = 1.5, .dropout = dropout, .dropout_key = adapter};
    adapter += 2;
    if (has_gain) projection.low_rank.gain = in[adapter++];
    return projection;
  }

 private:
  BlockRows Blocks(int64_t out, int64_t in) const { return test::RandomBlockRows(*block_type, out, in, 7); }
};

/// Every adapter on a weight that is trained and one that is not.
inline std::vector<ProjectionKind> ProjectionKinds() {
  return {{.name = "plain"},
          {.name = "LoRA", .has_adapter = true},
          {.name = "DoRA", .has_adapter = true, .has_gain = true},
          {.name = "LoRA with dropout", .has_adapter = true, .dropout = 0.3},
          {.name = "DoRA with dropout", .has_adapter = true, .has_gain = true, .dropout = 0.3},
          {.name = "frozen", .is_frozen = true},
          {.name = "LoRA on a frozen weight", .has_adapter = true, .is_frozen = true}};
}

/// The same on a weight in blocks, of some type and, without an adapter, of every type.
inline std::vector<ProjectionKind> KindsInBlocks() {
  std::vector<ProjectionKind> kinds;
  for (const kernels::BlockTypeInfo& info : kernels::BlockTypes()) {
    kinds.push_back({.name = std::string(info.name), .block_type = info.type});
  }
  for (ProjectionKind kind : ProjectionKinds()) {
    if (!kind.has_adapter || kind.is_frozen) continue;
    kind.name += " on Q5_K";
    kind.block_type = BlockType::kQ5_K;
    kinds.push_back(kind);
  }
  return kinds;
}

struct ProjectionSize {
  int64_t rows, in, out;
};

/// Few rows and those from which our own engine multiplies; sizes around its panels of 16 and vectors.
inline std::vector<ProjectionSize> ProjectionSizes() {
  return {{2, 5, 3}, {1, 17, 33}, {63, 33, 17}, {64, 32, 16}, {65, 15, 31}, {131, 65, 40}, {3, 1, 1}};
}

/// Those with a weight in blocks, whose rows are whole blocks of any type.
inline std::vector<ProjectionSize> SizesInBlocks() {
  return {{5, 256, 7}, {90, 512, 33}};
}

}  // namespace gemtune::ops
