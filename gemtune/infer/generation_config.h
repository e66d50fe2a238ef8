#pragma once

#include <cstdint>
#include <vector>

#include "gemtune/infer/sampling.h"
#include "gemtune/model/pretrained.h"

namespace gemtune::infer {

/// What a model's generation_config.json asks for, as transformers' generate takes it.
struct GenerationConfig {
  SamplingOptions sampling;
  std::vector<int32_t> eos_token_ids;  // a sequence ends with any of them

  /// `eos_token_id` is the file's, or else config.json's, or else the tokenizer's; <end_of_turn> besides,
  /// since a base model that was tuned on conversations names only <eos>. Throws Error for a value of the
  /// wrong type or out of range.
  static GenerationConfig Of(const model::Pretrained& model);
};

}  // namespace gemtune::infer
