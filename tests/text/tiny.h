#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gemtune/base/file.h"
#include "gemtune/text/vocabulary.h"

namespace gemtune::text {

/// The small tokenizer of Gemma 3's kind that golden/generate_tiny.py made, and what Hugging Face says about
/// it.
inline const std::filesystem::path kGolden = std::filesystem::path(GEMTUNE_SOURCE_DIR) / "tests/text/golden";
inline const std::filesystem::path kTiny = kGolden / "tiny";
inline const std::filesystem::path kTinyModel = kGolden / "tiny_spm/tokenizer.model";

/// One member of tiny_golden.json.
inline nlohmann::json TinyGolden(const char* member) {
  return nlohmann::json::parse(ReadFile(kGolden / "tiny_golden.json")).at(member);
}

/// What a GGUF of the tiny tokenizer would hold.

inline ScoredPieces TinyPieces() {
  const auto golden = nlohmann::json::parse(ReadFile(kGolden / "tiny_pieces.json"));
  ScoredPieces scored = {.pieces = golden["pieces"].get<std::vector<std::string>>(),
                         .scores = golden["scores"].get<std::vector<float>>(),
                         .bos_id = 2,
                         .eos_id = 1,
                         .pad_id = 0,
                         .unk_id = 3};
  for (const int type : golden["types"]) scored.types.push_back(static_cast<PieceType>(type));
  return scored;
}

}  // namespace gemtune::text
