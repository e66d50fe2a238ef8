#include "gemtune/data/json_lines.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/data/conversation.h"
#include "gemtune/data/json_array.h"
#include "gemtune/data/text_stream.h"

namespace gemtune::data {
namespace {

using nlohmann::json;

// How a file is divided into rows.
struct Layout {
  bool lines;
  std::string_view needed;
};

constexpr Layout kLines = {.lines = true, .needed = "one object per line is needed"};
constexpr Layout kArray = {.lines = false, .needed = "an array of objects is needed"};

// For one object over many lines, or one that holds whole columns.
constexpr std::string_view kLinesCure =
    "(Python: json.dumps of one row a line; pandas: to_json(orient=\"records\", lines=True))";

struct BareWord {
  std::string_view word;
  std::string_view stand_in;  // of the same length, so that positions in the text do not change
};

// What Python's json.dumps writes for NaN and infinities, which JSON lacks. They are replaced by objects,
// which are ignored in other columns and are an error in every column that is read.
constexpr std::array kBareWords = {BareWord{"NaN", "{ }"}, BareWord{"Infinity", R"({"+":0} )"},
                                   BareWord{"-Infinity", R"({"-":0}  )"}};

const BareWord* BareWordAt(std::string_view text) {
  for (const BareWord& row : kBareWords) {
    if (text.starts_with(row.word)) return &row;
  }
  return nullptr;
}

// The line with its bare words outside of strings replaced; nullopt if it has none.
std::optional<std::string> WithoutBareWords(std::string_view text) {
  std::optional<std::string> replaced;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') in_string = !in_string;
    if (in_string && text[i] == '\\') ++i;
    if (in_string || (text[i] != 'N' && text[i] != 'I' && text[i] != '-')) continue;
    const BareWord* row = BareWordAt(text.substr(i));
    if (row == nullptr) continue;
    if (!replaced) replaced.emplace(text);
    replaced->replace(i, row->word.size(), row->stand_in);
    i += row->word.size() - 1;
  }
  return replaced;
}

// Parses one line at a time with nlohmann-json rather than with Arrow's JSON reader, which numbers rows from
// the start of a block, reads strings that look like dates as dates, and requires the types of the first
// block everywhere. At 240 MB/s on one thread this is no bottleneck before a tokenizer.
class Line {
 public:
  /// Keeps the columns of `wanted` names.
  Line(const std::string& path, int64_t row, std::string_view text, const std::vector<std::string>& wanted,
       const Layout& layout);

  std::string_view Text(const std::string& column) const;
  RawLabel Label(const std::string& column) const;
  std::vector<text::ChatMessage> Conversation(const ConversationColumns& columns) const {
    return ConversationOf(object_, columns, keys_, path_, row_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void Complain(RowFault fault, fmt::format_string<Args...> format, Args&&... args) const {
    FailRow(path_, row_, fault, format, std::forward<Args>(args)...);
  }
  void Parse(std::string_view text, const std::vector<std::string>& wanted);
  bool IsWanted(const std::vector<std::string>& wanted, int depth, json::parse_event_t event,
                const json& parsed);
  [[noreturn]] void FailParse(std::string_view text, size_t byte) const;
  const json& Value(const std::string& column) const;
  void CheckBareWord(const std::string& column, const json& value, std::string_view is) const;
  int64_t Integer(const std::string& column, const json& value) const;

  const std::string& path_;
  int64_t row_;
  const Layout& layout_;
  json object_;
  std::vector<std::string> keys_;  // the line's first few keys
  int64_t num_events_ = 0;
  bool has_bare_words_ = false;
};

Line::Line(const std::string& path, int64_t row, std::string_view text,
           const std::vector<std::string>& wanted, const Layout& layout)
    : path_(path), row_(row), layout_(layout) {
  try {
    Parse(text, wanted);
  } catch (const json::parse_error& error) {
    const std::optional<std::string> replaced = WithoutBareWords(text);
    if (!replaced) FailParse(text, error.byte);
    has_bare_words_ = true;
    try {
      Parse(*replaced, wanted);
    } catch (const json::parse_error& other) {
      FailParse(text, other.byte);
    }
  }
  // Checks the text, since the tree of a bare word is an object.
  if (text[text.find_first_not_of(" \t\r\n")] != '{')
    Complain(RowFault::kMalformed, "is not a JSON object; {}", layout_.needed);
}

void Line::Parse(std::string_view text, const std::vector<std::string>& wanted) {
  keys_.clear();
  num_events_ = 0;
  try {
    object_ = json::parse(text, [&](int depth, json::parse_event_t event, json& parsed) {
      return IsWanted(wanted, depth, event, parsed);
    });
  } catch (const json::out_of_range&) {
    Complain(RowFault::kMalformed, "holds a number that is too large");
  }
}

// Only the columns that are read become a tree: a value takes two bytes of text and up to a hundred of
// memory.
bool Line::IsWanted(const std::vector<std::string>& wanted, int depth, json::parse_event_t event,
                    const json& parsed) {
  constexpr int kMaxLevels = 64;
  constexpr size_t kMaxKeys = 100;
  constexpr int64_t kMaxEvents = int64_t{1} << 22;  // of wanted columns: at most some hundred megabytes
  if (depth > kMaxLevels)
    Complain(RowFault::kMalformed, "is JSON nested more than {} levels deep", kMaxLevels);
  if (++num_events_ > kMaxEvents) Complain(RowFault::kTooLong, "holds more than {} JSON values", kMaxEvents);
  if (depth != 1 || event != json::parse_event_t::key) return true;
  const auto& key = parsed.get_ref<const std::string&>();
  if (keys_.size() < kMaxKeys) keys_.push_back(key);
  return std::ranges::find(wanted, key) != wanted.end();
}

void Line::FailParse(std::string_view text, size_t byte) const {
  if (layout_.lines && text.starts_with('['))
    Complain(RowFault::kMalformed, "is the start of a JSON array; {}", layout_.needed);
  if (layout_.lines && byte > text.size())
    Complain(RowFault::kMalformed, "the line ends within a JSON value; {} {}", layout_.needed, kLinesCure);
  const size_t begin = byte > 20 ? byte - 20 : 0;
  const std::string near = Printable(text.substr(std::min(begin, text.size()), 40));
  Complain(RowFault::kMalformed, "is not valid JSON at byte {}, near '{}'; {}", byte, near, layout_.needed);
}

const json& Line::Value(const std::string& column) const {
  const auto found = object_.find(column);
  if (found == object_.end()) {
    Complain(RowFault::kNoColumn, "has no column '{}'{}; it has {}", Printable(column),
             DidYouMean(column, keys_), keys_.empty() ? "none" : Listed(keys_));
  }
  if (found->is_null()) Complain(RowFault::kNull, "'{}' is null", Printable(column));
  if (has_bare_words_) {
    CheckBareWord(column, *found, "is");
    if (found->is_array()) {
      for (const json& item : *found) CheckBareWord(column, item, "is a list with");
    }
  }
  return *found;
}

void Line::CheckBareWord(const std::string& column, const json& value, std::string_view is) const {
  if (!value.is_object()) return;
  for (const BareWord& row : kBareWords) {
    if (value == json::parse(row.stand_in))
      Complain(RowFault::kNull, "'{}' {} {}", Printable(column), is, row.word);
  }
}

std::string_view Line::Text(const std::string& column) const {
  if (column.empty()) return {};
  const json& value = Value(column);
  if (value.is_object() && layout_.lines) {
    Complain(RowFault::kWrongType, "'{}' is a JSON object, not a string; {} {}", Printable(column),
             layout_.needed, kLinesCure);
  }
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

// The length of the line at the window's front, after extending the window to hold all of it; npos if it is
// longer than kMaxRowBytes, nullopt at the end of the file.
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

bool IsArray(TextStream& stream) {
  while (true) {
    const size_t found = stream.window().find_first_not_of(" \t\r\n");
    if (found != std::string_view::npos) return stream.window()[found] == '[';
    if (stream.window().size() > kMaxRowBytes || !stream.Extend()) return false;
  }
}

// Reads the rows of an open file.
class JsonReader {
 public:
  JsonReader(std::string path, RowSink& sink) : path_(std::move(path)), sink_(sink) {}

  void ReadLines(TextStream& stream);
  void ReadArray(TextStream& stream);

 private:
  // `text` is nullopt for a row that is too long.
  void Add(int64_t row, std::optional<std::string_view> text, const Layout& layout);

  std::string path_;
  RowSink& sink_;
};

void JsonReader::Add(int64_t row, std::optional<std::string_view> text, const Layout& layout) {
  sink_.Guard([&] {
    if (!text) {
      FailRow(path_, row, RowFault::kTooLong, "longer than {} MiB; {}", kMaxRowBytes >> 20, layout.needed);
    }
    const Columns& columns = sink_.columns();
    const Line line(path_, row, *text, sink_.names(), layout);
    if (columns.conversation) return sink_.AddConversation(row, line.Conversation(*columns.conversation));
    const std::string_view first = line.Text(columns.text);
    const std::string_view second = line.Text(columns.text_pair);
    sink_.Add(row, first, second, line.Label(columns.label), line.Label(columns.loss_weight));
  });
}

void JsonReader::ReadLines(TextStream& stream) {
  for (int64_t row = 1; sink_.room() > 0; ++row) {
    const std::optional<size_t> end = FindLineEnd(stream);
    if (!end) break;
    if (*end == std::string_view::npos) {
      Add(row, std::nullopt, kLines);
    } else if (const std::string_view text = stream.window().substr(0, *end);
               text.find_first_not_of(" \t\r") != std::string_view::npos) {
      Add(row, text, kLines);
    }
    PassLine(stream);
  }
}

void JsonReader::ReadArray(TextStream& stream) {
  JsonArray array(path_, stream);
  while (sink_.room() > 0 && array.Next()) Add(array.row(), array.element(), kArray);
}

}  // namespace

void ReadJsonLines(const DataFile& file, RowSink& sink) {
  TextStream stream(file);
  JsonReader reader(file.path.string(), sink);
  if (IsArray(stream)) {
    reader.ReadArray(stream);
  } else {
    reader.ReadLines(stream);
  }
}

}  // namespace gemtune::data
