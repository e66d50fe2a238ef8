#pragma once

#include <nlohmann/json.hpp>

#include "gemtune/io/gguf.h"

namespace gemtune::io {

/// The config.json of Gemma3ForCausalLM (model_type "gemma3_text") that a GGUF file's metadata amount to, as
/// `AutoConfig.from_pretrained(..., gguf_file=...)` makes it, and with what transformers leaves out: the
/// linear RoPE scaling of the larger models and the 27B's query scale. RoPE is written both as transformers 5
/// names it (rope_parameters) and as 4 does (rope_theta, rope_local_base_freq, rope_scaling), so that either
/// reads the same.
///
/// Throws Error if the architecture is not gemma3 or a key is missing or makes no sense.
nlohmann::ordered_json Gemma3ConfigFromGguf(const GgufFile& file);

}  // namespace gemtune::io
