#include "gemtune/ops/geglu_linear.h"

#include "tests/ops/projection_cases.h"

namespace gemtune::ops {
namespace {

void Append(const ProjectionKind& kind, const ProjectionSize& size, bool is_apart,
            std::vector<OpCase>& cases) {
  const auto& [rows, width, out] = size;
  std::vector<Leaf> leaves = {Normal({rows, 2 * width}), kind.Weight(out, width)};
  kind.AppendAdapter(out, width, leaves);
  cases.push_back({.name = fmt::format("{}, {} rows of {} to {}, {}", kind.name, rows, width, out,
                                       is_apart ? "apart" : "side by side"),
                   .leaves = leaves,
                   .run =
                       [kind, is_apart](const Inputs& in) {
                         const auto halves = in[0].chunk(2, 1);
                         const at::Tensor up = is_apart ? halves[1].clone() : halves[1];
                         size_t adapter = 2;
                         return std::vector{GeGluLinear(halves[0], up, kind.Of(in[1], in, adapter))};
                       },
                   .terms = 1});
}

std::vector<OpCase> GeGluLinearOpCases() {
  std::vector<OpCase> cases;
  for (const ProjectionKind& kind : ProjectionKinds()) {
    for (const ProjectionSize& size : ProjectionSizes()) Append(kind, size, /*is_apart=*/false, cases);
    Append(kind, {80, 17, 6}, /*is_apart=*/true, cases);
  }
  for (const ProjectionKind& kind : KindsInBlocks()) {
    for (const ProjectionSize& size : SizesInBlocks()) Append(kind, size, /*is_apart=*/false, cases);
  }
  return cases;
}

OP_ROW(GeGluLinear, .cases = GeGluLinearOpCases, .tolerance = InEpsilons(16, 5));

}  // namespace
}  // namespace gemtune::ops
