#include "gemtune/ops/norm_linear.h"

#include "tests/ops/projection_cases.h"

namespace gemtune::ops {
namespace {

// Weights of heights 7, 3 and 4, as many as kinds: adjacent in memory, or each a separate input.
void Append(const std::vector<ProjectionKind>& kinds, int64_t rows, int64_t width, bool is_apart,
            std::vector<OpCase>& cases) {
  const std::vector<int64_t> heights = {7, 3, 4};
  std::string name = fmt::format("{} rows of {}, {}", rows, width, is_apart ? "apart" : "adjacent");
  std::vector<Leaf> leaves = {Normal({rows, width}, 1, Held::kWide), Normal({width}, 0.3)};
  std::vector<at::Tensor> weights;
  for (size_t i = 0; i < kinds.size(); ++i) {
    name += ", " + kinds[i].name;
    leaves.push_back(kinds[i].Weight(heights[i], width));
    weights.push_back(leaves.back().numbers);
  }
  if (!is_apart) {
    leaves.resize(2);
    leaves.push_back({.numbers = at::cat(weights), .is_frozen = kinds[0].is_frozen});
  }
  const size_t adapters = leaves.size();
  for (size_t i = 0; i < kinds.size(); ++i) kinds[i].AppendAdapter(heights[i], width, leaves);
  const auto run = [kinds, heights, is_apart, adapters](const Inputs& in) {
    std::vector<Projection> projections;
    int64_t row = 0;
    size_t adapter = adapters;
    for (size_t i = 0; i < kinds.size(); row += heights[i++]) {
      const at::Tensor weight = is_apart ? in[2 + i] : in[2].narrow(0, row, heights[i]);
      projections.push_back(kinds[i].Of(weight, in, adapter));
    }
    return NormLinear(in[0], in[1], 0.1, projections);
  };
  cases.push_back({.name = name, .leaves = leaves, .run = run, .terms = 1});
}

std::vector<OpCase> NormLinearOpCases() {
  const auto kinds = ProjectionKinds();
  const ProjectionKind &plain = kinds[0], &lora = kinds[1], &dora = kinds[2], &dropped = kinds[3],
                       &dropped_dora = kinds[4], &frozen = kinds[5], &frozen_lora = kinds[6];
  std::vector<OpCase> cases;
  Append({lora, plain, dora}, 2, 3, /*is_apart=*/true, cases);
  Append({plain, dropped}, 2, 5, /*is_apart=*/false, cases);
  for (const auto& group : std::vector<std::vector<ProjectionKind>>{{plain},
                                                                    {plain, plain},
                                                                    {plain, plain, plain},
                                                                    {lora, plain, dora},
                                                                    {dropped, plain, dropped},
                                                                    {dropped_dora, lora},
                                                                    {frozen, frozen_lora, frozen_lora}}) {
    for (const bool is_apart : {false, true}) {
      for (const int64_t rows : {5, 80}) Append(group, rows, 24, is_apart, cases);
    }
  }
  for (const int64_t width : VectorTails()) Append({plain, lora}, 3, width, /*is_apart=*/false, cases);
  for (const int64_t rows : {5, 90}) {
    for (const ProjectionKind& kind : KindsInBlocks())
      Append({kind, kind}, rows, 256, /*is_apart=*/true, cases);
  }
  return cases;
}

OP_ROW(NormLinear, .cases = NormLinearOpCases, .tolerance = InEpsilons(16, 4));

}  // namespace
}  // namespace gemtune::ops
