#include "gemtune/text/gguf_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/io/gguf.h"

namespace gemtune::text {
namespace {

// does_token_look_special of convert_hf_to_gguf.py, for what Gemma has of it.
bool LooksSpecial(std::string_view content) {
  return content == "<pad>" || content == "<mask>" ||
         (content.starts_with("<unused") && content.ends_with(">")) ||
         (content.starts_with("<|") && content.ends_with("|>"));
}

// llama.cpp finds these in raw text.
std::string WithoutSpaceSymbols(std::string text) {
  for (size_t at; (at = text.find(kSpaceSymbol)) != text.npos;) text.replace(at, kSpaceSymbol.size(), " ");
  return text;
}

// Appends tokens without text up to `size`.
void AppendUnused(size_t size, ScoredPieces& scored) {
  while (scored.pieces.size() < size) {
    scored.pieces.push_back(fmt::format("[PAD{}]", scored.pieces.size()));
    scored.scores.push_back(-10000.0f);
    scored.types.push_back(PieceType::kUnused);
  }
}

}  // namespace

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

void AddGgufVocabulary(const Vocabulary& vocabulary, int64_t rows, io::GgufMetadata& metadata) {
  ScoredPieces scored = ScoresFromVocabulary(vocabulary);
  AppendUnused(static_cast<size_t>(std::max(rows, VocabularySize(vocabulary))), scored);
  for (const AddedToken& token : vocabulary.added_tokens) {
    const auto id = static_cast<size_t>(token.id);
    if (scored.types[id] == PieceType::kByte) continue;
    const bool is_control = token.special || LooksSpecial(token.content);
    scored.pieces[id] = is_control ? token.content : WithoutSpaceSymbols(token.content);
    scored.types[id] = is_control ? PieceType::kControl : PieceType::kUserDefined;
    scored.scores[id] = -1000.0f;
  }
  const auto size = static_cast<size_t>(rows);
  scored.pieces.resize(size);  // <image_soft_token> has no row in a text-only model
  scored.scores.resize(size);
  std::vector<int32_t> types;
  for (size_t id = 0; id < size; ++id) types.push_back(static_cast<int32_t>(scored.types[id]));

  metadata.Set("tokenizer.ggml.model", "llama")
      .Set("tokenizer.ggml.pre", "default")
      .Set("tokenizer.ggml.tokens", scored.pieces)
      .Set("tokenizer.ggml.scores", scored.scores)
      .Set("tokenizer.ggml.token_type", types);
  const auto set_id = [&](std::string_view name, int32_t id) {
    if (id != kNoId) metadata.Set(fmt::format("tokenizer.ggml.{}_token_id", name), static_cast<uint32_t>(id));
  };
  set_id("bos", vocabulary.bos_id);
  set_id("eos", vocabulary.eos_id);
  set_id("unknown", vocabulary.unk_id);
  set_id("padding", vocabulary.pad_id);
  metadata.Set("tokenizer.ggml.add_bos_token", scored.add_bos)
      .Set("tokenizer.ggml.add_eos_token", scored.add_eos)
      .Set("tokenizer.ggml.add_space_prefix", false);
  if (vocabulary.chat_template) metadata.Set("tokenizer.chat_template", *vocabulary.chat_template);
}

}  // namespace gemtune::text
