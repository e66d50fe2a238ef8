#include <algorithm>
#include <numeric>

#include "gemtune/ops/cuda.h"
#include "gemtune/ops/cuda_kernels.h"

namespace gemtune::ops::cuda {

using kernels::cuda::Kernels;

at::Tensor Embedding(const at::Tensor& weight, const at::Tensor& ids, double scale) {
  const int64_t dim = weight.size(1);
  at::Tensor y = at::empty({ids.size(0), dim}, weight.options().dtype(at::kFloat));
  Call(&Kernels::EmbeddingForward, ids.size(0), dim, ConstFloatsOf(weight), ids.const_data_ptr<int64_t>(),
       static_cast<float>(scale), y.data_ptr<float>());
  return y;
}

// The tokens are sorted on the host, which knows them, while the card is still busy with what was begun
// before: neither waits for the other, and the sums' order is fixed.
at::Tensor EmbeddingGradient(const at::Tensor& weight, const at::Tensor& ids, double scale,
                             const at::Tensor& dy) {
  const int64_t tokens = ids.size(0), dim = weight.size(1);
  const int64_t* id = ids.const_data_ptr<int64_t>();
  std::vector<int64_t> order(static_cast<size_t>(tokens));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [id](int64_t a, int64_t b) { return id[a] < id[b]; });
  std::vector<int64_t> rows, begins;
  for (int64_t i = 0; i < tokens; ++i) {
    const int64_t row = id[order[static_cast<size_t>(i)]];
    if (!rows.empty() && rows.back() == row) continue;
    rows.push_back(row);
    begins.push_back(i);
  }
  begins.push_back(tokens);
  const auto count = static_cast<int64_t>(rows.size());
  const Device device = weight.device();
  const at::Tensor uploaded_begins = UploadNumbers(begins, device),
                   uploaded_order = UploadNumbers(order, device), uploaded_rows = UploadNumbers(rows, device);
  at::Tensor values = at::empty({count, dim}, weight.options());
  Call(&Kernels::EmbeddingBackward, count, dim, uploaded_begins.const_data_ptr<int64_t>(),
       uploaded_order.const_data_ptr<int64_t>(), dy.const_data_ptr<float>(), static_cast<float>(scale),
       FloatsOf(values));
  return at::_sparse_coo_tensor_unsafe(uploaded_rows.unsqueeze(0), values, weight.sizes(),
                                       weight.options().layout(at::kSparse), /*is_coalesced=*/true);
}

}  // namespace gemtune::ops::cuda
