#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gemtune/text/tokenizer.h"

namespace gemtune::text {

struct ChatMessage {
  std::string role;  // system (the first only), user, assistant or model
  std::string content;
};

struct ChatOptions {
  bool only_last_answer = false;       // only the last assistant turn is a target
  bool add_generation_prompt = false;  // ends with the begin of an assistant turn, as for generation
};

/// A conversation as tokens.
struct ChatTokens {
  std::vector<int32_t> ids;
  std::vector<uint8_t> is_target;  // for each token: 1 in assistant turns, see EncodeChat
};

/// Why a conversation cannot be trained on, without its place; nullopt if it can: system, if at all, first;
/// then user and assistant in turns; at least one assistant turn, none of which is empty.
std::optional<std::string> FaultOf(std::span<const ChatMessage> messages);

/// The text that Gemma 3's chat template makes of the conversation, beginning with <bos>:
///   <start_of_turn>user⏎{system}⏎⏎{text}<end_of_turn>⏎<start_of_turn>model⏎{text}<end_of_turn>⏎...
/// Contents are trimmed as jinja's `trim` does (Python's str.strip), the system's is not.
std::string RenderChat(std::span<const ChatMessage> messages, const ChatOptions& options = {});

/// Its tokens, equal to transformers' apply_chat_template(messages). Targets are an assistant turn's text and
/// its <end_of_turn>, without which a model would not learn to stop; not the newline behind it, which is
/// never generated. Requires that FaultOf finds nothing.
ChatTokens EncodeChat(std::span<const ChatMessage> messages, const Tokenizer& tokenizer,
                      const ChatOptions& options = {});

/// The same for many conversations, on all threads.
std::vector<ChatTokens> EncodeChats(std::span<const std::vector<ChatMessage>> conversations,
                                    const Tokenizer& tokenizer, const ChatOptions& options = {});

/// Throws Error if the tokenizer of the model at `source` has a chat template (Jinja) that is not Gemma 3's,
/// the only one that RenderChat knows: another would be trained and used with other turns; and if it has no
/// tokens for the turns. A model without a template, as Gemma 3's base models are, takes Gemma 3's.
void CheckChatTemplate(const Tokenizer& tokenizer, const std::string& source);

}  // namespace gemtune::text
