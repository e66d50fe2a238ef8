#include "gemtune/ops/projection_group.h"

#include "tests/support/gradcheck.h"

namespace gemtune::ops {
namespace {

Projection Adapted(int64_t out, bool has_gain) {
  return {at::randn({out, 12}),
          {.a = at::randn({2, 12}),
           .b = at::randn({out, 2}),
           .gain = has_gain ? at::rand({out}) + 0.5 : at::Tensor(),
           .scaling = 0.5}};
}

TEST(ProjectionGroup, GivesEachProjectionsResultSideBySide) {
  const at::NoGradGuard no_grad;
  at::manual_seed(1);
  const at::Tensor x = at::randn({5, 12});
  const std::vector<Projection> projections = {Adapted(4, true), at::randn({3, 12}), Adapted(6, false)};
  const ProjectionGroup group(projections);
  const auto tensors = ProjectionGroup::Tensors(projections);
  ASSERT_EQ(tensors.size(), 3u + 3 + 2);
  std::vector<at::Tensor> kept;
  const auto results = group.Split(group.Forward(x, tensors, kept));
  for (size_t i = 0; i < projections.size(); ++i) {
    EXPECT_LT(test::MaxDifference(results[i], ProjectByAten(x, projections[i])), 1e-5) << i;
  }
}

// Of the rows themselves nothing: they are the caller's, once for all.
TEST(ProjectionGroup, KeepsTheInnerProductAndBAndForDoraTheResult) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({5, 12});
  const auto kept_of = [&](const std::vector<Projection>& projections) {
    std::vector<at::Tensor> kept;
    const at::Tensor y = ProjectionGroup(projections).Forward(x, ProjectionGroup::Tensors(projections), kept);
    EXPECT_TRUE(kept.size() < 3 || kept[2].is_alias_of(y));  // which the next op keeps anyway
    return kept;
  };
  EXPECT_TRUE(kept_of({at::randn({4, 12})}).empty());
  const auto lora = kept_of({Adapted(4, false), Adapted(3, false)});
  ASSERT_EQ(lora.size(), 2u);
  EXPECT_EQ(lora[0].sizes(), (std::vector<int64_t>{5, 4}));
  EXPECT_EQ(lora[1].sizes(), (std::vector<int64_t>{7, 4}));
  EXPECT_EQ(kept_of({Adapted(4, true), Adapted(3, true)}).size(), 3u);
}

}  // namespace
}  // namespace gemtune::ops
