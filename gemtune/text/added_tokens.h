#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gemtune/text/vocabulary.h"

namespace gemtune::text {

/// Reads one token of tokenizer.json's added_tokens or tokenizer_config.json's added_tokens_decoder. Throws
/// Error("<source>: ...") if it is none, or is to be matched in another way than literally in the raw text.
AddedToken ParseAddedToken(int32_t id, const nlohmann::json& token, const std::string& source);

/// Finds added tokens in a text: leftmost first, the longest of those that start there, without overlap, as
/// Hugging Face's AddedVocabulary. O(bytes · longest token), which no text of Gemma's tokens reaches.
class AddedTokenFinder {
 public:
  struct Match {
    size_t begin = 0;
    size_t end = 0;
    int32_t id = 0;
  };

  explicit AddedTokenFinder(std::span<const AddedToken> tokens);

  /// The first match at or after `from`.
  std::optional<Match> Find(std::string_view text, size_t from) const;

 private:
  struct Node {
    int32_t child = 0;    // first of its children; 0: none
    int32_t sibling = 0;  // next child of the same parent; 0: none
    int32_t id = kNoId;   // of the token that ends here
    unsigned char byte = 0;
  };
  int32_t Child(int32_t node, unsigned char byte) const;

  std::vector<Node> nodes_;         // a trie of bytes; 0 is the root
  std::array<int32_t, 256> roots_;  // the root's children by byte; 0: none
};

}  // namespace gemtune::text
