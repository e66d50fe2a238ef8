#include "gemtune/train/run/memory_plan.h"

#include <gtest/gtest.h>

#include "gemtune/model/heads.h"

namespace gemtune::train {
namespace {

// Parameters: embedding 80,000; a layer 512 + 256 + 256 + 512 (q, k, v, o), 3 · 512 (gate, up, down), 4 · 16
// and 2 · 8 (norms); the last norm 16; the head 48.
constexpr int64_t kEmbedding = 80'000, kRest = 2 * (1536 + 1536 + 64 + 16) + 16 + 48;

model::Gemma3TextConfig Config() {
  return {.vocab_size = 5000,
          .hidden_size = 16,
          .intermediate_size = 32,
          .num_hidden_layers = 2,
          .num_attention_heads = 4,
          .num_key_value_heads = 2,
          .head_dim = 8,
          .sliding_window = 8,
          .layer_is_global = {false, true}};
}

model::SequenceClassifier Outline(at::ScalarType dtype) {
  return model::SequenceClassifier(Config(), 3, at::TensorOptions().device(at::kMeta).dtype(dtype));
}

TEST(PlanMemory, WeightsAndMomentsOfFullTraining) {
  const auto outline = Outline(at::kBFloat16);
  const MemoryPlan plan =
      PlanMemory(*outline, Config(), {.pass = {.dtype = at::kBFloat16}, .embedding_rows = 1500});
  EXPECT_EQ(plan.weights, 2 * (kEmbedding + kRest));
  EXPECT_EQ(plan.optimizer, 12 * (2048 * 16 + kRest));  // rows in chunks of 1,024
  const auto in_fp32 = Outline(at::kFloat);
  const MemoryPlan wide = PlanMemory(*in_fp32, Config(), {.embedding_rows = 5000});
  EXPECT_EQ(wide.weights, 4 * (kEmbedding + kRest));
  EXPECT_EQ(wide.optimizer, 8 * (kEmbedding + kRest));  // no more than there are
}

TEST(PlanMemory, WhatIsFrozenHasNoMoments) {
  const auto outline = Outline(at::kFloat);
  for (auto& item : outline->named_parameters()) item.value().set_requires_grad(item.key() == "score.weight");
  EXPECT_EQ(PlanMemory(*outline, Config(), {.embedding_rows = 1500}).optimizer, 8 * 48);
}

TEST(PlanMemory, BlocksAreTheFileOrEightBitsANumber) {
  const auto outline = Outline(at::kBFloat16);
  const int64_t norms_and_head = 2 * (2 * (64 + 16) + 16 + 48);  // numbers always
  MemoryPlanInput input{.checkpoint_bytes = 70'000, .base_weights = model::BaseWeights::kFileBlocks};
  EXPECT_EQ(PlanMemory(*outline, Config(), input).weights, 70'000 + norms_and_head);
  input.base_weights = model::BaseWeights::kQ8_0;
  EXPECT_EQ(PlanMemory(*outline, Config(), input).weights,
            (kEmbedding + 2 * (1536 + 1536)) / 32 * 34 + norms_and_head);
}

TEST(PlanMemory, ThePassIsTheGreaterOfTrainingAndMeasuring) {
  const auto outline = Outline(at::kFloat);
  const MemoryPlanInput small{.pass_tokens = 10, .pass_rows = 1, .evaluation_tokens = 5000};
  EXPECT_EQ(PlanMemory(*outline, Config(), small).pass,
            model::InferencePassBytes(Config(), 5000, at::kFloat));
  const MemoryPlanInput large{.pass_tokens = 5000, .pass_rows = 1, .evaluation_tokens = 10};
  EXPECT_EQ(PlanMemory(*outline, Config(), large).pass, model::PassBytes(*outline, Config(), 5000, 1, {}));
}

TEST(PlanMemory, ThePeakIsTheSum) {
  const auto outline = Outline(at::kFloat);
  const MemoryPlan plan = PlanMemory(*outline, Config(), {.process_bytes = 1000, .kept_bytes = 500});
  EXPECT_EQ(plan.peak(),
            1000 + plan.weights + plan.optimizer + plan.pass + plan.kernels + plan.holes + 500 + plan.saving);
}

}  // namespace
}  // namespace gemtune::train
