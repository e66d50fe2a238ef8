#include "gemtune/kernels/attention.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemtune/kernels/attention.cc"
#include <hwy/foreach_target.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "gemtune/base/parallel.h"
#include "gemtune/base/round_up.h"
#include "gemtune/kernels/attention_rows-inl.h"
#include "gemtune/kernels/buffer.h"

#ifndef GEMTUNE_KERNELS_ATTENTION_CC_
#define GEMTUNE_KERNELS_ATTENTION_CC_
namespace gemtune::kernels {
namespace {

constexpr int64_t kQueryRows = 128;  // per block: its tokens times the query heads that share a key head
constexpr int64_t kKeyBlock =
    512;  // forward; with the block's rows this is a quarter of a megabyte of scores
constexpr int64_t kBackwardKeyBlock =
    128;  // scores, their gradients and both operands stay in the second cache

// The number of multiply-adds for the scores.
int64_t Work(const AttentionShape& shape) {
  int64_t scores = 0;
  for (int64_t i = 0; i < shape.num_sequences; ++i) {
    const int64_t length = shape.cu_seqlens[i + 1] - shape.cu_seqlens[i];
    scores += length * (shape.window > 0 ? std::min(length, shape.window) : length);
  }
  return scores * shape.heads * shape.head_dim;
}

// The queries of one block: some tokens of one sequence, with the heads that share a key head.
struct QueryBlock {
  int64_t sequence, kv_head;
  int64_t first, tokens;  // queries [first, first + tokens) of the batch
  const int64_t* position;
  int64_t group;  // query heads that share the key head; row (t, h) of the block is number t · group + h

  int64_t rows() const { return tokens * group; }
  int64_t padded() const { return RoundUp(rows(), kDepthStep); }
};

struct Range {
  int64_t begin, end;
};

// The keys that the query at `position` sees.
Range VisibleKeys(const AttentionShape& shape, int64_t position) {
  return {shape.window > 0 ? std::max<int64_t>(0, position - shape.window + 1) : 0, position + 1};
}

// The queries of a block that see the key at `key`: from its position on, within the window.
Range VisibleQueries(const AttentionShape& shape, const QueryBlock& block, int64_t key) {
  const int64_t* begin = block.position;
  const int64_t* end = begin + block.tokens;
  const int64_t* first = std::lower_bound(begin, end, key);
  const int64_t* last = shape.window > 0 ? std::lower_bound(first, end, key + shape.window) : end;
  return {first - begin, last - begin};
}

// The keys that any query of the block sees; begins at a multiple of the product's depth step.
Range KeysOf(const AttentionShape& shape, const QueryBlock& block) {
  return {VisibleKeys(shape, block.position[0]).begin / kDepthStep * kDepthStep,
          block.position[block.tokens - 1] + 1};
}

std::vector<QueryBlock> QueryBlocks(const AttentionShape& shape, int64_t sequence, int64_t kv_head) {
  const int64_t group = shape.heads / shape.kv_heads;
  const int64_t step = std::max<int64_t>(1, kQueryRows / group);
  std::vector<QueryBlock> blocks;
  const int64_t end = shape.cu_rows[sequence + 1];
  for (int64_t first = shape.cu_rows[sequence]; first < end; first += step) {
    blocks.push_back({.sequence = sequence,
                      .kv_head = kv_head,
                      .first = first,
                      .tokens = std::min(step, end - first),
                      .position = shape.row_positions + first,
                      .group = group});
  }
  return blocks;
}

int64_t SequenceLength(const AttentionShape& shape, int64_t sequence) {
  return shape.cu_seqlens[sequence + 1] - shape.cu_seqlens[sequence];
}

}  // namespace
}  // namespace gemtune::kernels
#endif  // GEMTUNE_KERNELS_ATTENTION_CC_

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

// T is the type of the tensors, E that of the products. They differ if bf16 is widened because there is no
// engine for it.
template <typename T, typename E>
struct Attention {
  const AttentionShape& shape;
  const GemmEngine<E>& engine;
  int64_t depth = RoundUp(shape.head_dim, kDepthStep);  // head_dim, padded for the products

  // Rows of k or v of one sequence and key head, side by side and padded: [RoundUp(length, 32), depth].
  BufferPointer<E> KeyRows(ConstRows x, int64_t sequence, int64_t kv_head) const {
    const int64_t length = SequenceLength(shape, sequence), padded = RoundUp(length, kDepthStep);
    auto rows = Buffer<E>(padded * depth);
    const T* from = static_cast<const T*>(x.data.data()) + shape.cu_seqlens[sequence] * x.stride +
                    kv_head * shape.head_dim;
    for (int64_t i = 0; i < length; ++i)
      CopyPadded(from + i * x.stride, shape.head_dim, depth, rows.get() + i * depth);
    std::fill(rows.get() + length * depth, rows.get() + padded * depth, E{});
    return rows;
  }

  // Rows of q, out or dout of a block: [block.padded(), depth].
  void QueryRows(ConstRows x, const QueryBlock& block, E* rows) const {
    for (int64_t t = 0; t < block.tokens; ++t) {
      const T* from = static_cast<const T*>(x.data.data()) + Offset(block, t, x.stride);
      for (int64_t h = 0; h < block.group; ++h) {
        CopyPadded(from + h * shape.head_dim, shape.head_dim, depth, rows + (t * block.group + h) * depth);
      }
    }
    std::fill(rows + block.rows() * depth, rows + block.padded() * depth, E{});
  }

  // The offset of the block's first head at its token t.
  int64_t Offset(const QueryBlock& block, int64_t t, int64_t stride) const {
    return (block.first + t) * stride + block.kv_head * block.group * shape.head_dim;
  }

  // One sequence's keys and values of one key head, packed for q·kᵀ and p·v.
  struct PackedKeys {
    BufferPointer<E> keys, values;
    int64_t padded_length;
  };

  PackedKeys Pack(ConstRows k, ConstRows v, int64_t sequence, int64_t kv_head) const {
    const int64_t padded = RoundUp(SequenceLength(shape, sequence), kDepthStep);
    PackedKeys packed{Buffer<E>(PackedSize(depth, padded)), Buffer<E>(PackedSize(padded, depth)), padded};
    engine.pack_columns(depth, padded, KeyRows(k, sequence, kv_head).get(), depth, packed.keys.get());
    engine.pack_rows(padded, depth, KeyRows(v, sequence, kv_head).get(), depth, packed.values.get());
    return packed;
  }

  // Softmax over key blocks with a running maximum (FlashAttention-2, algorithm 1).
  void ForwardBlock(const QueryBlock& block, ConstRows q, const PackedKeys& packed, Rows out,
                    float* lse) const {
    const EngineScope<E> scope(engine);
    const int64_t rows = block.padded();
    auto queries = Buffer<E>(rows * depth);
    auto scores = Buffer<float>(rows * kKeyBlock);
    auto probabilities = Buffer<E>(rows * kKeyBlock);
    auto mixed = Buffer<float>(rows * depth);
    std::vector<float> maximum(static_cast<size_t>(block.rows()), -std::numeric_limits<float>::infinity());
    std::vector<float> sum(static_cast<size_t>(block.rows()), 0.0f);
    QueryRows(q, block, queries.get());
    std::fill_n(probabilities.get(), rows * kKeyBlock, E{});
    const Range keys = KeysOf(shape, block);
    for (int64_t key = keys.begin; key < keys.end; key += kKeyBlock) {
      const int64_t n = RoundUp(std::min(kKeyBlock, keys.end - key), kDepthStep);
      engine.gemm({.m = rows,
                   .n = n,
                   .k = depth,
                   .a = queries.get(),
                   .lda = depth,
                   .b = packed.keys.get() + key / kPanelColumns * PanelStride(depth),
                   .panel_stride = PanelStride(depth),
                   .c = scores.get(),
                   .ldc = kKeyBlock,
                   .accumulate = false});
      for (int64_t row = 0; row < block.rows(); ++row) {
        const Range seen = VisibleKeys(shape, block.position[row / block.group]);
        const auto r = static_cast<size_t>(row);
        const float shrink =
            SoftmaxRow(scores.get() + row * kKeyBlock, std::max<int64_t>(0, seen.begin - key),
                       std::min(n, seen.end - key), n, shape.scale, probabilities.get() + row * kKeyBlock,
                       maximum[r], sum[r]);
        if (key != keys.begin && shrink != 1.0f) {
          CopyRow(mixed.get() + row * depth, depth, shrink, mixed.get() + row * depth);
        }
      }
      engine.gemm({.m = rows,
                   .n = depth,
                   .k = n,
                   .a = probabilities.get(),
                   .lda = kKeyBlock,
                   .b = packed.values.get() + key * kPanelColumns,
                   .panel_stride = PanelStride(packed.padded_length),
                   .c = mixed.get(),
                   .ldc = depth,
                   .accumulate = key != keys.begin});
    }
    for (int64_t row = 0; row < block.rows(); ++row) {
      const int64_t t = row / block.group, h = row % block.group;
      const auto r = static_cast<size_t>(row);
      CopyRow(mixed.get() + row * depth, shape.head_dim, 1.0f / sum[r],
              static_cast<T*>(out.data.data()) + Offset(block, t, out.stride) + h * shape.head_dim);
      lse[(block.first + t) * shape.heads + block.kv_head * block.group + h] = maximum[r] + std::log(sum[r]);
    }
  }

  void Forward(ConstRows q, ConstRows k, ConstRows v, Rows out, float* lse) const {
    const int64_t pairs = shape.num_sequences * shape.kv_heads, work = Work(shape);
    std::vector<PackedKeys> packed(static_cast<size_t>(pairs));
    std::vector<QueryBlock> blocks;
    for (int64_t pair = 0; pair < pairs; ++pair) {
      const auto more = QueryBlocks(shape, pair / shape.kv_heads, pair % shape.kv_heads);
      blocks.insert(blocks.end(), more.begin(), more.end());
    }
    ParallelForEach(pairs, work, [&](int64_t pair) {
      packed[static_cast<size_t>(pair)] = Pack(k, v, pair / shape.kv_heads, pair % shape.kv_heads);
    });
    ParallelForEach(static_cast<int64_t>(blocks.size()), work, [&](int64_t i) {
      const QueryBlock& block = blocks[static_cast<size_t>(i)];
      ForwardBlock(block, q, packed[static_cast<size_t>(block.sequence * shape.kv_heads + block.kv_head)],
                   out, lse);
    });
  }

  // The data that all blocks of one sequence and key head share in the backward pass.
  struct KeySide {
    BufferPointer<E> keys, values;  // [padded, depth]
    BufferPointer<E> keys_t;        // [depth, padded]
    int64_t padded;
  };

  KeySide Keys(ConstRows k, ConstRows v, int64_t sequence, int64_t kv_head) const {
    const int64_t padded = RoundUp(SequenceLength(shape, sequence), kDepthStep);
    KeySide side{KeyRows(k, sequence, kv_head), KeyRows(v, sequence, kv_head), Buffer<E>(padded * depth),
                 padded};
    constexpr int64_t kTile = 32;  // both sides of the transposition stay in the first cache
    for (int64_t key = 0; key < padded; key += kTile) {
      for (int64_t c = 0; c < depth; c += kTile) {
        for (int64_t j = c; j < c + kTile; ++j) {
          for (int64_t i = key; i < key + kTile; ++i) side.keys_t[j * padded + i] = side.keys[i * depth + j];
        }
      }
    }
    return side;
  }

  // Works on transposed scores [keys, queries]: pᵀ·dO and dsᵀ·q, the gradients of v and k, can use them
  // directly, and dqᵀ = kᵀ·dsᵀ packs them from their rows. (FlashAttention-2, algorithm 2.)
  struct BackwardWork {
    BackwardWork(int64_t rows, int64_t depth)
        : queries(Buffer<E>(rows * depth)),
          d_out(Buffer<E>(rows * depth)),
          query_columns(Buffer<E>(PackedSize(depth, rows))),
          d_out_columns(Buffer<E>(PackedSize(depth, rows))),
          query_rows(Buffer<E>(PackedSize(rows, depth))),
          d_out_rows(Buffer<E>(PackedSize(rows, depth))),
          scores(Buffer<float>(kBackwardKeyBlock * rows)),
          d_probabilities(Buffer<float>(kBackwardKeyBlock * rows)),
          probabilities(Buffer<E>(kBackwardKeyBlock * rows)),
          d_scores(Buffer<E>(kBackwardKeyBlock * rows)),
          packed_d_scores(Buffer<E>(PackedSize(kBackwardKeyBlock, rows))),
          dq_t(Buffer<float>(depth * rows)),
          lse(Buffer<float>(rows)),
          delta(Buffer<float>(rows)) {}

    BufferPointer<E> queries, d_out, query_columns, d_out_columns, query_rows, d_out_rows;
    BufferPointer<float> scores, d_probabilities;
    BufferPointer<E> probabilities, d_scores, packed_d_scores;
    BufferPointer<float> dq_t, lse, delta;
  };

  void LoadBlock(const QueryBlock& block, ConstRows q, ConstRows out, const float* lse, ConstRows dout,
                 BackwardWork& work) const {
    const int64_t rows = block.padded();
    QueryRows(q, block, work.queries.get());
    QueryRows(dout, block, work.d_out.get());
    engine.pack_columns(depth, rows, work.queries.get(), depth, work.query_columns.get());
    engine.pack_columns(depth, rows, work.d_out.get(), depth, work.d_out_columns.get());
    engine.pack_rows(rows, depth, work.queries.get(), depth, work.query_rows.get());
    engine.pack_rows(rows, depth, work.d_out.get(), depth, work.d_out_rows.get());
    std::fill_n(work.lse.get(), rows, 0.0f);
    std::fill_n(work.delta.get(), rows, 0.0f);
    for (int64_t row = 0; row < block.rows(); ++row) {
      const int64_t t = row / block.group, h = row % block.group;
      const T* o = static_cast<const T*>(out.data.data()) + Offset(block, t, out.stride) + h * shape.head_dim;
      const T* g =
          static_cast<const T*>(dout.data.data()) + Offset(block, t, dout.stride) + h * shape.head_dim;
      work.delta[row] = Dot(o, g, shape.head_dim);
      work.lse[row] = lse[(block.first + t) * shape.heads + block.kv_head * block.group + h];
    }
  }

  // Adds to dk and dv [padded, depth] of the sequence.
  void BackwardBlock(const QueryBlock& block, const KeySide& side, BackwardWork& work, float* dk,
                     float* dv) const {
    const int64_t rows = block.padded();
    const Range keys = KeysOf(shape, block);
    for (int64_t key = keys.begin; key < keys.end; key += kBackwardKeyBlock) {
      const int64_t n = RoundUp(std::min(kBackwardKeyBlock, keys.end - key), kDepthStep);
      const auto product = [&](int64_t m, int64_t columns, int64_t k, const E* a, int64_t lda, const E* b,
                               int64_t stride, float* c, int64_t ldc, bool accumulate) {
        engine.gemm({.m = m,
                     .n = columns,
                     .k = k,
                     .a = a,
                     .lda = lda,
                     .b = b,
                     .panel_stride = stride,
                     .c = c,
                     .ldc = ldc,
                     .accumulate = accumulate});
      };
      product(n, rows, depth, side.keys.get() + key * depth, depth, work.query_columns.get(),
              PanelStride(depth), work.scores.get(), rows, false);
      product(n, rows, depth, side.values.get() + key * depth, depth, work.d_out_columns.get(),
              PanelStride(depth), work.d_probabilities.get(), rows, false);
      for (int64_t i = 0; i < n; ++i) {
        const Range seen = VisibleQueries(shape, block, key + i);
        SoftmaxBackwardRow(work.scores.get() + i * rows, work.d_probabilities.get() + i * rows,
                           seen.begin * block.group, seen.end * block.group, rows, shape.scale,
                           work.lse.get(), work.delta.get(), work.probabilities.get() + i * rows,
                           work.d_scores.get() + i * rows);
      }
      product(n, depth, rows, work.probabilities.get(), rows, work.d_out_rows.get(), PanelStride(rows),
              dv + key * depth, depth, true);
      product(n, depth, rows, work.d_scores.get(), rows, work.query_rows.get(), PanelStride(rows),
              dk + key * depth, depth, true);
      engine.pack_rows(n, rows, work.d_scores.get(), rows, work.packed_d_scores.get());
      product(depth, rows, n, side.keys_t.get() + key, side.padded, work.packed_d_scores.get(),
              PanelStride(n), work.dq_t.get(), rows, key != keys.begin);
    }
  }

  void StoreQueryGradient(const QueryBlock& block, const float* dq_t, Rows dq) const {
    constexpr int64_t kTile = 16;  // rows at once: as many as are adjacent in a cache line of dq_t
    const int64_t rows = block.padded();
    std::vector<float> turned(static_cast<size_t>(kTile * shape.head_dim));
    for (int64_t first = 0; first < block.rows(); first += kTile) {
      for (int64_t i = 0; i < shape.head_dim; ++i) {
        float* to = turned.data() + i;
        for (int64_t r = 0; r < kTile; ++r, to += shape.head_dim) *to = dq_t[i * rows + first + r];
      }
      for (int64_t row = first; row < std::min(first + kTile, block.rows()); ++row) {
        T* to = static_cast<T*>(dq.data.data()) + Offset(block, row / block.group, dq.stride) +
                row % block.group * shape.head_dim;
        CopyRow(turned.data() + (row - first) * shape.head_dim, shape.head_dim, 1.0f, to);
      }
    }
  }

  // One of `chunks` parts of a sequence's queries. Each part takes every `chunks`-th block, so that all have
  // the same amount of work.
  void BackwardChunk(const std::vector<QueryBlock>& blocks, int64_t chunk, int64_t chunks,
                     const KeySide& side, ConstRows q, ConstRows out, const float* lse, ConstRows dout,
                     Rows dq, float* dk, float* dv) const {
    const EngineScope<E> scope(engine);
    std::fill_n(dk, side.padded * depth, 0.0f);
    std::fill_n(dv, side.padded * depth, 0.0f);
    if (blocks.empty()) return;
    BackwardWork work(blocks.front().padded(), depth);
    for (size_t i = static_cast<size_t>(chunk); i < blocks.size(); i += static_cast<size_t>(chunks)) {
      LoadBlock(blocks[i], q, out, lse, dout, work);
      BackwardBlock(blocks[i], side, work, dk, dv);
      StoreQueryGradient(blocks[i], work.dq_t.get(), dq);
    }
  }

  // Adds the parts' gradients of one sequence's keys or values in order.
  void StoreKeyGradient(const std::vector<const float*>& parts, int64_t sequence, int64_t kv_head,
                        Rows to) const {
    std::vector<float> row(static_cast<size_t>(shape.head_dim));
    for (int64_t i = 0; i < SequenceLength(shape, sequence); ++i) {
      std::copy_n(parts.front() + i * depth, shape.head_dim, row.data());
      for (size_t p = 1; p < parts.size(); ++p) {
        for (int64_t c = 0; c < shape.head_dim; ++c) row[static_cast<size_t>(c)] += parts[p][i * depth + c];
      }
      CopyRow(row.data(), shape.head_dim, 1.0f,
              static_cast<T*>(to.data.data()) + (shape.cu_seqlens[sequence] + i) * to.stride +
                  kv_head * shape.head_dim);
    }
  }

  void Backward(ConstRows q, ConstRows k, ConstRows v, ConstRows out, const float* lse, ConstRows dout,
                Rows dq, Rows dk, Rows dv) const {
    const int64_t pairs = shape.num_sequences * shape.kv_heads, work = Work(shape);
    // Sequences are split only if there are too few for all threads.
    const int64_t chunks = pairs >= int64_t{2} * NumThreads() ? 1 : NumThreads();
    std::vector<KeySide> sides(static_cast<size_t>(pairs));
    std::vector<std::vector<QueryBlock>> blocks(static_cast<size_t>(pairs));
    std::vector<BufferPointer<float>> sums(static_cast<size_t>(pairs * chunks));
    ParallelForEach(pairs, work, [&](int64_t pair) {
      const auto i = static_cast<size_t>(pair);
      sides[i] = Keys(k, v, pair / shape.kv_heads, pair % shape.kv_heads);
      blocks[i] = QueryBlocks(shape, pair / shape.kv_heads, pair % shape.kv_heads);
    });
    ParallelForEach(pairs * chunks, work, [&](int64_t part) {
      const auto i = static_cast<size_t>(part / chunks);
      auto& sum = sums[static_cast<size_t>(part)];
      const int64_t size = sides[i].padded * depth;
      sum = Buffer<float>(2 * size);
      BackwardChunk(blocks[i], part % chunks, chunks, sides[i], q, out, lse, dout, dq, sum.get(),
                    sum.get() + size);
    });
    ParallelForEach(pairs, work, [&](int64_t pair) {
      std::vector<const float*> dk_parts, dv_parts;
      for (int64_t c = 0; c < chunks; ++c) {
        const float* sum = sums[static_cast<size_t>(pair * chunks + c)].get();
        dk_parts.push_back(sum);
        dv_parts.push_back(sum + sides[static_cast<size_t>(pair)].padded * depth);
      }
      StoreKeyGradient(dk_parts, pair / shape.kv_heads, pair % shape.kv_heads, dk);
      StoreKeyGradient(dv_parts, pair / shape.kv_heads, pair % shape.kv_heads, dv);
    });
  }
};

// Calls body with the Attention for the operands' type and the chosen engine.
template <typename Body>
void WithAttention(const AttentionShape& shape, bool is_bf16, Body&& body) {
  if (!is_bf16) {
    body(Attention<float, float>{shape, FloatGemm()});
  } else if (shape.bf16_engine < 0) {
    body(Attention<BFloat16, float>{shape, FloatGemm()});
  } else {
    body(Attention<BFloat16, BFloat16>{shape, *BFloat16Gemms().at(static_cast<size_t>(shape.bf16_engine))});
  }
}

void RunForward(const AttentionShape& shape, ConstRows q, ConstRows k, ConstRows v, Rows out, float* lse) {
  WithAttention(shape, q.data.is_bf16(),
                [&](const auto& attention) { attention.Forward(q, k, v, out, lse); });
}

void RunBackward(const AttentionShape& shape, ConstRows q, ConstRows k, ConstRows v, ConstRows out,
                 const float* lse, ConstRows dout, Rows dq, Rows dk, Rows dv) {
  WithAttention(shape, q.data.is_bf16(),
                [&](const auto& attention) { attention.Backward(q, k, v, out, lse, dout, dq, dk, dv); });
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemtune::kernels {

HWY_EXPORT(RunForward);
HWY_EXPORT(RunBackward);

void AttentionForward(const AttentionShape& shape, ConstRows q, ConstRows k, ConstRows v, Rows out,
                      float* lse) {
  WithTypeOf([](auto) {}, q.data, k.data, v.data, out.data);
  HWY_DYNAMIC_DISPATCH(RunForward)(shape, q, k, v, out, lse);
}

void AttentionBackward(const AttentionShape& shape, ConstRows q, ConstRows k, ConstRows v, ConstRows out,
                       const float* lse, ConstRows dout, Rows dq, Rows dk, Rows dv) {
  WithTypeOf([](auto) {}, q.data, k.data, v.data, out.data, dout.data, dq.data, dk.data, dv.data);
  HWY_DYNAMIC_DISPATCH(RunBackward)(shape, q, k, v, out, lse, dout, dq, dk, dv);
}

}  // namespace gemtune::kernels
#endif  // HWY_ONCE
