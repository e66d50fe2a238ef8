#include "gemtune/text/chat_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/hash.h"
#include "gemtune/text/unicode.h"
#include "gemtune/text/utf8.h"

namespace gemtune::text {
namespace {

bool IsAssistant(const ChatMessage& message) {
  return message.role == "assistant" || message.role == "model";
}

// Whitespace of Python's str.strip, which also has the four separators of ASCII.
bool IsTrimmed(char32_t character) {
  return IsWhiteSpace(character) || (character >= 0x1c && character <= 0x1f);
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsTrimmed(FirstCharacter(text))) text.remove_prefix(Utf8Length(text.front()));
  while (!text.empty() && IsTrimmed(LastCharacter(text))) text.remove_suffix(LastCharacterSize(text));
  return text;
}

bool HasSystem(std::span<const ChatMessage> messages) {
  return !messages.empty() && messages.front().role == "system";
}

// Of chat templates that render the same text as RenderChat, see TemplateHash.
constexpr std::string_view kKnownTemplates[] = {
    "e682420778b8c7d561926cfd65e08481",  // of the tokenizer that Google published with Gemma 3
};

// Without what editors change: the kind of line ends and whitespace at both ends. Within, it can be text.
std::string TemplateHash(std::string_view jinja) {
  std::string text;
  for (const char c : Trimmed(jinja)) {
    if (c != '\r') text += c;
  }
  Hash hash;
  hash.Add(text);
  return hash.Hex();
}

// A part of a rendered conversation whose tokens are all targets, or none.
struct Piece {
  std::string text;
  bool is_target;
};

std::vector<Piece> Pieces(std::span<const ChatMessage> messages, const ChatOptions& options) {
  std::string first_user_prefix;
  if (HasSystem(messages)) {
    first_user_prefix = messages.front().content + "\n\n";
    messages = messages.subspan(1);
  }
  std::vector<Piece> pieces = {{"<bos>", false}};
  for (size_t i = 0; i < messages.size(); ++i) {
    const bool is_answer = IsAssistant(messages[i]);
    std::string turn(Trimmed(messages[i].content));
    turn += "<end_of_turn>";
    pieces.back().text += is_answer ? "<start_of_turn>model\n" : "<start_of_turn>user\n";
    if (i == 0) pieces.back().text += first_user_prefix;
    if (is_answer && (!options.only_last_answer || i + 2 > messages.size() - 1)) {
      pieces.push_back({std::move(turn), true});
      pieces.push_back({"\n", false});
    } else {
      pieces.back().text += turn + "\n";
    }
  }
  if (options.add_generation_prompt) pieces.back().text += "<start_of_turn>model\n";
  return pieces;
}

}  // namespace

std::optional<std::string> FaultOf(std::span<const ChatMessage> messages) {
  if (HasSystem(messages)) messages = messages.subspan(1);
  bool has_answer = false;
  for (size_t i = 0; i < messages.size(); ++i) {
    const ChatMessage& message = messages[i];
    const bool is_answer = IsAssistant(message);
    if (!is_answer && message.role != "user" && message.role != "system")
      return fmt::format("a message has the role '{}'; known: system, user, assistant",
                         Printable(message.role));
    if (message.role == "system")
      return fmt::format("message {} is the system's; only the first can be", i + 1);
    if (is_answer != (i % 2 == 1)) {
      return fmt::format("turn {} is of the {}; turns must alternate user/assistant/user/assistant/...",
                         i + 1, is_answer ? "assistant" : "user");
    }
    if (is_answer && Trimmed(message.content).empty())
      return fmt::format("turn {}, the assistant's, is empty", i + 1);
    has_answer = has_answer || is_answer;
  }
  if (!has_answer) return "has no assistant turn, so there is nothing to learn";
  return std::nullopt;
}

std::string RenderChat(std::span<const ChatMessage> messages, const ChatOptions& options) {
  std::string text;
  for (const Piece& piece : Pieces(messages, options)) text += piece.text;
  return text;
}

// Piece by piece the ids are those of the whole: a piece ends with a newline before text that, being trimmed,
// does not begin with one, or with <end_of_turn>; no token goes beyond either.
ChatTokens EncodeChat(std::span<const ChatMessage> messages, const Tokenizer& tokenizer,
                      const ChatOptions& options) {
  const std::vector<ChatMessage> conversation(messages.begin(), messages.end());
  return std::move(EncodeChats({&conversation, 1}, tokenizer, options).front());
}

std::vector<ChatTokens> EncodeChats(std::span<const std::vector<ChatMessage>> conversations,
                                    const Tokenizer& tokenizer, const ChatOptions& options) {
  std::vector<Piece> pieces;
  std::vector<size_t> ends;  // of each conversation's pieces
  for (const std::vector<ChatMessage>& messages : conversations) {
    GEMTUNE_CHECK(options.add_generation_prompt || !FaultOf(messages));
    std::ranges::move(Pieces(messages, options), std::back_inserter(pieces));
    ends.push_back(pieces.size());
  }
  std::vector<std::string_view> texts;
  for (const Piece& piece : pieces) texts.push_back(piece.text);
  const auto encoded = tokenizer.EncodeBatch(texts, {}, {.add_special_tokens = false});
  std::vector<ChatTokens> chats;
  size_t i = 0;
  for (const size_t end : ends) {
    ChatTokens& tokens = chats.emplace_back();
    for (; i < end; ++i) {
      tokens.ids.insert(tokens.ids.end(), encoded[i].begin(), encoded[i].end());
      tokens.is_target.insert(tokens.is_target.end(), encoded[i].size(), pieces[i].is_target ? 1 : 0);
    }
  }
  return chats;
}

void CheckChatTemplate(const Tokenizer& tokenizer, const std::string& source) {
  for (const char* token : {"<bos>", "<start_of_turn>", "<end_of_turn>"}) {
    if (tokenizer.Encode(token, {.add_special_tokens = false}).size() == 1) continue;
    Fail("{}: its tokenizer has no token {}, which Gemma 3's conversations need", source, token);
  }
  const std::optional<std::string>& jinja = tokenizer.chat_template();
  if (!jinja || std::ranges::count(kKnownTemplates, TemplateHash(*jinja)) > 0) return;
  Fail(
      "{}: its chat template is not Gemma 3's, the only one that gemtune knows (its hash is {}); take "
      "chat_template.jinja, and chat_template in tokenizer_config.json, away to have Gemma 3's turns",
      source, TemplateHash(*jinja));
}

}  // namespace gemtune::text
