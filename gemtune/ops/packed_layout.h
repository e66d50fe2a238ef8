#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace gemtune::ops {

/// The positions of the sequences in a packed batch, and which of their tokens are queries.
///
/// Tokens [cu_seqlens[s], cu_seqlens[s+1]) of the batch are sequence s; positions restart in each, at 0 or
/// where it is continued. Query rows [cu_rows[s], cu_rows[s+1]) belong to sequence s; without a selection
/// every token is a query.
struct PackedLayout {
  std::vector<int32_t> cu_seqlens;  // [B + 1]
  std::vector<int32_t> cu_rows;     // [B + 1]
  at::Tensor positions;             // [T] int64, of every token in its sequence
  at::Tensor rows;                  // [R] int64, token index of every query; undefined: all tokens, R = T
  at::Tensor row_positions;         // [R] int64, of every query in its sequence
  std::vector<int64_t> begins;      // [B] position of the first token of each; empty: all 0
  bool queries_are_last = true;     // of each sequence: no other token stands behind its first query
  at::Tensor cu_tokens_there, cu_rows_there;  // cu_seqlens and cu_rows where positions is, int32

  int64_t num_sequences() const { return static_cast<int64_t>(cu_seqlens.size()) - 1; }
  int64_t num_tokens() const { return cu_seqlens.back(); }
  int64_t num_rows() const { return cu_rows.back(); }
  int64_t begin(int64_t sequence) const { return begins.empty() ? 0 : begins[static_cast<size_t>(sequence)]; }

  /// The largest position plus one.
  int64_t num_positions() const;

  /// Tokens of the longest sequence, and queries of the one with the most.
  int64_t most_tokens() const;
  int64_t most_rows() const;

  /// Every token is a query. Throws std::logic_error unless cu_seqlens starts at 0 and increases strictly.
  static PackedLayout Full(std::vector<int32_t> cu_seqlens, const at::Device& device = at::kCPU);

  /// Every token is a query; the tokens of sequence s continue the begins[s] before them, which a cache holds
  /// (ops::CachedQkvAttention).
  static PackedLayout Continued(std::vector<int32_t> cu_seqlens, std::vector<int64_t> begins,
                                const at::Device& device = at::kCPU);

  /// The same sequences with only `rows` as queries: strictly increasing token indices (any number per
  /// sequence, also 0).
  PackedLayout WithRows(const std::vector<int64_t>& token_rows) const;

  /// The same sequences with every token as a query.
  PackedLayout WithAllRows() const;
};

}  // namespace gemtune::ops
