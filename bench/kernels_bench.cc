// Every kernel against the composition of ATen calls that it replaces, at the shapes of Gemma 3 270M: 2048
// tokens (4 sequences of 512), hidden size 640, 4 query heads and 1 key head of 256, intermediate size 2048.
// Backward compositions are what autograd makes of the forward ones. Prints Google Benchmark's own report and
// then one table, in which a kernel that does not win is named.
//
//   cmake -B build -DGEMTUNE_BENCH=ON && ninja -C build gemtune_kernels_bench
//   build/gemtune_kernels_bench --benchmark_repetitions=5

#include <ATen/ATen.h>
#include <benchmark/benchmark.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gemtune/base/parallel.h"
#include "gemtune/kernels/adamw.h"
#include "gemtune/kernels/attention.h"
#include "gemtune/kernels/geglu.h"
#include "gemtune/kernels/int8_gemm.h"
#include "gemtune/kernels/norm_rope.h"
#include "gemtune/kernels/rms_norm.h"
#include "gemtune/ops/attention.h"
#include "gemtune/ops/geglu.h"
#include "gemtune/ops/kernel_access.h"
#include "gemtune/ops/matmul.h"
#include "gemtune/ops/rope.h"
#include "gemtune/ops/tensor_arena.h"

namespace gemtune {
namespace {

using ops::ConstFloatsOf;
using ops::FloatsOf;

constexpr int64_t kTokens = 2048, kHidden = 640, kHeads = 4, kKvHeads = 1, kHeadDim = 256,
                  kIntermediate = 2048;
constexpr int64_t kSequences = 4, kWindow = 512;
constexpr float kEps = 1e-6f;
constexpr double kScale = 1.0 / 16;

using Body = std::function<void()>;

// Names are "kernel dtype/side"; the table pairs the sides.
void Register(const std::string& kernel, at::ScalarType dtype, Body ours, Body aten) {
  const std::string name = kernel + (dtype == at::kFloat ? " fp32" : " bf16");
  const auto add = [&](const std::string& side, Body body) {
    benchmark::RegisterBenchmark((name + "/" + side).c_str(),
                                 [body = std::move(body)](benchmark::State& state) {
                                   for (auto _ : state) body();
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  };
  add("gemtune", std::move(ours));
  add("ATen", std::move(aten));
}

at::Tensor Random(at::IntArrayRef sizes, at::ScalarType dtype) {
  return at::randn(sizes, at::kFloat).to(dtype);
}

at::Tensor Leaf(at::IntArrayRef sizes, at::ScalarType dtype) {
  return Random(sizes, dtype).set_requires_grad(true);
}

// What autograd does with `y` when the gradient `dy` reaches it.
Body BackwardOf(const at::Tensor& y, const std::vector<at::Tensor>& inputs, const at::Tensor& dy) {
  return [=] { torch::autograd::grad({y}, inputs, {dy}, /*retain_graph=*/true); };
}

at::Tensor RmsNormed(const at::Tensor& x, const at::Tensor& w) {
  const at::Tensor wide = x.to(at::kFloat);
  return wide * at::rsqrt(wide.square().mean(-1, true) + kEps) * (1.0 + w.to(at::kFloat));
}

void RmsNorm(at::ScalarType dtype) {
  const at::Tensor x = Leaf({kTokens, kHidden}, at::kFloat), w = Leaf({kHidden}, dtype),
                   dy = Random({kTokens, kHidden}, dtype);
  Register(
      "rms_norm forward", dtype,
      [=] {
        const at::Tensor y = at::empty({kTokens, kHidden}, dtype);
        kernels::RmsNormForward(kTokens, kHidden, x.const_data_ptr<float>(), ConstFloatsOf(w), kEps,
                                FloatsOf(y));
      },
      [=] {
        const at::NoGradGuard no_grad;
        RmsNormed(x, w).to(dtype);
      });
  Register(
      "rms_norm backward", dtype,
      [=] {
        const at::Tensor dx = at::empty({kTokens, kHidden}, at::kFloat),
                         dw = at::empty({kHidden}, at::kFloat);
        kernels::RmsNormBackward(kTokens, kHidden, x.const_data_ptr<float>(), ConstFloatsOf(w), kEps,
                                 ConstFloatsOf(dy), dx.data_ptr<float>(), dw.data_ptr<float>());
      },
      BackwardOf(RmsNormed(x, w).to(dtype), {x, w}, dy));
}

void AddRmsNorm(at::ScalarType dtype) {
  const at::Tensor residual = Random({kTokens, kHidden}, at::kFloat), x = Leaf({kTokens, kHidden}, dtype),
                   w = Leaf({kHidden}, dtype), dsum = Random({kTokens, kHidden}, at::kFloat);
  Register(
      "add_rms_norm forward", dtype,
      [=] {
        const at::Tensor sum = at::empty_like(residual);
        kernels::AddRmsNormForward(kTokens, kHidden, residual.const_data_ptr<float>(), ConstFloatsOf(x),
                                   ConstFloatsOf(w), kEps, sum.data_ptr<float>());
      },
      [=] {
        const at::NoGradGuard no_grad;
        residual + RmsNormed(x, w);
      });
  Register(
      "add_rms_norm backward", dtype,
      [=] {
        const at::Tensor dx = at::empty({kTokens, kHidden}, dtype), dw = at::empty({kHidden}, at::kFloat);
        kernels::AddRmsNormBackward(kTokens, kHidden, ConstFloatsOf(x), ConstFloatsOf(w), kEps,
                                    dsum.const_data_ptr<float>(), FloatsOf(dx), dw.data_ptr<float>());
      },
      BackwardOf(residual + RmsNormed(x, w), {x, w}, dsum));
}

// The pointers in `shape` stay good: the composition, which is registered too, holds what they point into.
void NormRope(at::ScalarType dtype) {
  const ops::RopeTable table = ops::MakeRopeTable(kTokens, kHeadDim, 10'000, 1);
  const at::Tensor positions = at::arange(kTokens, at::kLong).remainder(kTokens / kSequences);
  const at::Tensor x = Leaf({kTokens, kHeads, kHeadDim}, dtype), w = Leaf({kHeadDim}, dtype),
                   dy = Random({kTokens, kHeads, kHeadDim}, dtype);
  const kernels::NormRopeShape shape{.rows = kTokens,
                                     .heads = kHeads,
                                     .head_dim = kHeadDim,
                                     .eps = kEps,
                                     .cos = table.cos.const_data_ptr<float>(),
                                     .sin = table.sin.const_data_ptr<float>(),
                                     .positions = positions.const_data_ptr<int64_t>()};
  constexpr int64_t kStride = kHeads * kHeadDim;
  const auto composition = [=] {
    const at::Tensor cos = table.cos.index_select(0, positions).unsqueeze(1),
                     sin = table.sin.index_select(0, positions).unsqueeze(1);
    const auto halves = RmsNormed(x, w).chunk(2, -1);
    return at::cat({halves[0] * cos - halves[1] * sin, halves[1] * cos + halves[0] * sin}, -1).to(dtype);
  };
  Register(
      "norm_rope forward", dtype,
      [=] {
        const at::Tensor y = at::empty_like(x);
        kernels::NormRopeForward(shape, ConstFloatsOf(x), kStride, ConstFloatsOf(w), FloatsOf(y), kStride);
      },
      [=] {
        const at::NoGradGuard no_grad;
        composition();
      });
  Register(
      "norm_rope backward", dtype,
      [=] {
        const at::Tensor dx = at::empty_like(x), dw = at::empty({kHeadDim}, at::kFloat);
        kernels::NormRopeBackward(shape, ConstFloatsOf(x), kStride, ConstFloatsOf(w), ConstFloatsOf(dy),
                                  kStride, FloatsOf(dx), kStride, dw.data_ptr<float>());
      },
      BackwardOf(composition(), {x, w}, dy));
}

void GeGlu(at::ScalarType dtype) {
  const at::Tensor gate_up = Leaf({kTokens, 2 * kIntermediate}, dtype),
                   dy = Random({kTokens, kIntermediate}, dtype);
  const auto composition = [=] {
    const auto parts = gate_up.chunk(2, -1);
    return ops::GeGlu(parts[0], parts[1]);
  };
  Register(
      "geglu forward", dtype,
      [=] {
        const at::Tensor y = at::empty_like(dy);
        kernels::GeGluForward(kTokens, kIntermediate, ConstFloatsOf(gate_up), FloatsOf(y));
      },
      [=] {
        const at::NoGradGuard no_grad;
        composition();
      });
  Register(
      "geglu backward", dtype,
      [=] {
        const at::Tensor d_gate_up = at::empty_like(gate_up), y = at::empty_like(dy);
        kernels::GeGluBackward(kTokens, kIntermediate, ConstFloatsOf(gate_up), ConstFloatsOf(dy),
                               FloatsOf(d_gate_up), FloatsOf(y));
      },
      BackwardOf(composition(), {gate_up}, dy));
}

// `sequences` of equal length; window 0: global. For the pointers in `shape` see NormRope.
void Attention(at::ScalarType dtype, int32_t sequences, int64_t window) {
  std::vector<int32_t> cu_seqlens;
  for (int32_t s = 0; s <= sequences; ++s)
    cu_seqlens.push_back(s * static_cast<int32_t>(kTokens) / sequences);
  const auto layout = std::make_shared<ops::PackedLayout>(ops::PackedLayout::Full(cu_seqlens));
  const at::Tensor q = Leaf({kTokens, kHeads, kHeadDim}, dtype),
                   k = Leaf({kTokens, kKvHeads, kHeadDim}, dtype),
                   v = Leaf({kTokens, kKvHeads, kHeadDim}, dtype),
                   dout = Random({kTokens, kHeads, kHeadDim}, dtype);
  const at::Tensor lse = at::empty({kTokens, kHeads}, at::kFloat),
                   out = at::empty({kTokens, kHeads, kHeadDim}, dtype);
  const kernels::AttentionShape shape{.num_sequences = sequences,
                                      .cu_seqlens = layout->cu_seqlens.data(),
                                      .cu_rows = layout->cu_rows.data(),
                                      .row_positions = layout->row_positions.const_data_ptr<int64_t>(),
                                      .heads = kHeads,
                                      .kv_heads = kKvHeads,
                                      .head_dim = kHeadDim,
                                      .scale = static_cast<float>(kScale),
                                      .window = window};
  const auto const_rows = [](const at::Tensor& x) {
    return kernels::ConstRows{ConstFloatsOf(x), x.stride(0)};
  };
  const auto rows = [](const at::Tensor& x) { return kernels::Rows{FloatsOf(x), x.stride(0)}; };
  const Body forward = [=] {
    kernels::AttentionForward(shape, const_rows(q), const_rows(k), const_rows(v), rows(out),
                              lse.data_ptr<float>());
  };
  forward();  // the backward pass reads what it leaves
  const auto composition = [=] {
    return ops::Attention(q, k, v, *layout, {.scale = kScale, .window = window});
  };
  const std::string place = std::to_string(sequences) + "x" + std::to_string(kTokens / sequences) +
                            (window > 0 ? " local" : " global");
  Register("attention forward " + place, dtype, forward, [=] {
    const at::NoGradGuard no_grad;
    composition();
  });
  Register(
      "attention backward " + place, dtype,
      [=] {
        const at::Tensor dq = at::empty_like(q), dk = at::empty_like(k), dv = at::empty_like(v);
        kernels::AttentionBackward(shape, const_rows(q), const_rows(k), const_rows(v), const_rows(out),
                                   lse.const_data_ptr<float>(), const_rows(dout), rows(dq), rows(dk),
                                   rows(dv));
      },
      BackwardOf(composition(), {q, k, v}, dout));
}

// One layer's weights, fp32 master and moments; in bf16 with the gradient widened and the parameter rounded.
void AdamW(at::ScalarType dtype) {
  constexpr int64_t kWeights = kHidden * (6 + 4) * kHeadDim + 3 * kHidden * kIntermediate;
  const at::Tensor parameter = Random({kWeights}, dtype), grad = Random({kWeights}, dtype);
  const at::Tensor master = parameter.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  const at::Tensor m = at::zeros({kWeights}, at::kFloat), v = at::zeros({kWeights}, at::kFloat),
                   step = at::ones({}, at::kFloat);
  const bool is_bf16 = dtype == at::kBFloat16;
  Register(
      "adamw", dtype,
      [=] {
        kernels::AdamWStep(kWeights, ConstFloatsOf(grad),
                           {.parameter = master.data_ptr<float>(),
                            .exp_avg = m.data_ptr<float>(),
                            .exp_avg_sq = v.data_ptr<float>(),
                            .rounded = is_bf16 ? ops::BFloat16Data(parameter) : nullptr},
                           {.learning_rate = 1e-5});
      },
      [=] {
        const at::NoGradGuard no_grad;
        at::_fused_adamw_({master}, {grad.to(at::kFloat)}, {m}, {v}, {}, {step}, 1e-5, 0.9, 0.999, 0.0, 1e-8,
                          /*amsgrad=*/false, /*maximize=*/false);
        if (is_bf16) parameter.copy_(master);
      });
  Register(
      "sum_of_squares", dtype, [=] { kernels::SumOfSquares(kWeights, ConstFloatsOf(grad)); },
      [=] { at::linalg_vector_norm(grad, 2, {}, false, at::kFloat).item<float>(); });
}

// A weight's three products; the engine is chosen in ops/matmul.h.
void Gemm(const std::string& weight_name, at::ScalarType dtype, int64_t in_features, int64_t out_features) {
  const at::Tensor x = Random({kTokens, in_features}, dtype), dy = Random({kTokens, out_features}, dtype),
                   weight = Random({out_features, in_features}, dtype);
  const std::string name = "gemm " + weight_name;
  Register(
      name + " forward", dtype, [=] { ops::LinearOutput(x, weight); }, [=] { at::mm(x, weight.t()); });
  Register(
      name + " input gradient", dtype, [=] { ops::LinearInputGradient(dy, weight); },
      [=] { at::mm(dy, weight); });
  Register(
      name + " weight gradient", dtype, [=] { ops::LinearWeightGradient(dy, x); },
      [=] { at::mm(dy.t(), x); });
}

// The head's product for the last tokens of a few sequences, which is most of the time of generating text.
void Gemv(at::ScalarType dtype, int64_t rows) {
  const at::Tensor x = Random({rows, kHidden}, dtype), weight = Random({1 << 18, kHidden}, dtype);
  Register(
      "gemv head, rows " + std::to_string(rows), dtype,
      [=] {
        const c10::InferenceMode inference;
        ops::LinearOutput(x, weight);
      },
      [=] { at::mm(x, weight.t()); });
}

// Numbers as 8 bits and the scale of those along `dim`.
std::pair<at::Tensor, at::Tensor> InInt8(const at::Tensor& x, int64_t dim) {
  const at::Tensor scale = x.abs().amax(dim, /*keepdim=*/true).to(at::kFloat) / 127.0;
  return {(x / scale).round().to(at::kChar), scale};
}

// A weight's two products that --matmul-dtype int8 changes, rounding of both sides included.
void Int8Gemm(const std::string& weight_name, int64_t in_features, int64_t out_features) {
  const auto dtype = at::kBFloat16;
  const at::Tensor x = Random({kTokens, in_features}, dtype), dy = Random({kTokens, out_features}, dtype),
                   weight = Random({out_features, in_features}, dtype);
  const auto by_aten = [dtype](const at::Tensor& rows, const at::Tensor& columns) {
    const auto [a, a_scale] = InInt8(rows, 1);
    const auto [b, b_scale] = InInt8(columns, 0);
    return at::_int_mm(a, b).mul(a_scale).mul_(b_scale).to(dtype);
  };
  const std::string name = "int8 gemm " + weight_name;
  Register(
      name + " forward", dtype, [=] { ops::LinearOutput(x, weight, ops::MatmulDtype::kInt8); },
      [=] { by_aten(x, weight.t()); });
  Register(
      name + " input gradient", dtype, [=] { ops::LinearInputGradient(dy, weight, ops::MatmulDtype::kInt8); },
      [=] { by_aten(dy, weight); });
}

// Google Benchmark's report, and behind it both sides of each kernel in one row.
class PairReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      const std::string name = run.run_name.function_name;
      if (microseconds_.count(name) == 0) order_.push_back(name);
      microseconds_[name].push_back(run.GetAdjustedRealTime());
    }
  }

  void Finalize() override {
    std::printf("\n| kernel | gemtune, us | ATen, us | faster by |\n|---|---|---|---|\n");
    for (const std::string& name : order_) {
      const std::string kernel = name.substr(0, name.rfind('/'));
      if (name != kernel + "/gemtune" || microseconds_.count(kernel + "/ATen") == 0) continue;
      const double ours = Fastest(name), aten = Fastest(kernel + "/ATen");
      std::printf("| %s | %.0f | %.0f | %.2fx%s |\n", kernel.c_str(), ours, aten, aten / ours,
                  ours < aten ? "" : " **does not win**");
    }
  }

 private:
  // Of the repetitions: the one that other work on the machine disturbed least.
  double Fastest(const std::string& name) const {
    const std::vector<double>& values = microseconds_.at(name);
    return *std::min_element(values.begin(), values.end());
  }

  std::vector<std::string> order_;
  std::map<std::string, std::vector<double>> microseconds_;
};

constexpr std::tuple<const char*, int64_t, int64_t> kLinears[] = {
    {"q/k/v", kHidden, (kHeads + 2 * kKvHeads) * kHeadDim},
    {"o", kHeads* kHeadDim, kHidden},
    {"gate/up", kHidden, 2 * kIntermediate},
    {"down", kIntermediate, kHidden}};

void RegisterAll() {
  for (const at::ScalarType dtype : {at::kBFloat16, at::kFloat}) {
    for (const int64_t rows : {1, 4, 32}) Gemv(dtype, rows);
    RmsNorm(dtype);
    AddRmsNorm(dtype);
    NormRope(dtype);
    GeGlu(dtype);
    Attention(dtype, kSequences, kWindow);
    Attention(dtype, 1, kWindow);
    Attention(dtype, 1, 0);
    AdamW(dtype);
    for (const auto& [name, in_features, out_features] : kLinears)
      Gemm(name, dtype, in_features, out_features);
  }
  if (!kernels::HaveInt8Gemm()) return;
  for (const auto& [name, in_features, out_features] : kLinears) Int8Gemm(name, in_features, out_features);
}

}  // namespace
}  // namespace gemtune

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  gemtune::SetNumThreads(0);
  gemtune::ops::UseTensorArena();
  gemtune::RegisterAll();
  gemtune::PairReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
}
