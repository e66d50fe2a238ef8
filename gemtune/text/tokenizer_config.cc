#include "gemtune/text/tokenizer_config.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "gemtune/base/error.h"
#include "gemtune/io/json_file.h"
#include "gemtune/text/added_tokens.h"

namespace gemtune::text {
namespace {

using nlohmann::ordered_json;

int32_t FindAddedToken(const Vocabulary& vocabulary, std::string_view content) {
  const auto found = std::ranges::find(vocabulary.added_tokens, content, &AddedToken::content);
  return found == vocabulary.added_tokens.end() ? kNoId : found->id;
}

// The content of a token in the file, which is a string or an AddedToken; nullopt if it is neither.
std::optional<std::string> TokenContent(const ordered_json& token) {
  const ordered_json& content = token.is_object() && token.contains("content") ? token["content"] : token;
  if (!content.is_string()) return std::nullopt;
  return content.get<std::string>();
}

// The id of config[key]; without the key, `present` or the id of `by_default`, GemmaTokenizer's value.
int32_t ReadSpecialToken(const ordered_json& config, const char* key, int32_t present,
                         std::string_view by_default, const Vocabulary& vocabulary,
                         const std::string& source) {
  if (!config.contains(key)) return present != kNoId ? present : FindAddedToken(vocabulary, by_default);
  if (config[key].is_null()) return kNoId;
  const std::optional<std::string> content = TokenContent(config[key]);
  if (!content) Fail("{}: '{}' is not a token", source, key);
  const int32_t id = FindAddedToken(vocabulary, *content);
  if (id == kNoId)
    Fail("{}: '{}' is '{}', which is not among the added tokens", source, key, Printable(*content));
  return id;
}

bool ReadFlag(const ordered_json& config, const char* key, bool by_default, const std::string& source) {
  if (!config.contains(key) || config[key].is_null()) return by_default;
  if (!config[key].is_boolean()) Fail("{}: '{}' is not true or false", source, key);
  return config[key].get<bool>();
}

// A string, or the one named "default" of a list of {"name", "template"}.
std::optional<std::string> ReadChatTemplate(const ordered_json& config, const std::string& source) {
  if (!config.contains("chat_template") || config["chat_template"].is_null()) return std::nullopt;
  const ordered_json& chat_template = config["chat_template"];
  if (chat_template.is_string()) return chat_template.get<std::string>();
  if (!chat_template.is_array()) Fail("{}: 'chat_template' is not text", source);
  for (const ordered_json& named : chat_template) {
    if (named.is_object() && named.contains("template") && named["template"].is_string() &&
        named.value("name", ordered_json()) == "default") {
      return named["template"].get<std::string>();
    }
  }
  return std::nullopt;
}

int32_t ReadId(const std::string& key, const std::string& source) {
  int32_t id = kNoId;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
  if (error != std::errc() || end != key.data() + key.size() || id < 0) {
    Fail("{}: '{}' in 'added_tokens_decoder' is not an id", source, Printable(key));
  }
  return id;
}

// transformers uses the added tokens of this file, if it lists any, with their flags; tokenizers uses those
// of tokenizer.json.
void ApplyAddedTokens(const ordered_json& config, const std::string& source,
                      VocabularySource vocabulary_source, Vocabulary* vocabulary) {
  if (!config.contains("added_tokens_decoder")) return;
  std::map<int32_t, AddedToken> tokens;
  for (const auto& [key, value] : config["added_tokens_decoder"].items()) {
    const int32_t id = ReadId(key, source);
    tokens[id] = ParseAddedToken(id, value, source);
  }
  const auto differs = [&](const AddedToken& token) {
    Fail("{}: the added token '{}' (id {}) is not the same in {}: save both files again with transformers",
         source, Printable(token.content), token.id,
         vocabulary_source == VocabularySource::kTokenizerJson ? "tokenizer.json" : "tokenizer.model");
  };
  size_t common = 0;
  for (AddedToken& token : vocabulary->added_tokens) {
    const auto found = tokens.find(token.id);
    if (found != tokens.end()) {
      if (found->second.content != token.content) differs(token);
      ++common;
    } else if (vocabulary_source == VocabularySource::kSentencePiece) {
      tokens.emplace_hint(found, token.id, std::move(token));
    } else {
      differs(token);
    }
  }
  if (vocabulary_source == VocabularySource::kTokenizerJson && common != tokens.size()) {
    const auto is_known = [&](const auto& entry) {
      return std::ranges::binary_search(vocabulary->added_tokens, entry.first, {}, &AddedToken::id);
    };
    differs(std::ranges::find_if_not(tokens, is_known)->second);
  }
  vocabulary->added_tokens.clear();
  for (auto& [id, token] : tokens) vocabulary->added_tokens.push_back(std::move(token));
}

// Any key "..._token" names a token, as do the members of extra_special_tokens (additional_special_tokens in
// older files): transformers makes named tokens special and adds missing ones, also from a plain list.
void ApplyNamedTokens(const ordered_json& config, const std::string& source, Vocabulary* vocabulary) {
  const auto apply = [&](const std::string& key, const ordered_json& token, bool named) {
    const std::optional<std::string> content = TokenContent(token);
    if (!content) return;  // null, or a flag such as add_bos_token
    const auto found = std::ranges::find(vocabulary->added_tokens, *content, &AddedToken::content);
    if (found == vocabulary->added_tokens.end()) {
      Fail(
          "{}: '{}' names '{}', which is not among the added tokens: save the tokenizer again with "
          "transformers",
          source, Printable(key), Printable(*content));
    }
    found->special = found->special || named;
  };
  for (const auto& [key, value] : config.items()) {
    if (key.ends_with("_token")) apply(key, value, true);
    if (key != "extra_special_tokens" && key != "additional_special_tokens") continue;
    for (const ordered_json& token : value) apply(key, token, value.is_object());
  }
}

ordered_json AddedTokensDecoder(const Vocabulary& vocabulary) {
  ordered_json tokens = ordered_json::object();
  for (const AddedToken& token : vocabulary.added_tokens) {
    tokens[std::to_string(token.id)] = {{"content", token.content},         {"lstrip", token.lstrip},
                                        {"normalized", token.normalized},   {"rstrip", token.rstrip},
                                        {"single_word", token.single_word}, {"special", token.special}};
  }
  return tokens;
}

}  // namespace

void ApplyTokenizerConfig(std::string_view text, const std::string& source,
                          VocabularySource vocabulary_source, Vocabulary* vocabulary) {
  const ordered_json config = io::ParseJson(text, source);
  if (!config.is_object()) Fail("{}: is not a JSON object", source);
  ApplyAddedTokens(config, source, vocabulary_source, vocabulary);
  const auto token = [&](const char* key, int32_t present, std::string_view by_default) {
    return ReadSpecialToken(config, key, present, by_default, *vocabulary, source);
  };
  vocabulary->bos_id = token("bos_token", vocabulary->bos_id, "<bos>");
  vocabulary->eos_id = token("eos_token", vocabulary->eos_id, "<eos>");
  vocabulary->pad_id = token("pad_token", vocabulary->pad_id, "<pad>");
  ApplyNamedTokens(config, source, vocabulary);
  if (vocabulary_source == VocabularySource::kSentencePiece) {
    const bool add_bos = ReadFlag(config, "add_bos_token", true, source);
    const bool add_eos = ReadFlag(config, "add_eos_token", false, source);
    vocabulary->special_tokens =
        MakeTemplate(add_bos ? vocabulary->bos_id : kNoId, add_eos ? vocabulary->eos_id : kNoId);
  }
  vocabulary->chat_template = ReadChatTemplate(config, source);
}

std::string WithAddedTokens(std::string json, const std::string& source, const Vocabulary& vocabulary) {
  ordered_json config = io::ParseJson(json, source);
  if (config.contains("added_tokens_decoder")) return json;
  config["added_tokens_decoder"] = AddedTokensDecoder(vocabulary);
  return config.dump(2) + "\n";
}

std::string FormatTokenizerConfig(const Vocabulary& vocabulary) {
  const SpecialTokensTemplate& around = vocabulary.special_tokens;
  ordered_json config = {{"add_bos_token", !around.single_before.empty()},
                         {"add_eos_token", !around.single_after.empty()},
                         {"added_tokens_decoder", AddedTokensDecoder(vocabulary)}};
  const auto token = [&](const char* key, int32_t id) {
    config[key] = id == kNoId ? ordered_json() : ordered_json(TokenText(vocabulary, id));
  };
  token("bos_token", vocabulary.bos_id);
  if (vocabulary.chat_template) config["chat_template"] = *vocabulary.chat_template;
  config["clean_up_tokenization_spaces"] = false;
  token("eos_token", vocabulary.eos_id);
  token("pad_token", vocabulary.pad_id);
  config["spaces_between_special_tokens"] = false;
  config["tokenizer_class"] = "GemmaTokenizer";
  token("unk_token", vocabulary.unk_id);
  return config.dump(2) + "\n";
}

}  // namespace gemtune::text
