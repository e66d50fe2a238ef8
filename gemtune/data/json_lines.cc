#include "gemtune/data/json_lines.h"

#include <limits>
#include <nlohmann/json.hpp>
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
  Line(const std::string& path, int64_t row, std::string_view text) : path_(path), row_(row) {
    try {
      object_ = json::parse(text);
    } catch (const json::parse_error& error) {
      FailParse(text, error.byte);
    } catch (const json::out_of_range&) {
      FailRow("holds a number that is too large");
    }
    if (!object_.is_object()) FailRow("is not a JSON object; one object a line is needed");
  }

  std::string_view Text(const std::string& column) const;
  RawLabel Label(const std::string& column) const;

 private:
  template <typename... Args>
  [[noreturn]] void FailRow(fmt::format_string<Args...> format, Args&&... args) const {
    Fail("{}: row {}: {}", path_, row_, fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void FailParse(std::string_view text, size_t byte) const;
  const json& Value(const std::string& column) const;
  int64_t Integer(const std::string& column, const json& value) const;

  const std::string& path_;
  int64_t row_;
  json object_;
};

void Line::FailParse(std::string_view text, size_t byte) const {
  const size_t begin = byte > 20 ? byte - 20 : 0;
  const std::string near = Printable(text.substr(begin, 40));
  if (text.starts_with('[')) FailRow("is the start of a JSON array; one object a line is needed");
  FailRow("is not valid JSON at byte {}, near '{}'; one object a line is needed", byte, near);
}

const json& Line::Value(const std::string& column) const {
  const auto found = object_.find(column);
  if (found == object_.end()) {
    std::vector<std::string> keys;
    for (const auto& item : object_.items()) keys.push_back(item.key());
    FindColumn(fmt::format("{}: row {}", path_, row_), keys, column);
  }
  if (found->is_null()) FailRow("'{}' is null", Printable(column));
  return *found;
}

std::string_view Line::Text(const std::string& column) const {
  if (column.empty()) return {};
  const json& value = Value(column);
  if (!value.is_string()) FailRow("'{}' is a JSON {}, not a string", Printable(column), value.type_name());
  return value.get_ref<const std::string&>();
}

RawLabel Line::Label(const std::string& column) const {
  if (column.empty()) return {};
  const json& value = Value(column);
  if (value.is_boolean()) return int64_t{value.get<bool>()};
  if (value.is_number_integer()) return Integer(column, value);
  if (value.is_number_float()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) {
    FailRow("'{}' is a JSON {}; a label is a number, a string, or a list of integers or strings",
            Printable(column), value.type_name());
  }
  std::vector<RawClass> classes;
  for (const json& item : value) {
    if (item.is_string()) {
      classes.emplace_back(item.get<std::string>());
    } else if (item.is_number_integer()) {
      classes.emplace_back(Integer(column, item));
    } else {
      FailRow("'{}' is a list with a JSON {} in it; the items are integers or strings", Printable(column),
              item.type_name());
    }
  }
  return classes;
}

int64_t Line::Integer(const std::string& column, const json& value) const {
  if (value.is_number_unsigned() && value.get<uint64_t>() > std::numeric_limits<int64_t>::max()) {
    FailRow("'{}' is {}, too large for an integer of 64 bits", Printable(column), value.get<uint64_t>());
  }
  return value.get<int64_t>();
}

}  // namespace

void ReadJsonLines(const DataFile& file, RowSink& sink) {
  const std::string path = file.path.string();
  const Columns& columns = sink.columns();
  TextStream stream(file);
  int64_t row = 1;
  while (sink.room() > 0) {
    const std::string_view window = stream.window();
    const size_t end = window.find('\n');
    if (end == std::string_view::npos) {
      if (window.size() > kMaxRowBytes) {
        Fail("{}: row {}: longer than {} MiB", path, row, kMaxRowBytes >> 20);
      }
      if (!stream.Extend()) break;
      continue;
    }
    const std::string_view json_text = window.substr(0, end);
    if (json_text.find_first_not_of(" \t\r") != std::string_view::npos) {
      const Line line(path, row, json_text);
      const std::string_view text = line.Text(columns.text);
      const std::string_view text_pair = line.Text(columns.text_pair);
      sink.Add(row, text, text_pair, line.Label(columns.label));
    }
    stream.Consume(end + 1);
    ++row;
  }
}

}  // namespace gemtune::data
