#pragma once

#include <string>

#include "gemtune/io/gguf_types.h"
#include "gemtune/io/gguf_writer.h"
#include "gemtune/model/config.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::model {

/// Throws Error("<source>: ...") for a configuration that a GGUF file cannot say, so that llama.cpp would
/// compute something else without a word: it divides queries by √head_dim (in the 27B by √(hidden_size /
/// heads)), has five local layers, then a global one, and scales no local positions (src/models/gemma3.cpp).
void RefuseWhatLlamaCppLacks(const Gemma3TextConfig& config, const std::string& source);

/// general.*, gemma3.* and tokenizer.*, the keys of Gemma3Model in llama.cpp's convert_hf_to_gguf.py with the
/// same types.
io::GgufMetadata ModelMetadata(const std::string& name, const Gemma3TextConfig& config,
                               const text::Tokenizer& tokenizer, const io::GgufOuttype& outtype);

/// general.* and adapter.* of a LoRA adapter, as convert_lora_to_gguf.py.
io::GgufMetadata LoraMetadata(const std::string& name, double lora_alpha);

}  // namespace gemtune::model
