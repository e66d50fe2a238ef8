#include "gemtune/train/schedule.h"

#include <gtest/gtest.h>

#include <map>

namespace gemtune::train {
namespace {

// transformers.get_scheduler(name, optimizer of lr 1e-3, num_warmup_steps=4, num_training_steps=12), steps 4
// to 12.
const std::map<std::string, std::vector<double>> kAfterWarmup = {
    {"linear", {1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0.0}},
    {"cosine",
     {1.0, 0.9619397663, 0.8535533906, 0.6913417162, 0.5, 0.3086582838, 0.1464466094, 0.0380602337, 0.0}},
    {"constant_with_warmup", {1, 1, 1, 1, 1, 1, 1, 1, 1}},
    {"constant", {1, 1, 1, 1, 1, 1, 1, 1, 1}},
    {"inverse_sqrt",
     {1.0, 0.894427191, 0.8164965809, 0.755928946, 0.7071067812, 0.6666666667, 0.632455532, 0.6030226892,
      0.5773502692}},
    {"polynomial", {1.0, 0.8750125, 0.750025, 0.6250375, 0.50005, 0.3750625, 0.250075, 0.1250875, 0.0001}},
};

TEST(Schedule, FollowsTransformersAfterTheWarmup) {
  ASSERT_EQ(ScheduleTypes().size(), kAfterWarmup.size());
  for (const std::string& type : ScheduleTypes()) {
    const Schedule schedule{.type = type, .warmup_steps = 4, .total_steps = 12};
    for (size_t i = 0; i < 9; ++i) {
      EXPECT_NEAR(schedule.Factor(4 + static_cast<int64_t>(i), 1e-3), kAfterWarmup.at(type)[i], 1e-9)
          << type << i;
    }
  }
}

TEST(Schedule, WarmupEndsAtThePeakAndWastesNoStep) {
  const Schedule schedule{.type = "cosine", .warmup_steps = 4, .total_steps = 12};
  EXPECT_EQ(schedule.Factor(0, 1e-3), 0.25);
  EXPECT_EQ(schedule.Factor(1, 1e-3), 0.5);
  EXPECT_EQ(schedule.Factor(3, 1e-3), 1.0);
  EXPECT_EQ(schedule.Factor(4, 1e-3), 1.0);
}

TEST(Schedule, WithoutWarmupItIsTransformersFromTheFirstStep) {
  EXPECT_EQ((Schedule{.type = "linear", .total_steps = 4}.Factor(0, 1e-3)), 1.0);
  EXPECT_EQ((Schedule{.type = "linear", .total_steps = 4}.Factor(3, 1e-3)), 0.25);
  EXPECT_NEAR((Schedule{.type = "inverse_sqrt", .total_steps = 9}.Factor(2, 1e-3)), 0.9999000149975006,
              1e-12);
}

}  // namespace
}  // namespace gemtune::train
