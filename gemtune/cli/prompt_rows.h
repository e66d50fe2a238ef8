#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gemtune/text/chat_template.h"

namespace gemtune::cli {

/// A row of `generate`'s input.
struct PromptRow {
  nlohmann::ordered_json json;              // as it stands there
  std::string place;                        // "prompts.jsonl: row 3"
  std::string prompt;                       // of a row with "prompt" ...
  std::vector<text::ChatMessage> messages;  // ... or with "messages", then not empty
};

/// The rows of a JSON Lines file (compressed or not), each {"prompt": TEXT} or {"messages": [...]} as
/// data::MessagesOf reads them ("conversations" too), with any other keys. Rows are numbered by their lines,
/// blank ones are no rows. Throws Error with the row and what is wrong.
std::vector<PromptRow> ReadPromptRows(const std::string& path);

}  // namespace gemtune::cli
