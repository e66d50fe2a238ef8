#include "gemtune/text/added_tokens.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gemtune/base/error.h"
#include "gemtune/text/unicode.h"
#include "gemtune/text/utf8.h"

namespace gemtune::text {
namespace {

bool ReadFlag(const nlohmann::json& token, const char* flag, bool by_default, const std::string& source) {
  const auto found = token.find(flag);
  if (found == token.end()) return by_default;
  if (!found->is_boolean()) {
    Fail("{}: '{}' of the added token '{}' is not true or false", source, flag,
         Printable(token["content"].get<std::string>()));
  }
  return found->get<bool>();
}

std::vector<AddedToken> Select(std::span<const AddedToken> tokens, bool normalized) {
  std::vector<AddedToken> selected;
  for (const AddedToken& token : tokens) {
    if (token.normalized != normalized) continue;
    selected.push_back(token);
    if (normalized) selected.back().content = Normalize(token.content);
  }
  return selected;
}

// Whether text[begin, end) has a word character right before or behind it.
bool IsPartOfWord(std::string_view text, size_t begin, size_t end) {
  return (begin > 0 && IsWordCharacter(LastCharacter(text.substr(0, begin)))) ||
         (end < text.size() && IsWordCharacter(FirstCharacter(text.substr(end))));
}

// Where the white space begins that reaches up to `end`, but not before `limit`.
size_t WhiteSpaceBegin(std::string_view text, size_t limit, size_t end) {
  while (end > limit) {
    const std::string_view before = text.substr(0, end);
    if (!IsWhiteSpace(LastCharacter(before))) break;
    end -= LastCharacterSize(before);
  }
  return end;
}

// Where the white space ends that starts at `begin`.
size_t WhiteSpaceEnd(std::string_view text, size_t begin) {
  while (begin < text.size() && IsWhiteSpace(FirstCharacter(text.substr(begin)))) {
    begin += Utf8Length(text[begin]);
  }
  return begin;
}

}  // namespace

AddedToken ParseAddedToken(int32_t id, const nlohmann::json& token, const std::string& source) {
  if (!token.is_object() || !token.contains("content") || !token["content"].is_string()) {
    Fail("{}: added token {} has no 'content'", source, id);
  }
  const bool special = ReadFlag(token, "special", false, source);
  return {.id = id,
          .content = token["content"].get<std::string>(),
          .special = special,
          .single_word = ReadFlag(token, "single_word", false, source),
          .lstrip = ReadFlag(token, "lstrip", false, source),
          .rstrip = ReadFlag(token, "rstrip", false, source),
          .normalized = ReadFlag(token, "normalized", !special, source)};
}

AddedTokenFinder::AddedTokenFinder(std::span<const AddedToken> tokens) : nodes_(1), roots_{} {
  for (size_t index = 0; index < tokens.size(); ++index) {
    int32_t node = 0;
    for (const char c : tokens[index].content) {
      const auto byte = static_cast<unsigned char>(c);
      int32_t next = node == 0 ? roots_[byte] : Child(node, byte);
      if (next == 0) {
        next = static_cast<int32_t>(nodes_.size());
        nodes_.push_back({.sibling = nodes_[node].child, .byte = byte});
        nodes_[node].child = next;
        if (node == 0) roots_[byte] = next;
      }
      node = next;
    }
    nodes_[node].index = static_cast<int32_t>(index);
  }
}

std::optional<AddedTokenFinder::Match> AddedTokenFinder::Find(std::string_view text, size_t from) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    int32_t node = roots_[static_cast<unsigned char>(text[begin])];
    Match match = {.begin = begin, .index = kNone};
    for (size_t end = begin + 1; node != 0; ++end) {
      if (nodes_[node].index != kNone) {
        match.end = end;
        match.index = nodes_[node].index;
      }
      node = end < text.size() ? Child(node, static_cast<unsigned char>(text[end])) : 0;
    }
    if (match.index != kNone) return match;
  }
  return std::nullopt;
}

int32_t AddedTokenFinder::Child(int32_t node, unsigned char byte) const {
  int32_t child = nodes_[node].child;
  while (child != 0 && nodes_[child].byte != byte) child = nodes_[child].sibling;
  return child;
}

AddedTokenSplitter::AddedTokenSplitter(std::span<const AddedToken> tokens, bool normalized)
    : tokens_(Select(tokens, normalized)),
      has_flags_(std::ranges::any_of(
          tokens_,
          [](const AddedToken& token) { return token.single_word || token.lstrip || token.rstrip; })),
      finder_(tokens_) {}

bool AddedTokenSplitter::ApplyFlags(std::string_view text, Progress* progress,
                                    AddedTokenFinder::Match* match) const {
  const AddedToken& token = tokens_[match->index];
  if (token.single_word && IsPartOfWord(text, match->begin, match->end)) return false;
  // In white space that the token before took along, both count, and `done` goes back to the end of this one.
  if (token.lstrip) {
    const size_t done = progress->done;
    match->begin = done < match->begin ? WhiteSpaceBegin(text, done, match->begin) : done;
  }
  if (token.rstrip) {
    if (progress->space_end < match->end) progress->space_end = WhiteSpaceEnd(text, match->end);
    match->end = progress->space_end;
  }
  return true;
}

}  // namespace gemtune::text
