#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "gemtune/text/chat_template.h"

namespace gemtune::data {

/// Names of the columns that hold a conversation; empty: the usual ones, see ConversationOf.
struct ConversationColumns {
  std::string messages = {};
  std::string prompt = {};
  std::string input = {};
  std::string completion = {};
  bool operator==(const ConversationColumns&) const = default;
};

/// The usual columns of whole conversations.
inline constexpr std::array<const char*, 2> kMessagesColumns = {"messages", "conversations"};

/// Every column that ConversationOf may look at.
std::vector<std::string> ConversationCandidates(const ConversationColumns& columns);

/// The conversation in a row, that is, in an object of the candidates that it has; `names` are those of all
/// its columns, for messages. The first of these that the row has, or the one whose columns are named:
///  - `messages` or `conversations`: a list of {"role": ..., "content": ...} as in transformers, or of
///    {"from": ..., "value": ...} as in ShareGPT; human is the user, gpt and model are the assistant;
///  - `prompt` and `completion`: what the user asks and the assistant answers;
///  - `instruction`, `input` and `output`, as in Alpaca: the user's text is the instruction and, if it is
///    there and not empty, the input on the next line.
/// Throws RowError for anything else, and for a conversation that text::FaultOf complains of.
std::vector<text::ChatMessage> ConversationOf(const nlohmann::json& row, const ConversationColumns& columns,
                                              const std::vector<std::string>& names, const std::string& path,
                                              int64_t number);

/// The messages of the list in `column` of a row, under either pair of names; not checked with text::FaultOf.
/// Throws RowError.
std::vector<text::ChatMessage> MessagesOf(const nlohmann::json& list, const std::string& column,
                                          const std::string& path, int64_t number);

}  // namespace gemtune::data
