#include "gemtune/text/gguf_vocabulary.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/io/gguf.h"

namespace gemtune::text {

Vocabulary ReadGgufVocabulary(const std::filesystem::path& path) {
  const io::GgufFile file = io::GgufFile::Open(path);
  const std::string source = path.string();
  const auto model = file.Required<std::string_view>("tokenizer.ggml.model");
  // llama.cpp's name for SentencePiece's BPE.
  if (model != "llama") {
    Fail("{}: not a Gemma tokenizer: tokenizer.ggml.model is '{}', not 'llama'", source, Printable(model));
  }
  if (file.Optional<bool>("tokenizer.ggml.add_space_prefix").value_or(false)) {
    Fail("{}: not a Gemma tokenizer: it puts a space in front of the text", source);
  }
  const auto pieces = file.Required<std::span<const std::string_view>>("tokenizer.ggml.tokens");
  if (pieces.size() > kMaxPieces) Fail("{}: has {} tokens, more than {}", source, pieces.size(), kMaxPieces);
  const auto types = file.Required<std::vector<int32_t>>("tokenizer.ggml.token_type");
  const auto id = [&](const char* key) { return file.Optional<int32_t>(key).value_or(kNoId); };
  ScoredPieces scored = {.pieces = {pieces.begin(), pieces.end()},
                         .scores = file.Required<std::vector<float>>("tokenizer.ggml.scores"),
                         .bos_id = id("tokenizer.ggml.bos_token_id"),
                         .eos_id = id("tokenizer.ggml.eos_token_id"),
                         .pad_id = id("tokenizer.ggml.padding_token_id"),
                         .unk_id = id("tokenizer.ggml.unknown_token_id"),
                         .add_bos = file.Optional<bool>("tokenizer.ggml.add_bos_token").value_or(true),
                         .add_eos = file.Optional<bool>("tokenizer.ggml.add_eos_token").value_or(false)};
  if (scored.scores.size() != pieces.size() || types.size() != pieces.size()) {
    Fail("{}: has {} tokens, but {} scores and {} types of them", source, pieces.size(), scored.scores.size(),
         types.size());
  }
  for (const int32_t type : types) {
    if (type < 1 || type > 6) Fail("{}: token {} is of unknown type {}", source, scored.types.size(), type);
    scored.types.push_back(static_cast<PieceType>(type));
  }
  Vocabulary vocabulary = VocabularyFromScores(std::move(scored), source);
  if (const auto text = file.Optional<std::string_view>("tokenizer.chat_template"))
    vocabulary.chat_template = *text;
  return vocabulary;
}

}  // namespace gemtune::text
