#include "gemtune/cli/prompt_rows.h"

#include <string_view>

#include "gemtune/base/error.h"
#include "gemtune/data/conversation.h"
#include "gemtune/data/text_stream.h"

namespace gemtune::cli {
namespace {

using Json = nlohmann::ordered_json;

// The column that holds the row's messages; empty if none does.
std::string MessagesColumn(const Json& row) {
  for (const char* column : data::kMessagesColumns) {
    if (row.contains(column)) return column;
  }
  return "";
}

PromptRow RowOf(std::string_view line, const std::string& path, int64_t number) {
  PromptRow row{.json = Json::parse(line, /*cb=*/nullptr, /*allow_exceptions=*/false),
                .place = fmt::format("{}: row {}", path, number)};
  if (row.json.is_discarded() || !row.json.is_object()) Fail("{}: is no JSON object", row.place);
  const bool has_prompt = row.json.contains("prompt");
  const std::string column = MessagesColumn(row.json);
  if (has_prompt != column.empty()) {
    Fail("{}: must have either 'prompt' or 'messages'{}", row.place, has_prompt ? ", not both" : "");
  }
  if (has_prompt) {
    if (!row.json["prompt"].is_string()) Fail("{}: 'prompt' must be a text", row.place);
    row.prompt = row.json["prompt"];
  } else {
    row.messages = data::MessagesOf(row.json[column], column, path, number);
    if (row.messages.empty()) Fail("{}: '{}' must be a list of at least one message", row.place, column);
  }
  return row;
}

}  // namespace

std::vector<PromptRow> ReadPromptRows(const std::string& path) {
  const data::DataFile file = data::FileOfPath(path);
  if (file.format != data::FileFormat::kJsonLines) Fail("{}: must be JSON Lines (.jsonl)", path);
  data::TextStream stream(file);
  std::vector<PromptRow> rows;
  for (int64_t number = 1;; ++number) {
    size_t end = stream.window().find('\n');
    for (size_t seen = 0; end == std::string_view::npos; end = stream.window().find('\n', seen)) {
      seen = stream.window().size();
      if (seen > data::kMaxRowBytes)
        Fail("{}: row {}: is longer than {} bytes", path, number, data::kMaxRowBytes);
      if (!stream.Extend()) break;
    }
    if (end == std::string_view::npos) return rows;
    const std::string_view line = stream.window().substr(0, end);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) rows.push_back(RowOf(line, path, number));
    stream.Consume(end + 1);
  }
}

}  // namespace gemtune::cli
