#pragma once

#include <filesystem>

#include "gemtune/io/gguf_types.h"

namespace gemtune::model {

/// Writes the language model at `model` as one GGUF file, with its tokenizer and configuration as metadata,
/// as llama.cpp's convert_hf_to_gguf.py (and llama-quantize) makes it. `model` is a Hugging Face directory or
/// a GGUF file, whose weights are read one at a time; or the directory of an adapter, which is loaded in fp32
/// and merged into its base first (`base_model` replaces the one that it names).
///
/// Throws Error for files that are missing or damaged, for a classifier, for a model that llama.cpp would
/// compute otherwise (RefuseWhatLlamaCppLacks), and for weights that are not finite or do not fit `outtype`;
/// RunError if writing fails.
void ExportGguf(const std::filesystem::path& model, const std::filesystem::path& base_model,
                const io::GgufOuttype& outtype, const std::filesystem::path& file);

/// Writes the LoRA adapter in the directory `adapter` as a GGUF file that llama.cpp adds to a base model
/// (--lora), as convert_lora_to_gguf.py makes it; a module's own lora_alpha, and rank-stabilised scaling,
/// which llama.cpp does not know, are multiplied into its B. Of the base only the configuration is read.
///
/// Throws Error as ExportGguf does, and for an adapter that is more than A and B: DoRA, modules_to_save.
void ExportGgufLora(const std::filesystem::path& adapter, const std::filesystem::path& base_model,
                    const io::GgufOuttype& outtype, const std::filesystem::path& file);

}  // namespace gemtune::model
