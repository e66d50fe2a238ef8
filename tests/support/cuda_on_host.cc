#include "tests/support/cuda_on_host.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <limits>
#include <tuple>

namespace gemtune::test {
namespace {

using ops::FlashGradients;
using ops::FlashInput;
using ops::FlashOutput;

// FlashAttention's own equations in fp32, a sequence after the other.
at::Tensor Attended(const FlashInput& in, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const int64_t groups = q.size(1) / k.size(1);
  const int32_t* rows = in.cu_rows.const_data_ptr<int32_t>();
  const int32_t* keys = in.cu_keys.const_data_ptr<int32_t>();
  std::vector<at::Tensor> outputs;
  for (int64_t s = 0; s + 1 < in.cu_rows.size(0); ++s) {
    const int64_t num_rows = rows[s + 1] - rows[s], num_keys = keys[s + 1] - keys[s];
    const auto heads_first = [](const at::Tensor& x, int64_t begin, int64_t count) {
      return x.narrow(0, begin, count).transpose(0, 1);
    };
    const at::Tensor own_k = heads_first(k, keys[s], num_keys).repeat_interleave(groups, 0),
                     own_v = heads_first(v, keys[s], num_keys).repeat_interleave(groups, 0);
    const at::Tensor position = at::arange(num_keys - num_rows, num_keys).unsqueeze(1),
                     key = at::arange(num_keys).unsqueeze(0);
    at::Tensor hidden = key > position;
    if (in.window > 0) hidden = hidden.logical_or(key <= position - in.window);
    const at::Tensor scores = at::matmul(heads_first(q, rows[s], num_rows), own_k.transpose(1, 2)) * in.scale;
    const at::Tensor weights =
        at::softmax(scores.masked_fill(hidden, -std::numeric_limits<float>::infinity()), -1);
    outputs.push_back(at::matmul(weights, own_v).transpose(0, 1));
  }
  return at::cat(outputs);
}

void CheckCounts(const FlashInput& in) {
  const auto most = [](const at::Tensor& ends) { return at::diff(ends).max().item<int64_t>(); };
  if (most(in.cu_rows) != in.most_rows || most(in.cu_keys) != in.most_keys)
    throw std::logic_error("flash: the largest counts are wrong");
}

FlashOutput FlashForward(const FlashInput& in) {
  const at::NoGradGuard no_grad;
  CheckCounts(in);
  const at::Tensor none = at::zeros({1});
  return {
      .out =
          Attended(in, in.q.to(at::kFloat), in.k.to(at::kFloat), in.v.to(at::kFloat)).to(in.q.scalar_type()),
      .lse = none,
      .rng_state = none,
      .unused = none};
}

FlashGradients FlashBackward(const FlashInput& in, const FlashOutput& output, const at::Tensor& dout) {
  const at::AutoGradMode with_grad(true);
  CheckCounts(in);
  if (output.out.sizes() != in.q.sizes() || dout.sizes() != in.q.sizes())
    throw std::logic_error("flash: the result's shape is wrong");
  const auto leaf = [](const at::Tensor& x) {
    return x.detach().to(at::kFloat, false, true).requires_grad_();
  };
  const at::Tensor q = leaf(in.q), k = leaf(in.k), v = leaf(in.v);
  Attended(in, q, k, v).backward(dout.to(at::kFloat));
  const auto gradient = [&](const at::Tensor& x) { return x.grad().to(in.q.scalar_type()); };
  return {gradient(q), gradient(k), gradient(v)};
}

}  // namespace

const ops::CudaPlugin& CudaOnHost() {
  static const std::string build = ops::CudaBuild();
  static const ops::CudaPlugin plugin = {.build = build.c_str(),
                                         .device_type = at::kCPU,
                                         .kernels = kernels::cuda::AllKernels(),
                                         .current_stream = [] { return kernels::cuda::Stream(); },
                                         .flash_forward = FlashForward,
                                         .flash_backward = FlashBackward,
                                         .cards =
                                             [](std::string& trouble) {
                                               trouble = "the processor is no card";
                                               return std::vector<ops::Card>();
                                             },
                                         .open = [](int) { return std::string(); },
                                         .free_bytes = [](int) { return int64_t{0}; },
                                         .peak_bytes = [](int) { return int64_t{0}; },
                                         .synchronize = [] {}};
  return plugin;
}

}  // namespace gemtune::test
