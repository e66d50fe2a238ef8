#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gemtune/text/vocabulary.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace gemtune::text {

/// SentencePiece's BPE. Splits text into words where that cannot change the result, and caches the ids of
/// common words. May be used from several threads at once.
class Bpe {
 public:
  /// Throws Error("<source>: ...") if SentencePiece refuses the vocabulary.
  Bpe(const Vocabulary& vocabulary, const std::string& source);
  ~Bpe();
  Bpe(const Bpe&) = delete;
  Bpe& operator=(const Bpe&) = delete;

  /// Appends the ids of `text`, which is well-formed UTF-8 without added tokens.
  void Encode(std::string_view text, std::vector<int32_t>* ids) const;

 private:
  class WordCache;
  static size_t CharacterClass(std::string_view rest);
  void EncodeWord(std::string_view word, std::vector<int32_t>* ids) const;

  // joins_[a][b]: some piece has a character of class b right after one of class a. Classes: the ASCII
  // characters (a space is ▁) and one for all others.
  static constexpr size_t kOther = 128;
  std::array<std::bitset<kOther + 1>, kOther + 1> joins_;
  std::unique_ptr<const sentencepiece::SentencePieceProcessor> model_;
  std::unique_ptr<WordCache> cache_;
};

}  // namespace gemtune::text
