#include "gemtune/data/csv.h"

#include <arrow/csv/options.h>
#include <arrow/csv/parser.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/data/arrow_status.h"
#include "gemtune/data/csv_quotes.h"
#include "gemtune/data/text_stream.h"

namespace gemtune::data {
namespace {

using arrow::csv::BlockParser;

constexpr int32_t kMaxColumns = 1 << 16;

struct BadRow {
  RowError error;
  bool refused;  // by the parser, so that it is not among its rows
};

// The usual delimiter that occurs most often in the header; `delimiter` if none occurs.
char OtherDelimiter(std::string_view names, char delimiter) {
  char best = delimiter;
  int64_t most = 0;
  for (const char candidate : {';', '\t', '|', ','}) {
    const auto times = std::count(names.begin(), names.end(), candidate);
    if (candidate == delimiter || times <= most) continue;
    most = times;
    best = candidate;
  }
  return best;
}

// Uses Arrow's parser rather than its reader, which infers types from the first block (so a "NA" in the
// second fails), refuses rows longer than a block, and parses all columns only to get their names.
class CsvReader {
 public:
  CsvReader(const DataFile& file, char delimiter, bool skips);

  void ReadHeader(const Columns& columns);

  // Adds the next rows of the window; false at the file's end.
  bool ReadRows(RowSink& sink);

 private:
  bool Extend();
  void CheckNames(const std::vector<std::string>& names, const Columns& columns) const;
  void FindSwallowedRows(std::string_view text);
  void Consume(size_t bytes);
  void AddRows(const BlockParser& parser, RowSink& sink);
  nlohmann::json ConversationRow(const std::vector<std::vector<std::string_view>>& fields, size_t row) const;

  std::string path_;
  TextStream stream_;
  arrow::csv::ParseOptions options_ = arrow::csv::ParseOptions::Defaults();
  std::map<int64_t, BadRow> bad_rows_;  // by number, among the rows parsed last
  bool may_swallow_ = false;            // whether a field with delimiters and line ends counts as a mistake
  LineCounter lines_;                   // before the window, if so
  int32_t num_columns_ = 0;
  std::vector<std::string> names_;
  std::vector<int32_t>
      wanted_;  // indices of text, text_pair, label, loss_weight (-1: not read); or a conversation's
  int64_t next_row_ = 1;
};

CsvReader::CsvReader(const DataFile& file, char delimiter, bool skips)
    : path_(file.path.string()), stream_(file), may_swallow_(delimiter == '\t') {
  options_.delimiter = delimiter;
  options_.newlines_in_values = true;
  options_.invalid_row_handler = [this, skips](const arrow::csv::InvalidRow& row) {
    const bool has_newline = row.text.find('\n') != std::string_view::npos;
    const std::string what = fmt::format("{} fields, but the header has {}{}", row.actual_columns,
                                         row.expected_columns, has_newline ? "; is a quote missing?" : "");
    bad_rows_.emplace(row.number, BadRow{RowError(path_, row.number, RowFault::kMalformed, what), true});
    return skips ? arrow::csv::InvalidRowResult::Skip : arrow::csv::InvalidRowResult::Error;
  };
}

// Never uses the parser's ParseFinal, which treats a quote still open at the end of the file as closed.
bool CsvReader::Extend() {
  if (stream_.window().size() > kMaxRowBytes) {
    Fail("{}: row {}: longer than {} MiB; is a quote missing?", path_, next_row_, kMaxRowBytes >> 20);
  }
  return stream_.Extend();
}

void CsvReader::ReadHeader(const Columns& columns) {
  std::vector<std::string>& names = names_;
  while (names.empty()) {
    BlockParser parser(options_, /*num_cols=*/-1, /*first_row=*/0, /*max_num_rows=*/1);
    uint32_t parsed = 0;
    // Without a known number of columns, parsing fails only if the window has no complete row.
    const bool whole = parser.Parse(stream_.window(), &parsed).ok() && parser.num_rows() == 1;
    if (whole) {
      num_columns_ = parser.num_cols();
      if (num_columns_ > kMaxColumns)
        Fail("{}: its header has {} columns, more than {}", path_, num_columns_, kMaxColumns);
      const auto add_name = [&](const uint8_t* data, uint32_t size, auto...) {  // Arrow 26 tells more than 25
        names.emplace_back(reinterpret_cast<const char*>(data), size);
        return arrow::Status::OK();
      };
      CheckArrow(path_, parser.VisitLastRow(add_name));
      Consume(parsed);
    } else if (!Extend()) {
      Fail("{}: no header row; the first row must name the columns", path_);
    }
  }
  if (columns.conversation) {
    for (const std::string& column : columns.Names()) {
      if (std::ranges::count(names, column) > 0)
        wanted_.push_back(static_cast<int32_t>(FindColumn(path_, names, column)));
    }
    return;
  }
  CheckNames(names, columns);
  for (const std::string& column : {columns.text, columns.text_pair, columns.label, columns.loss_weight}) {
    wanted_.push_back(column.empty() ? -1 : static_cast<int32_t>(FindColumn(path_, names, column)));
  }
}

// Names the cause if a wanted column is missing because the file is not what its name or the options say.
void CsvReader::CheckNames(const std::vector<std::string>& names, const Columns& columns) const {
  for (const std::string& column : {columns.text, columns.text_pair, columns.label, columns.loss_weight}) {
    if (column.empty() || std::find(names.begin(), names.end(), column) != names.end()) continue;
    if (names[0].starts_with('{') || names[0].starts_with('[')) {
      Fail("{}: has no column '{}'; it looks like JSON: give it a name that ends in .jsonl", path_,
           Printable(column));
    }
    const char other = OtherDelimiter(names[0], options_.delimiter);
    if (names.size() > 1 || other == options_.delimiter) return;
    const std::string shown = Printable(std::string_view(&other, 1));
    Fail("{}: has no column '{}'; its columns seem to be separated by '{}': give `csv_delimiter` '{}'", path_,
         Printable(column), shown, shown);
  }
}

bool CsvReader::ReadRows(RowSink& sink) {
  // Rows after the last wanted one are not examined; they may be malformed.
  const int64_t most = std::min<int64_t>(sink.room(), arrow::csv::kMaxParserNumRows);
  BlockParser parser(options_, num_columns_, next_row_, static_cast<int32_t>(most));
  uint32_t parsed = 0;
  bad_rows_.clear();
  const arrow::Status status = parser.Parse(stream_.window(), &parsed);
  const bool stopped = !sink.skips() && !bad_rows_.empty();
  FindSwallowedRows(stopped ? stream_.window() : stream_.window().substr(0, parsed));
  if (stopped) throw bad_rows_.begin()->second.error;
  CheckArrow(path_, status);
  AddRows(parser, sink);
  Consume(parsed);
  if (parsed > 0 || Extend()) return true;
  if (!stream_.window().empty()) {
    Fail("{}: row {}: the file ends in a quoted field; is a quote missing?", path_, next_row_);
  }
  return false;
}

// RFC 4180 lets a quoted field hold anything. But texts hardly have tabs, so a field with a tab and a line
// end is more likely a text that begins with a quote that was not doubled, and it swallows the rows up to the
// next quote.
void CsvReader::FindSwallowedRows(std::string_view text) {
  if (!may_swallow_) return;
  LineCounter lines = lines_;
  size_t counted = 0;
  for (const RunawayField& field : FindRunawayFields(text, options_.delimiter)) {
    lines.Add(text.substr(counted, field.begin - counted));
    counted = field.begin;
    const int64_t number = next_row_ + field.row;
    const RowError error(
        path_, number, RowFault::kMalformed,
        fmt::format("from line {} on, a quoted field runs over {} lines and holds tabs; is a quote missing? "
                    "Write a quote inside a field twice, or the file as Parquet",
                    lines.lines() + 1, field.lines));
    const auto [bad, added] = bad_rows_.try_emplace(number, BadRow{error, false});
    if (!added) bad->second.error = error;
  }
}

void CsvReader::Consume(size_t bytes) {
  if (may_swallow_) lines_.Add(stream_.window().substr(0, bytes));
  stream_.Consume(bytes);
}

void CsvReader::AddRows(const BlockParser& parser, RowSink& sink) {
  const auto num_rows = static_cast<size_t>(parser.num_rows());
  std::vector<std::vector<std::string_view>> fields(wanted_.size());
  for (size_t i = 0; i < wanted_.size(); ++i) {
    if (wanted_[i] < 0) {
      fields[i].resize(num_rows);
      continue;
    }
    fields[i].reserve(num_rows);
    const auto add_field = [&](const uint8_t* data, uint32_t size, auto...) {
      fields[i].emplace_back(reinterpret_cast<const char*>(data), size);
      return arrow::Status::OK();
    };
    CheckArrow(path_, parser.VisitColumn(wanted_[i], add_field));
  }
  size_t good = 0;
  const int64_t end = next_row_ + parser.total_num_rows();
  for (; next_row_ < end && sink.room() > 0; ++next_row_) {
    const auto bad = bad_rows_.find(next_row_);
    if (bad != bad_rows_.end()) {
      sink.Skip(bad->second.error);
      if (!bad->second.refused) ++good;
      continue;
    }
    sink.Guard([&] {
      if (const auto& columns = sink.columns().conversation) {
        const nlohmann::json row = ConversationRow(fields, good);
        return sink.AddConversation(next_row_, ConversationOf(row, *columns, names_, path_, next_row_));
      }
      sink.Add(next_row_, fields[0][good], fields[1][good], CsvField{std::string(fields[2][good])},
               CsvField{std::string(fields[3][good])});
    });
    ++good;
  }
}

nlohmann::json CsvReader::ConversationRow(const std::vector<std::vector<std::string_view>>& fields,
                                          size_t row) const {
  nlohmann::json object = nlohmann::json::object();
  for (size_t i = 0; i < wanted_.size(); ++i)
    object[names_[static_cast<size_t>(wanted_[i])]] = fields[i][row];
  return object;
}

}  // namespace

char ParseDelimiter(const std::string& text) {
  if (text.empty()) return '\0';
  if (text == "\\t" || text == "tab") return '\t';
  const auto byte = static_cast<unsigned char>(text[0]);
  const bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
  const bool is_digit = byte >= '0' && byte <= '9';
  constexpr std::string_view kReserved = "\"'\r\n";
  if (text.size() > 1 || byte >= 0x80 || is_letter || is_digit ||
      kReserved.find(text[0]) != std::string_view::npos) {
    Fail(
        "`csv_delimiter` {}: must be a single character that is not a letter, digit, quote or line end, for "
        "example ';', or '\\t' for a tab",
        Printable(text));
  }
  return text[0];
}

void ReadCsv(const DataFile& file, char delimiter, RowSink& sink) {
  CsvReader reader(file, delimiter, sink.skips());
  reader.ReadHeader(sink.columns());
  while (sink.room() > 0 && reader.ReadRows(sink)) {
  }
}

}  // namespace gemtune::data
