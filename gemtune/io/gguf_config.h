#pragma once

#include <nlohmann/json.hpp>

#include "gemtune/io/gguf.h"

namespace gemtune::io {

/// The config.json of Gemma3ForCausalLM (model_type "gemma3_text") made from a GGUF file's metadata, as by
/// `AutoConfig.from_pretrained(..., gguf_file=...)`, plus two things that transformers leaves out: the linear
/// RoPE scaling of the larger models and the 27B's query scale. RoPE is written with the names of both
/// transformers 5 (rope_parameters) and 4 (rope_theta, rope_local_base_freq, rope_scaling), so that both read
/// the same.
///
/// Throws Error if the architecture is not gemma3 or a key is missing or makes no sense.
nlohmann::ordered_json Gemma3ConfigFromGguf(const GgufFile& file);

}  // namespace gemtune::io
