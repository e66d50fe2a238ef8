#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "gemtune/text/tokenizer.h"

namespace gemtune::test {

/// A tokenizer of Gemma's kind with 288 tokens: <pad> 0, <eos> 1, <bos> 2, <unk> 3, the bytes 4 to 259, a
/// space 260, a to z 261 to 286, and one pair of letters 287. <bos> goes before a text (and before its pair).
/// With `turns`, also <start_of_turn> 288 and <end_of_turn> 289.
struct TinyTokenizer {
  std::string pair = "th";
  bool bos = true;
  bool turns = false;

  static constexpr int32_t kBos = 2;
  static constexpr int32_t kSpace = 260;
  static constexpr int32_t kPair = 287;
  static constexpr int32_t kStartOfTurn = 288, kEndOfTurn = 289;
  static constexpr int32_t Byte(unsigned char byte) { return 4 + byte; }
  static constexpr int32_t Letter(char letter) { return 261 + (letter - 'a'); }

  /// Writes `directory`/tokenizer.json and loads it.
  text::Tokenizer Make(const std::filesystem::path& directory) const {
    std::filesystem::create_directories(directory);
    std::ofstream(directory / "tokenizer.json") << Json().dump();
    return text::Tokenizer::Load(directory);
  }

  nlohmann::json Json() const {
    using nlohmann::json;
    json vocab, added;
    std::map<int, std::string> special = {{0, "<pad>"}, {1, "<eos>"}, {2, "<bos>"}, {3, "<unk>"}};
    if (turns) special.insert({{kStartOfTurn, "<start_of_turn>"}, {kEndOfTurn, "<end_of_turn>"}});
    for (const auto& [id, content] : special) {
      vocab[content] = id;
      added.push_back({{"id", id},
                       {"content", content},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", true}});
    }
    for (int byte = 0; byte < 256; ++byte) vocab[fmt::format("<0x{:02X}>", byte)] = Byte(byte);
    vocab["\xe2\x96\x81"] = kSpace;
    for (char letter = 'a'; letter <= 'z'; ++letter) vocab[std::string(1, letter)] = Letter(letter);
    vocab[pair] = kPair;
    const json replace = {{"type", "Replace"}, {"pattern", {{"String", "\xe2\x96\x81"}}}, {"content", " "}};
    json single = json::array(), both = json::array();
    for (const char* text : {"A", "B"}) {
      const int type = *text - 'A';
      if (bos) both.push_back({{"SpecialToken", {{"id", "<bos>"}, {"type_id", type}}}});
      both.push_back({{"Sequence", {{"id", text}, {"type_id", type}}}});
      if (type == 0) single = both;
    }
    return {
        {"version", "1.0"},
        {"added_tokens", added},
        {"normalizer", {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\xe2\x96\x81"}}},
        {"post_processor",
         {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", both},
          {"special_tokens", {{"<bos>", {{"id", "<bos>"}, {"ids", {kBos}}, {"tokens", {"<bos>"}}}}}}}},
        {"decoder",
         {{"type", "Sequence"}, {"decoders", {replace, {{"type", "ByteFallback"}}, {{"type", "Fuse"}}}}}},
        {"model",
         {{"type", "BPE"},
          {"unk_token", "<unk>"},
          {"fuse_unk", true},
          {"byte_fallback", true},
          {"vocab", vocab},
          {"merges", json::array({std::string{pair[0], ' ', pair[1]}})}}}};
  }
};

}  // namespace gemtune::test
