#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gemtune::text {

inline constexpr int32_t kNoId = -1;

/// Bounds of what a vocabulary may hold, far above Gemma's (262,144 pieces, the longest of 48 bytes). All
/// ways to cut a piece are looked up, which is quadratic in its length.
inline constexpr size_t kMaxPieces = size_t{1} << 22;
inline constexpr size_t kMaxTokenBytes = 1024;

/// U+2581, which stands for a space in pieces.
inline constexpr std::string_view kSpaceSymbol = "\xe2\x96\x81";

/// What Gemma's normalizer makes of a text: ' ' becomes U+2581, and nothing else is done.
std::string Normalize(std::string_view text);

/// A token that is found before BPE; the flags are those of Hugging Face's AddedToken. White space and word
/// characters are those of unicode.h.
struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;      // left out by Decode(skip_special_tokens = true)
  bool single_word = false;  // not found beside a word character
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // takes the white space behind it along
  bool normalized = false;   // looked for as Normalize(content), in the normalized text between the others
};

/// pieces[left] + pieces[right] = pieces[merged].
struct Merge {
  int32_t left = 0;
  int32_t right = 0;
  int32_t merged = 0;
};

/// The ids that stand around one text, and around and between two (tokenizer.json's TemplateProcessing).
struct SpecialTokensTemplate {
  std::vector<int32_t> single_before, single_after;
  std::vector<int32_t> pair_before, pair_between, pair_after;
};

/// What a tokenizer is, whatever file it came from.
struct Vocabulary {
  std::vector<std::string> pieces = {};       // by id
  std::vector<Merge> merges = {};             // best first; every split of a piece into two pieces
  std::vector<AddedToken> added_tokens = {};  // by id; those from pieces.size() on are not among the pieces
  int32_t bos_id = kNoId;
  int32_t eos_id = kNoId;
  int32_t pad_id = kNoId;
  int32_t unk_id = kNoId;
  SpecialTokensTemplate special_tokens = {};
  std::optional<std::string> chat_template = {};
};

/// From a piece to its id. Holds a view of the pieces.
class PieceIndex {
 public:
  /// Throws Error("<source>: ...") if a piece is empty, not UTF-8 or there twice.
  PieceIndex(std::span<const std::string> pieces, const std::string& source);

  /// kNoId if there is none.
  int32_t Find(std::string_view piece) const;

 private:
  std::span<const std::string> pieces_;
  std::vector<uint64_t> slots_;  // open addressing: upper half of the hash, lower half id + 1; 0 is free
};

/// Types of a piece in sentencepiece_model.proto; tokenizer.ggml.token_type of GGUF has the same numbers.
enum class PieceType : int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

/// A vocabulary as tokenizer.model and GGUF have it: ranked by score, without a list of merges.
struct ScoredPieces {
  std::vector<std::string> pieces = {};
  std::vector<float> scores = {};     // [pieces]
  std::vector<PieceType> types = {};  // [pieces]
  int32_t bos_id = kNoId;
  int32_t eos_id = kNoId;
  int32_t pad_id = kNoId;
  int32_t unk_id = kNoId;
  bool add_bos = true;
  bool add_eos = false;
};

/// The vocabulary that Hugging Face's conversion makes: what is neither normal text nor a byte becomes an
/// added token with score 0, and merges are all splits of a piece into two pieces, by descending score and
/// then descending length of the left part. Throws Error("<source>: ...").
Vocabulary VocabularyFromScores(ScoredPieces scored, const std::string& source);

/// The template that transformers makes of a tokenizer's flags: bos_id before and eos_id after each text,
/// unless kNoId.
SpecialTokensTemplate MakeTemplate(int32_t bos_id, int32_t eos_id);

/// Throws Error("<source>: ...") for more than kMaxPieces pieces and one longer than kMaxTokenBytes.
void CheckSizes(std::span<const std::string> pieces, const std::string& source);

/// Throws Error("<source>: ...") if the vocabulary is not fit for SentencePiece's BPE with byte fallback,
/// added tokens contradict it, or ids are out of range.
void CheckVocabulary(const Vocabulary& vocabulary, const std::string& source);

/// Throws Error("<source>: ...") if the order of merges, as read from a file, is not one of scores:
/// SentencePiece merges any two pieces that make a piece, and ranks by that piece alone.
void CheckMerges(const Vocabulary& vocabulary, const PieceIndex& index, const std::string& source);

/// The byte that a piece such as "<0x0A>" stands for, or kNoId.
int32_t ByteOfPiece(std::string_view piece);

/// One more than the largest id.
inline int64_t VocabularySize(const Vocabulary& vocabulary) {
  const auto size = static_cast<int64_t>(vocabulary.pieces.size());
  return vocabulary.added_tokens.empty() ? size
                                         : std::max<int64_t>(size, vocabulary.added_tokens.back().id + 1);
}

/// The text of token `id`, which must be in range.
const std::string& TokenText(const Vocabulary& vocabulary, int32_t id);

}  // namespace gemtune::text
