#pragma once

#include <string>
#include <vector>

#include "gemtune/ops/packed_layout.h"
#include "tests/ops/harness.h"

namespace gemtune::ops {

/// A packed batch, for the rows of attention.
struct AttentionCase {
  std::vector<int32_t> cu_seqlens;
  int64_t heads, kv_heads, head_dim, window;
  std::vector<int64_t> rows = {};  // tokens that are queries; none: all
  double terms = 0.05;             // see OpCase

  PackedLayout Layout(const at::Device& device) const {
    const PackedLayout full = PackedLayout::Full(cu_seqlens, device);
    return rows.empty() ? full : full.WithRows(rows);
  }
  double scale() const { return 1 / std::sqrt(static_cast<double>(head_dim)); }
  int64_t num_tokens() const { return cu_seqlens.back(); }
  int64_t num_rows() const { return rows.empty() ? num_tokens() : static_cast<int64_t>(rows.size()); }
  std::string Name() const {
    return fmt::format("{} tokens in {} sequences, {} of them queries, {} heads on {} of {}, a window of {}",
                       num_tokens(), cu_seqlens.size() - 1, num_rows(), heads, kv_heads, head_dim, window);
  }
};

/// Windows shorter than, equal to and longer than a sequence, sequences of one token, without queries and
/// around the kernels' blocks of 128 queries and 512 keys, heads of less than a vector and of several with a
/// tail. Where each query sees one key alone, all gradients of queries and keys cancel.
inline std::vector<AttentionCase> AttentionCases() {
  return {{{0, 1, 5}, 2, 1, 4, 2},
          {{0, 1, 5}, 2, 1, 4, 0, {0, 4}},
          {{0, 1}, 1, 1, 2, 0, {}, 1},
          {{0, 7, 14}, 3, 1, 6, 1, {}, 1},
          {{0, 4}, 2, 2, 8, 4},
          {{0, 5}, 2, 2, 10, 4},
          {{0, 9}, 2, 1, 14, 100},
          {{0, 1, 8, 48}, 4, 2, 8, 3},
          {{0, 1, 8, 48}, 4, 2, 8, 3, {0, 7, 30, 47}},
          {{0, 1, 8, 48}, 4, 1, 16, 0, {30, 47}},
          {{0, 33, 38, 102, 167}, 4, 2, 18, 7},
          {{0, 129, 160}, 2, 2, 32, 32},
          {{0, 70, 370}, 2, 1, 34, 64},
          {{0, 65, 130}, 3, 1, 66, 0},
          {{0, 530}, 2, 1, 10, 0},
          {{0, 520}, 1, 1, 8, 512},
          {{0, 530, 531, 601}, 4, 1, 32, 512, {529, 530, 600}},
          {{0, 40}, 4, 1, 256, 16}};
}

}  // namespace gemtune::ops
