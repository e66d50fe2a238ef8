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

/// Reads one token of tokenizer.json's added_tokens or tokenizer_config.json's added_tokens_decoder. A flag
/// that is not there has the value that Python's AddedToken gives it. Throws Error("<source>: ...") if it is
/// none.
AddedToken ParseAddedToken(int32_t id, const nlohmann::json& token, const std::string& source);

/// Finds tokens in a text by their contents alone: leftmost first, the longest of those that start there,
/// without overlap. O(bytes · longest token), which no text of Gemma's tokens reaches.
class AddedTokenFinder {
 public:
  struct Match {
    size_t begin = 0;
    size_t end = 0;
    int32_t index = 0;  // among the tokens
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

/// Cuts a text at the added tokens, heeding their flags, as find_matches of
/// https://github.com/huggingface/tokenizers/blob/main/tokenizers/src/tokenizer/added_vocabulary.rs
/// Two of them make up Hugging Face's search: raw text is cut at the tokens that are not `normalized`, and
/// what lies between, normalized, at those that are. Costs no more than AddedTokenFinder.
class AddedTokenSplitter {
 public:
  /// Takes those of `tokens` whose flag `normalized` is the given one.
  AddedTokenSplitter(std::span<const AddedToken> tokens, bool normalized);

  /// Whether it never finds anything.
  bool empty() const { return tokens_.empty(); }

  /// Calls part(text, kNoId) for what belongs to no token, never empty, and part(text, id) for tokens, in
  /// order. `text` is well-formed UTF-8, and normalized if the tokens are. (A template, since most texts are
  /// cut at every line.)
  template <typename F>
  void Split(std::string_view text, F&& part) const;

 private:
  struct Progress {
    size_t done = 0;       // behind the last token and the white space that it took along
    size_t space_end = 0;  // of the white space that was walked last: many tokens may lie in it
  };
  // Whether the match counts; if so, with the white space that it takes along.
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
    // Nothing may be left of a token in white space that the one before took along. (Where less than nothing
    // is, tokenizers panics.)
    if (match->begin < match->end) {
      part(text.substr(match->begin, match->end - match->begin), tokens_[match->index].id);
    }
    done = match->end;
  }
  if (done < text.size()) part(text.substr(done), kNoId);
}

}  // namespace gemtune::text
