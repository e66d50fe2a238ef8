#include "gemtune/ops/packed_layout.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "gemtune/base/error.h"
#include "gemtune/ops/device.h"

namespace gemtune::ops {
namespace {

int64_t LargestStep(const std::vector<int32_t>& ends) {
  int64_t most = 0;
  for (size_t i = 1; i < ends.size(); ++i) most = std::max<int64_t>(most, ends[i] - ends[i - 1]);
  return most;
}

}  // namespace

int64_t PackedLayout::most_tokens() const {
  return LargestStep(cu_seqlens);
}

int64_t PackedLayout::most_rows() const {
  return LargestStep(cu_rows);
}

int64_t PackedLayout::num_positions() const {
  int64_t most = 0;
  for (int64_t s = 0; s < num_sequences(); ++s) {
    const auto i = static_cast<size_t>(s);
    most = std::max<int64_t>(most, begin(s) + cu_seqlens[i + 1] - cu_seqlens[i]);
  }
  return most;
}

PackedLayout PackedLayout::Full(std::vector<int32_t> cu_seqlens, const at::Device& device) {
  return Continued(std::move(cu_seqlens), {}, device);
}

PackedLayout PackedLayout::Continued(std::vector<int32_t> cu_seqlens, std::vector<int64_t> begins,
                                     const at::Device& device) {
  GEMTUNE_CHECK(cu_seqlens.size() >= 2 && cu_seqlens.front() == 0);
  GEMTUNE_CHECK(begins.empty() || begins.size() + 1 == cu_seqlens.size());
  PackedLayout layout;
  layout.begins = std::move(begins);
  layout.positions = at::empty({cu_seqlens.back()}, at::kLong);
  auto* position = layout.positions.data_ptr<int64_t>();
  for (size_t s = 0; s + 1 < cu_seqlens.size(); ++s) {
    GEMTUNE_CHECK(cu_seqlens[s] < cu_seqlens[s + 1]);
    const int64_t begin = layout.begin(static_cast<int64_t>(s));
    for (int32_t t = cu_seqlens[s]; t < cu_seqlens[s + 1]; ++t) *position++ = begin + t - cu_seqlens[s];
  }
  layout.positions = Upload(layout.positions, device);
  layout.row_positions = layout.positions;
  layout.cu_tokens_there = layout.cu_rows_there = UploadNumbers(cu_seqlens, device);
  layout.cu_rows = cu_seqlens;
  layout.cu_seqlens = std::move(cu_seqlens);
  return layout;
}

PackedLayout PackedLayout::WithRows(const std::vector<int64_t>& token_rows) const {
  PackedLayout layout = *this;
  layout.cu_rows.assign(1, 0);
  layout.queries_are_last = true;
  size_t next = 0;
  for (size_t s = 0; s + 1 < cu_seqlens.size(); ++s) {
    while (next < token_rows.size() && token_rows[next] < cu_seqlens[s + 1]) {
      GEMTUNE_CHECK(token_rows[next] > (next == 0 ? -1 : token_rows[next - 1]));
      ++next;
    }
    const auto first = static_cast<size_t>(layout.cu_rows.back());
    const auto count = static_cast<int64_t>(next - first);
    if (count > 0 && token_rows[first] != cu_seqlens[s + 1] - count) layout.queries_are_last = false;
    layout.cu_rows.push_back(static_cast<int32_t>(next));
  }
  GEMTUNE_CHECK(next == token_rows.size());
  layout.rows = UploadNumbers(token_rows, positions.device());
  layout.cu_rows_there = UploadNumbers(layout.cu_rows, positions.device());
  layout.row_positions = positions.index_select(0, layout.rows);
  return layout;
}

PackedLayout PackedLayout::WithAllRows() const {
  return {.cu_seqlens = cu_seqlens,
          .cu_rows = cu_seqlens,
          .positions = positions,
          .row_positions = positions,
          .begins = begins,
          .cu_tokens_there = cu_tokens_there,
          .cu_rows_there = cu_tokens_there};
}

}  // namespace gemtune::ops
