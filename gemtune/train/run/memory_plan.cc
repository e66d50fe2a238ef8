#include "gemtune/train/run/memory_plan.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "gemtune/base/round_up.h"
#include "gemtune/model/names.h"
#include "gemtune/ops/block_rows.h"
#include "gemtune/ops/row_adamw_step.h"

namespace gemtune::train {
namespace {

using model::BaseWeights;

// LibTorch's code that the first steps load, its threads, and its tensors below 64 KB. Measured: the growth
// of [heap] and libtorch_cpu.so in /proc/PID/smaps over the first steps, less KernelBytes.
constexpr int64_t kLibraryBytes = 30'000'000;

// cuBLAS's workspace on a Hopper or Blackwell card, the largest (at::cuda::getChosenWorkspaceSize), for two
// streams.
constexpr int64_t kWorkspaceBytes = 2 * (int64_t{32} << 20);

// Memory for each vocabulary entry while tokenizer.json is written: the entry, and its text twice (as a value
// and in the output). Measured: 62 MB for Gemma 3's 262,144 entries.
constexpr int64_t kSavedBytesAnEntry = 240;

// Weights that stay in the mapped file are not counted.
int64_t WeightBytes(const std::string& name, const at::Tensor& parameter, BaseWeights base) {
  const bool may_be_in_blocks = parameter.dim() == 2 && !model::IsOfHead(name) && !model::IsOfAdapter(name);
  if (may_be_in_blocks && base == BaseWeights::kFileBlocks) return 0;
  if (may_be_in_blocks && base == BaseWeights::kQ8_0)
    return ops::RowBytes(ops::BlockType::kQ8_0, parameter.numel());
  return parameter.numel() * static_cast<int64_t>(parameter.element_size());
}

}  // namespace

MemoryPlan PlanMemory(const torch::nn::Module& model, const model::Gemma3TextConfig& config,
                      const MemoryPlanInput& input) {
  MemoryPlan plan{.process = input.process_bytes, .kept = input.kept_bytes};
  for (const auto& item : model.named_parameters()) {
    const at::Tensor& parameter = item.value();
    const bool is_bf16 = parameter.scalar_type() == at::kBFloat16;
    plan.weights += WeightBytes(item.key(), parameter, input.base_weights);
    if (!parameter.requires_grad()) continue;
    const int64_t rows = std::min(parameter.size(0), RoundUp(input.embedding_rows, ops::kRowsAChunk));
    const int64_t numbers = model::IsOfEmbedding(item.key()) ? rows * config.hidden_size : parameter.numel();
    plan.optimizer += numbers * (is_bf16 ? 12 : 8);
  }
  if (input.base_weights == BaseWeights::kFileBlocks) plan.weights += input.checkpoint_bytes;
  const at::ScalarType dtype = input.pass.dtype;
  const int64_t most_tokens = std::max(input.pass_tokens, input.evaluation_tokens);
  plan.pass = model::InferencePassBytes(config, input.evaluation_tokens, dtype);
  if (input.pass.has_vocabulary_head)
    plan.pass += model::VocabularyHeadBytes(config, input.evaluation_tokens, dtype);
  if (input.pass_tokens > 0) {
    plan.pass =
        std::max(plan.pass, model::PassBytes(model, config, input.pass_tokens, input.pass_rows, input.pass));
  }
  if (input.on_card) {
    plan.kernels = model::CardKernelBytes(config, input.pass_tokens, dtype) + kWorkspaceBytes;
    return plan;
  }
  plan.kernels = model::KernelBytes(config, most_tokens, dtype) + kLibraryBytes;
  plan.holes = model::InferencePassBytes(config, input.pass_tokens, dtype);
  plan.saving = kSavedBytesAnEntry * config.vocab_size;
  return plan;
}

}  // namespace gemtune::train
