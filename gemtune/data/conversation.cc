#include "gemtune/data/conversation.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/data/bad_row.h"

namespace gemtune::data {
namespace {

using nlohmann::json;

struct RoleRow {
  std::string_view name, role;
};

constexpr std::array<RoleRow, 6> kRoles = {{{"system", "system"},
                                            {"user", "user"},
                                            {"human", "user"},
                                            {"assistant", "assistant"},
                                            {"gpt", "assistant"},
                                            {"model", "assistant"}}};

std::string_view RoleOf(std::string_view name) {
  const auto found = std::ranges::find(kRoles, name, &RoleRow::name);
  return found == kRoles.end() ? name : found->role;
}

// A prompt and its answer as two or three columns; `input` may be missing in the row.
struct Exchange {
  std::string prompt, input, completion;
};

// The columns that are looked for, in this order.
struct Formats {
  std::vector<std::string> messages;
  std::vector<Exchange> exchanges;
};

Formats FormatsFor(const ConversationColumns& columns) {
  if (!columns.messages.empty()) return {{columns.messages}, {}};
  if (columns == ConversationColumns{})
    return {{kMessagesColumns.begin(), kMessagesColumns.end()},
            {{"prompt", "", "completion"}, {"instruction", "input", "output"}}};
  const auto or_usual = [](const std::string& given, const char* usual) {
    return given.empty() ? std::string(usual) : given;
  };
  return {{},
          {{or_usual(columns.prompt, "prompt"), columns.input, or_usual(columns.completion, "completion")}}};
}

class Row {
 public:
  Row(const json& row, const std::vector<std::string>& names, const std::string& path, int64_t number)
      : row_(row), names_(names), path_(path), number_(number) {}

  bool Has(const std::string& column) const { return row_.contains(column); }
  std::vector<text::ChatMessage> Messages(const std::string& column) const {
    return MessagesOf(row_.at(column), column, path_, number_);
  }
  std::vector<text::ChatMessage> Answered(const Exchange& exchange) const;
  void Check(const std::vector<text::ChatMessage>& messages) const;
  [[noreturn]] void FailColumns(const Formats& formats) const;

 private:
  template <typename... Args>
  [[noreturn]] void Complain(RowFault fault, fmt::format_string<Args...> format, Args&&... args) const {
    FailRow(path_, number_, fault, format, std::forward<Args>(args)...);
  }
  std::string Text(const std::string& column) const;

  const json& row_;
  const std::vector<std::string>& names_;
  const std::string& path_;
  int64_t number_;
};

void Row::FailColumns(const Formats& formats) const {
  std::string needed;
  for (const std::string& column : formats.messages)
    needed += fmt::format("{}'{}'", needed.empty() ? "" : ", ", Printable(column));
  for (const Exchange& exchange : formats.exchanges) {
    needed += fmt::format("{}'{}' and '{}'", needed.empty() ? "" : ", or ", Printable(exchange.prompt),
                          Printable(exchange.completion));
  }
  Complain(RowFault::kNoColumn,
           "has no conversation; needed is {}; it has {}; name its columns with `messages_column`, or "
           "`prompt_column` and `completion_column`",
           needed, names_.empty() ? "none" : Listed(names_));
}

std::string Row::Text(const std::string& column) const {
  const json& value = row_.at(column);
  if (value.is_null()) Complain(RowFault::kNull, "'{}' is null", Printable(column));
  if (value.is_array()) {
    Complain(RowFault::kWrongType,
             "'{}' is a list, not a text; name a column of whole conversations with "
             "`messages_column`",
             Printable(column));
  }
  if (!value.is_string())
    Complain(RowFault::kWrongType, "'{}' is a JSON {}, not a text", Printable(column), value.type_name());
  return value.get<std::string>();
}

std::vector<text::ChatMessage> Row::Answered(const Exchange& exchange) const {
  std::string prompt = Text(exchange.prompt);
  const bool has_input = !exchange.input.empty() && Has(exchange.input) && !row_.at(exchange.input).is_null();
  if (const std::string input = has_input ? Text(exchange.input) : std::string(); !input.empty())
    prompt += "\n" + input;
  std::string completion = Text(exchange.completion);
  return {{"user", std::move(prompt)}, {"assistant", std::move(completion)}};
}

void Row::Check(const std::vector<text::ChatMessage>& messages) const {
  const std::optional<std::string> fault = text::FaultOf(messages);
  if (fault) Complain(RowFault::kBadConversation, "{}", *fault);
}

// What message `i` of a row says under one of two names. A text may also be a list with one part of the type
// text, as for models that see images.
std::string Field(const json& message, size_t i, std::string_view name, std::string_view other,
                  const std::string& path, int64_t number) {
  if (!message.is_object()) {
    FailRow(path, number, RowFault::kWrongType, "message {} is a JSON {}, not an object", i,
            message.type_name());
  }
  auto found = message.find(name);
  if (found == message.end()) found = message.find(other);
  if (found == message.end() || found->is_null())
    FailRow(path, number, RowFault::kBadConversation, "message {} has no '{}' (or '{}')", i, name, other);
  if (found->is_string()) return found->get<std::string>();
  if (found->is_array() && found->size() == 1 && found->front().is_object() &&
      found->front().value("type", json()) == "text" && found->front().value("text", json()).is_string())
    return found->front()["text"].get<std::string>();
  FailRow(path, number, RowFault::kWrongType,
          "'{}' of message {} is not a text (nor a list with one part of type text)", name, i);
}

}  // namespace

std::vector<text::ChatMessage> MessagesOf(const json& list, const std::string& column,
                                          const std::string& path, int64_t number) {
  if (list.is_null()) FailRow(path, number, RowFault::kNull, "'{}' is null", Printable(column));
  if (!list.is_array()) {
    FailRow(path, number, RowFault::kWrongType, "'{}' is a JSON {}, not a list of messages",
            Printable(column), list.type_name());
  }
  std::vector<text::ChatMessage> messages;
  for (const json& message : list) {
    const size_t i = messages.size() + 1;
    const std::string role = Field(message, i, "role", "from", path, number);
    messages.push_back({std::string(RoleOf(role)), Field(message, i, "content", "value", path, number)});
  }
  return messages;
}

std::vector<std::string> ConversationCandidates(const ConversationColumns& columns) {
  const Formats formats = FormatsFor(columns);
  std::vector<std::string> names = formats.messages;
  for (const Exchange& exchange : formats.exchanges) {
    for (const std::string& name : {exchange.prompt, exchange.input, exchange.completion}) {
      if (!name.empty()) names.push_back(name);
    }
  }
  return names;
}

std::vector<text::ChatMessage> ConversationOf(const json& row, const ConversationColumns& columns,
                                              const std::vector<std::string>& names, const std::string& path,
                                              int64_t number) {
  const Row reader(row, names, path, number);
  const Formats formats = FormatsFor(columns);
  const auto read = [&]() -> std::vector<text::ChatMessage> {
    for (const std::string& column : formats.messages) {
      if (reader.Has(column)) return reader.Messages(column);
    }
    for (const Exchange& exchange : formats.exchanges) {
      if (reader.Has(exchange.prompt) && reader.Has(exchange.completion)) return reader.Answered(exchange);
    }
    reader.FailColumns(formats);
  };
  std::vector<text::ChatMessage> messages = read();
  reader.Check(messages);
  return messages;
}

}  // namespace gemtune::data
