#include "gemtune/cli/prompt_rows.h"

#include <string_view>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/data/text_stream.h"

namespace gemtune::cli {
namespace {

using Json = nlohmann::ordered_json;

const std::string& TextAt(const Json& object, const char* key, const std::string& place) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) Fail("{}: '{}' must be a text", place, key);
  return found->get_ref<const std::string&>();
}

std::vector<text::ChatMessage> MessagesOf(const Json& messages, const std::string& place) {
  if (!messages.is_array() || messages.empty())
    Fail("{}: 'messages' must be a list of at least one message", place);
  std::vector<text::ChatMessage> result;
  for (const Json& message : messages) {
    if (!message.is_object()) Fail("{}: 'messages' must hold objects with 'role' and 'content'", place);
    result.push_back({TextAt(message, "role", place), TextAt(message, "content", place)});
  }
  return result;
}

PromptRow RowOf(std::string_view line, std::string place) {
  PromptRow row{.json = Json::parse(line, /*cb=*/nullptr, /*allow_exceptions=*/false),
                .place = std::move(place)};
  if (row.json.is_discarded() || !row.json.is_object()) Fail("{}: is no JSON object", row.place);
  const bool has_prompt = row.json.contains("prompt"), has_messages = row.json.contains("messages");
  if (has_prompt == has_messages) {
    Fail("{}: must have either 'prompt' or 'messages'{}", row.place, has_prompt ? ", not both" : "");
  }
  if (has_prompt) {
    row.prompt = TextAt(row.json, "prompt", row.place);
  } else {
    row.messages = MessagesOf(row.json["messages"], row.place);
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
        Fail("{}: line {}: is longer than {} bytes", path, number, data::kMaxRowBytes);
      if (!stream.Extend()) break;
    }
    if (end == std::string_view::npos) return rows;
    const std::string_view line = stream.window().substr(0, end);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos)
      rows.push_back(RowOf(line, fmt::format("{}: line {}", path, number)));
    stream.Consume(end + 1);
  }
}

}  // namespace gemtune::cli
