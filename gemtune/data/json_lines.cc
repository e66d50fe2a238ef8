#include "gemtune/data/json_lines.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/data/text_stream.h"

namespace gemtune::data {
namespace {

using nlohmann::json;

// One line at a time through nlohmann-json and not through Arrow's JSON reader: that one numbers rows from
// the start of a block, reads strings that look like a date as one, and wants the types of the first block to
// hold for all. At 240 MB/s on one thread this is no bottleneck before a tokenizer.
class Line {
 public:
  Line(const std::string& path, int64_t row, std::string_view text, const Columns& columns)
      : path_(path), row_(row) {
    try {
      object_ = json::parse(text, [&](int depth, json::parse_event_t event, json& parsed) {
        return IsWanted(columns, depth, event, parsed);
      });
    } catch (const json::parse_error& error) {
      FailParse(text, error.byte);
    } catch (const json::out_of_range&) {
      Complain(RowFault::kMalformed, "holds a number that is too large");
    }
    if (!object_.is_object())
      Complain(RowFault::kMalformed, "is not a JSON object; one object a line is needed");
  }

  std::string_view Text(const std::string& column) const;
  RawLabel Label(const std::string& column) const;

 private:
  template <typename... Args>
  [[noreturn]] void Complain(RowFault fault, fmt::format_string<Args...> format, Args&&... args) const {
    FailRow(path_, row_, fault, format, std::forward<Args>(args)...);
  }
  bool IsWanted(const Columns& columns, int depth, json::parse_event_t event, const json& parsed);
  [[noreturn]] void FailParse(std::string_view text, size_t byte) const;
  const json& Value(const std::string& column) const;
  int64_t Integer(const std::string& column, const json& value) const;

  const std::string& path_;
  int64_t row_;
  json object_;
  std::vector<std::string> keys_;  // the first few that the line has
};

// Only the columns that are read become a tree: a value takes two bytes of text and up to a hundred of
// memory.
bool Line::IsWanted(const Columns& columns, int depth, json::parse_event_t event, const json& parsed) {
  constexpr int kMaxDepth = 64;
  constexpr size_t kMaxKeys = 100;
  if (depth > kMaxDepth) Complain(RowFault::kMalformed, "is JSON nested more than {} levels deep", kMaxDepth);
  if (depth != 1 || event != json::parse_event_t::key) return true;
  const auto& key = parsed.get_ref<const std::string&>();
  if (keys_.size() < kMaxKeys) keys_.push_back(key);
  return key == columns.text || key == columns.text_pair || key == columns.label;
}

void Line::FailParse(std::string_view text, size_t byte) const {
  const size_t begin = byte > 20 ? byte - 20 : 0;
  const std::string near = Printable(text.substr(begin, 40));
  if (text.starts_with('['))
    Complain(RowFault::kMalformed, "is the start of a JSON array; one object a line is needed");
  Complain(RowFault::kMalformed, "is not valid JSON at byte {}, near '{}'; one object a line is needed", byte,
           near);
}

const json& Line::Value(const std::string& column) const {
  const auto found = object_.find(column);
  if (found == object_.end()) {
    Complain(RowFault::kNoColumn, "has no column '{}'{}; it has {}", Printable(column),
             DidYouMean(column, keys_), keys_.empty() ? "none" : Listed(keys_));
  }
  if (found->is_null()) Complain(RowFault::kNull, "'{}' is null", Printable(column));
  return *found;
}

std::string_view Line::Text(const std::string& column) const {
  if (column.empty()) return {};
  const json& value = Value(column);
  if (!value.is_string())
    Complain(RowFault::kWrongType, "'{}' is a JSON {}, not a string", Printable(column), value.type_name());
  return value.get_ref<const std::string&>();
}

RawLabel Line::Label(const std::string& column) const {
  if (column.empty()) return {};
  const json& value = Value(column);
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return Integer(column, value);
  if (value.is_number_float()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) {
    Complain(RowFault::kWrongType,
             "'{}' is a JSON {}; a label is a number, a string, true or false, or a list of these",
             Printable(column), value.type_name());
  }
  std::vector<RawClass> classes;
  for (const json& item : value) {
    if (item.is_string()) {
      classes.emplace_back(item.get<std::string>());
    } else if (item.is_boolean()) {
      classes.emplace_back(item.get<bool>());
    } else if (item.is_number_float()) {
      classes.emplace_back(item.get<double>());
    } else if (item.is_number_integer()) {
      classes.emplace_back(Integer(column, item));
    } else {
      Complain(RowFault::kWrongType,
               "'{}' is a list with a JSON {} in it; the items are numbers, strings, true or false",
               Printable(column), item.type_name());
    }
  }
  return classes;
}

int64_t Line::Integer(const std::string& column, const json& value) const {
  if (value.is_number_unsigned() && value.get<uint64_t>() > std::numeric_limits<int64_t>::max()) {
    Complain(RowFault::kWrongType, "'{}' is {}, too large for an integer of 64 bits", Printable(column),
             value.get<uint64_t>());
  }
  return value.get<int64_t>();
}

// The length of the line at the window's front, all of which is then in the window; npos for one longer than
// kMaxRowBytes, nothing at the file's end.
std::optional<size_t> FindLineEnd(TextStream& stream) {
  while (true) {
    const size_t end = stream.window().find('\n');
    if (end != std::string_view::npos || stream.window().size() > kMaxRowBytes) return end;
    if (!stream.Extend()) return std::nullopt;
  }
}

void PassLine(TextStream& stream) {
  size_t end = stream.window().find('\n');
  while (end == std::string_view::npos) {
    stream.Consume(stream.window().size());
    if (!stream.Extend()) return;
    end = stream.window().find('\n');
  }
  stream.Consume(end + 1);
}

}  // namespace

void ReadJsonLines(const DataFile& file, RowSink& sink) {
  const std::string path = file.path.string();
  const Columns& columns = sink.columns();
  TextStream stream(file);
  for (int64_t row = 1; sink.room() > 0; ++row) {
    const std::optional<size_t> end = FindLineEnd(stream);
    if (!end) break;
    sink.Guard([&] {
      if (*end == std::string_view::npos)
        FailRow(path, row, RowFault::kTooLong, "longer than {} MiB", kMaxRowBytes >> 20);
      const std::string_view json_text = stream.window().substr(0, *end);
      if (json_text.find_first_not_of(" \t\r") == std::string_view::npos) return;
      const Line line(path, row, json_text, columns);
      const std::string_view text = line.Text(columns.text);
      const std::string_view text_pair = line.Text(columns.text_pair);
      sink.Add(row, text, text_pair, line.Label(columns.label));
    });
    PassLine(stream);
  }
}

}  // namespace gemtune::data
