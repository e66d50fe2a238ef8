#include "gemtune/text/added_tokens.h"

#include <nlohmann/json.hpp>

#include "gemtune/base/error.h"

namespace gemtune::text {

AddedToken ParseAddedToken(int32_t id, const nlohmann::json& token, const std::string& source) {
  if (!token.is_object() || !token.contains("content") || !token["content"].is_string()) {
    Fail("{}: added token {} has no 'content'", source, id);
  }
  AddedToken added = {.id = id, .content = token["content"].get<std::string>()};
  for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
    if (token.contains(flag) && token[flag] != false) {
      Fail("{}: added token '{}' sets '{}', which is not supported", source, Printable(added.content), flag);
    }
  }
  added.special = token.contains("special") && token["special"] == true;
  return added;
}

AddedTokenFinder::AddedTokenFinder(std::span<const AddedToken> tokens) : nodes_(1), roots_{} {
  for (const AddedToken& token : tokens) {
    int32_t node = 0;
    for (const char c : token.content) {
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
    nodes_[node].id = token.id;
  }
}

std::optional<AddedTokenFinder::Match> AddedTokenFinder::Find(std::string_view text, size_t from) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    int32_t node = roots_[static_cast<unsigned char>(text[begin])];
    Match match = {.begin = begin, .id = kNoId};
    for (size_t end = begin + 1; node != 0; ++end) {
      if (nodes_[node].id != kNoId) {
        match.end = end;
        match.id = nodes_[node].id;
      }
      node = end < text.size() ? Child(node, static_cast<unsigned char>(text[end])) : 0;
    }
    if (match.id != kNoId) return match;
  }
  return std::nullopt;
}

int32_t AddedTokenFinder::Child(int32_t node, unsigned char byte) const {
  int32_t child = nodes_[node].child;
  while (child != 0 && nodes_[child].byte != byte) child = nodes_[child].sibling;
  return child;
}

}  // namespace gemtune::text
