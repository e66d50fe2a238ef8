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

/// Limits for a vocabulary, far above Gemma's (262,144 pieces, the longest has 48 bytes). All ways to split a
/// piece are looked up, which is quadratic in its length.
inline constexpr size_t kMaxPieces = size_t{1} << 22;
inline constexpr size_t kMaxTokenBytes = 1024;

/// U+2581, which stands for a space in pieces.
inline constexpr std::string_view kSpaceSymbol = "\xe2\x96\x81";

/// Gemma's normalizer: ' ' becomes U+2581, and nothing else changes.
std::string Normalize(std::string_view text);

/// A token that is found before BPE; the flags are those of Hugging Face's AddedToken. White space and word
/// characters are those of unicode.h.
struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;      // left out by Decode(skip_special_tokens = true)
  bool single_word = false;  // not found beside a word character
  bool lstrip = false;       // includes the white space before it
  bool rstrip = false;       // includes the white space after it
  bool normalized = false;   // matched as Normalize(content), in the normalized text between the other tokens
};

/// pieces[left] + pieces[right] = pieces[merged].
struct Merge {
  int32_t left = 0;
  int32_t right = 0;
  int32_t merged = 0;
};

/// The ids around one text, and around and between two (tokenizer.json's TemplateProcessing).
struct SpecialTokensTemplate {
  std::vector<int32_t> single_before, single_after;
  std::vector<int32_t> pair_before, pair_between, pair_after;
};

/// The data of a tokenizer, whatever file it came from.
struct Vocabulary {
  std::vector<std::string> pieces = {};  // by id
  std::vector<Merge> merges = {};        // best first; every split of a piece into two pieces
  std::vector<AddedToken> added_tokens =
      {};  // by id; ids from pieces.size() on are not in the list of pieces
  int32_t bos_id = kNoId;
  int32_t eos_id = kNoId;
  int32_t pad_id = kNoId;
  int32_t unk_id = kNoId;
  SpecialTokensTemplate special_tokens = {};
  std::optional<std::string> chat_template = {};
};

/// Maps a piece to its id. Holds a view of the pieces.
class PieceIndex {
 public:
  /// Throws Error("<source>: ...") if a piece is empty, not UTF-8 or occurs twice.
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

/// A vocabulary as in tokenizer.model and GGUF: ranked by score, without a list of merges.
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

/// The vocabulary as converted by Hugging Face: a piece that is neither normal text nor a byte becomes an
/// added token with score 0, and merges are all splits of a piece into two pieces, by descending score and
/// then descending length of the left part. Throws Error("<source>: ...").
Vocabulary VocabularyFromScores(ScoredPieces scored, const std::string& source);

/// The inverse, for tokenizer.model and GGUF files: the pieces, without the added tokens behind them. A
/// piece's score is minus the rank of the first merge that makes it, so that the best merge is the same; of
/// those that no merge makes, the scores are lower, of bytes and added tokens 0. Named added tokens are
/// kControl and kUnknown, others kUserDefined. The eos token is <eos>, as in Google's file, also where a
/// configuration names <end_of_turn>: SentencePiece finds no control tokens in a text.
ScoredPieces ScoresFromVocabulary(const Vocabulary& vocabulary);

/// The template that transformers makes from a tokenizer's flags: bos_id before and eos_id after each text,
/// unless kNoId.
SpecialTokensTemplate MakeTemplate(int32_t bos_id, int32_t eos_id);

/// Throws Error("<source>: ...") for more than kMaxPieces pieces or a piece longer than kMaxTokenBytes.
void CheckSizes(std::span<const std::string> pieces, const std::string& source);

/// Throws Error("<source>: ...") if the vocabulary does not suit SentencePiece's BPE with byte fallback,
/// added tokens contradict it, or ids are out of range.
void CheckVocabulary(const Vocabulary& vocabulary, const std::string& source);

/// Throws Error("<source>: ...") if the file's order of merges cannot be expressed as scores of pieces:
/// SentencePiece merges any two pieces that form a piece, and ranks by that piece only.
void CheckMerges(const Vocabulary& vocabulary, const PieceIndex& index, const std::string& source);

/// The byte that a piece such as "<0x0A>" represents, or kNoId.
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
