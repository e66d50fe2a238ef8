#pragma once

#include <torch/nn/module.h>

#include <cstdint>

#include "gemtune/model/config.h"
#include "gemtune/model/load_options.h"
#include "gemtune/model/pass_memory.h"

namespace gemtune::train {

/// What determines a run's memory, besides its model.
struct MemoryPlanInput {
  int64_t process_bytes = 0;     // in memory before the weights are read: program, tokenizer, data
  int64_t checkpoint_bytes = 0;  // stored weights
  model::BaseWeights base_weights = model::BaseWeights::kNumbers;
  int64_t pass_tokens = 0;  // of the largest training pass; 0: no pass through the layers
  int64_t pass_rows = 0;    // of the last layer and the head in a training pass, at most
  model::PassMemoryOptions pass = {};
  int64_t evaluation_tokens = 0;  // of the largest pass without gradients; 0: there is none
  int64_t embedding_rows = 0;     // that will have moments, if the embedding is trained
  int64_t kept_bytes = 0;         // results of frozen layers, kept in memory
  bool on_card = false;  // the memory is a card's: program, data and what a saved model takes are elsewhere
};

/// The bytes that a training run will have in memory, by purpose; peak() predicts ru_maxrss, on a card what
/// LibTorch's allocator takes. docs/reliability.md compares the two.
struct MemoryPlan {
  int64_t process = 0;    // given
  int64_t weights = 0;    // in the model's dtype, or in blocks: those of the file, or Q8_0
  int64_t optimizer = 0;  // AdamW: 8 a trained parameter (two moments), 12 in bf16 (and the fp32 master)
  int64_t pass = 0;       // the greater of model::PassBytes and InferencePassBytes
  int64_t kernels = 0;    // model::KernelBytes, and LibTorch's own memory
  int64_t holes = 0;   // unused memory between tensors: the arena (base/arena.h) returns none to the system
  int64_t kept = 0;    // given
  int64_t saving = 0;  // tokenizer.json as text, when a model is saved

  int64_t peak() const { return process + weights + optimizer + pass + kernels + holes + kept + saving; }
};

/// `model` as for model::PassBytes. In an embedding (RowAdamW) only `embedding_rows` rows have moments, in
/// chunks of 1,024.
MemoryPlan PlanMemory(const torch::nn::Module& model, const model::Gemma3TextConfig& config,
                      const MemoryPlanInput& input);

}  // namespace gemtune::train
