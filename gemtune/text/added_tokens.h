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

/// Reads one token of tokenizer.json's added_tokens or tokenizer_config.json's added_tokens_decoder. A
/// missing flag has the default of Python's AddedToken. Throws Error("<source>: ...") if it is not a token.
AddedToken ParseAddedToken(int32_t id, const nlohmann::json& token, const std::string& source);

/// Finds tokens in a text by their contents only: the leftmost match, and of those that start there the
/// longest, without overlaps. The worst case is O(bytes · longest token), which no text reaches with Gemma's
/// tokens.
class AddedTokenFinder {
 public:
  struct Match {
    size_t begin = 0;
    size_t end = 0;
    int32_t index = 0;  // in the list of tokens
  };

  explicit AddedTokenFinder(std::span<const AddedToken> tokens);

  /// The first match at or after `from`.
  std::optional<Match> Find(std::string_view text, size_t from) const;

 private:
  static constexpr int32_t kNone = -1;
  struct Node {
    int32_t child = 0;      // first of its children; 0: none
    int32_t sibling = 0;    // next child of the same parent; 0: none
    int32_t index = kNone;  // of the token that ends here
    unsigned char byte = 0;
  };
  int32_t Child(int32_t node, unsigned char byte) const;

  std::vector<Node> nodes_;         // a trie of bytes; 0 is the root
  std::array<int32_t, 256> roots_;  // the root's children by byte; 0: none
};

/// Splits a text at the added tokens, respecting their flags, as find_matches of
/// https://github.com/huggingface/tokenizers/blob/main/tokenizers/src/tokenizer/added_vocabulary.rs Hugging
/// Face's search uses two splitters: raw text is split at the tokens that are not `normalized`, and the parts
/// between, once normalized, at those that are. As fast as AddedTokenFinder.
class AddedTokenSplitter {
 public:
  /// Uses those of `tokens` whose flag `normalized` has the given value.
  AddedTokenSplitter(std::span<const AddedToken> tokens, bool normalized);

  /// Whether there are no tokens to find.
  bool empty() const { return tokens_.empty(); }

  /// Calls, in order, part(text, id) for tokens and part(text, kNoId) for the text between them, if not
  /// empty. `text` is well-formed UTF-8, and normalized if the tokens are. (A template for speed, since most
  /// texts are split at every line.)
  template <typename F>
  void Split(std::string_view text, F&& part) const;

 private:
  struct Progress {
    size_t done = 0;       // position after the last token and the white space that it includes
    size_t space_end = 0;  // end of the last scanned white space, which may contain many tokens
  };
  // Whether the match counts; if so, extends it by the white space that it includes.
  bool ApplyFlags(std::string_view text, Progress* progress, AddedTokenFinder::Match* match) const;

  std::vector<AddedToken> tokens_;
  bool has_flags_ = false;
  AddedTokenFinder finder_;
};

template <typename F>
void AddedTokenSplitter::Split(std::string_view text, F&& part) const {
  Progress progress;
  size_t& done = progress.done;
  size_t from = 0;
  while (auto match = finder_.Find(text, from)) {
    from = match->end;
    if (has_flags_ && !ApplyFlags(text, &progress, &*match)) continue;
    if (done < match->begin) part(text.substr(done, match->begin - done), kNoId);
    // A token in white space that the previous one includes may become empty. (If its length were negative,
    // tokenizers would panic.)
    if (match->begin < match->end) {
      part(text.substr(match->begin, match->end - match->begin), tokens_[match->index].id);
    }
    done = match->end;
  }
  if (done < text.size()) part(text.substr(done), kNoId);
}

}  // namespace gemtune::text
