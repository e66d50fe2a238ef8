#include "gemtune/data/csv.h"

#include <arrow/csv/options.h>
#include <arrow/csv/parser.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/data/arrow_status.h"
#include "gemtune/data/text_stream.h"

namespace gemtune::data {
namespace {

using arrow::csv::BlockParser;

constexpr int32_t kMaxColumns = 1 << 16;

// On Arrow's parser and not on its reader, which infers types from the first block (and so fails on a "NA" in
// the second), refuses rows longer than a block, and parses all columns only to learn their names.
class CsvReader {
 public:
  CsvReader(const DataFile& file, char delimiter, bool skips);

  void ReadHeader(const Columns& columns);

  // Adds the next rows of the window; false at the file's end.
  bool ReadRows(RowSink& sink);

 private:
  bool Extend();
  void AddRows(const BlockParser& parser, RowSink& sink);

  std::string path_;
  TextStream stream_;
  arrow::csv::ParseOptions options_ = arrow::csv::ParseOptions::Defaults();
  std::vector<RowError> bad_rows_;  // of the rows that the parser saw last: those it stopped at or left out
  std::vector<int64_t> bad_row_numbers_;
  int32_t num_columns_ = 0;
  std::vector<int32_t> wanted_;  // indices of text, text_pair, label; -1: not read
  int64_t next_row_ = 1;
};

CsvReader::CsvReader(const DataFile& file, char delimiter, bool skips)
    : path_(file.path.string()), stream_(file) {
  options_.delimiter = delimiter;
  options_.newlines_in_values = true;
  options_.invalid_row_handler = [this, skips](const arrow::csv::InvalidRow& row) {
    const bool has_newline = row.text.find('\n') != std::string_view::npos;
    bad_row_numbers_.push_back(row.number);
    bad_rows_.emplace_back(path_, row.number, RowFault::kMalformed,
                           fmt::format("{} fields, but the header has {}{}", row.actual_columns,
                                       row.expected_columns, has_newline ? "; is a quote missing?" : ""));
    return skips ? arrow::csv::InvalidRowResult::Skip : arrow::csv::InvalidRowResult::Error;
  };
}

// Never the parser's ParseFinal: it takes a quote that is still open at the file's end for closed.
bool CsvReader::Extend() {
  if (stream_.window().size() > kMaxRowBytes) {
    Fail("{}: row {}: longer than {} MiB; is a quote missing?", path_, next_row_, kMaxRowBytes >> 20);
  }
  return stream_.Extend();
}

void CsvReader::ReadHeader(const Columns& columns) {
  std::vector<std::string> names;
  while (names.empty()) {
    BlockParser parser(options_, /*num_cols=*/-1, /*first_row=*/0, /*max_num_rows=*/1);
    uint32_t parsed = 0;
    // The one thing that fails without a known number of columns is a window without a whole row.
    const bool whole = parser.Parse(stream_.window(), &parsed).ok() && parser.num_rows() == 1;
    if (whole) {
      num_columns_ = parser.num_cols();
      if (num_columns_ > kMaxColumns)
        Fail("{}: its header has {} columns, more than {}", path_, num_columns_, kMaxColumns);
      const auto add_name = [&](const uint8_t* data, uint32_t size, bool, bool) {
        names.emplace_back(reinterpret_cast<const char*>(data), size);
        return arrow::Status::OK();
      };
      CheckArrow(path_, parser.VisitLastRow(add_name));
      stream_.Consume(parsed);
    } else if (!Extend()) {
      Fail("{}: no header row; the first row must name the columns", path_);
    }
  }
  for (const std::string& column : {columns.text, columns.text_pair, columns.label}) {
    wanted_.push_back(column.empty() ? -1 : static_cast<int32_t>(FindColumn(path_, names, column)));
  }
}

bool CsvReader::ReadRows(RowSink& sink) {
  // Rows behind the last one wanted are not looked at: they may be wrong.
  const int64_t most = std::min<int64_t>(sink.room(), arrow::csv::kMaxParserNumRows);
  BlockParser parser(options_, num_columns_, next_row_, static_cast<int32_t>(most));
  uint32_t parsed = 0;
  bad_rows_.clear();
  bad_row_numbers_.clear();
  const arrow::Status status = parser.Parse(stream_.window(), &parsed);
  if (!sink.skips() && !bad_rows_.empty()) throw bad_rows_.front();
  CheckArrow(path_, status);
  AddRows(parser, sink);
  stream_.Consume(parsed);
  if (parsed > 0 || Extend()) return true;
  if (!stream_.window().empty()) {
    Fail("{}: row {}: the file ends in a quoted field; is a quote missing?", path_, next_row_);
  }
  return false;
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
    const auto add_field = [&](const uint8_t* data, uint32_t size, bool, bool) {
      fields[i].emplace_back(reinterpret_cast<const char*>(data), size);
      return arrow::Status::OK();
    };
    CheckArrow(path_, parser.VisitColumn(wanted_[i], add_field));
  }
  size_t good = 0, bad = 0;
  for (; good + bad < num_rows + bad_rows_.size() && sink.room() > 0; ++next_row_) {
    if (bad < bad_rows_.size() && bad_row_numbers_[bad] == next_row_) {
      sink.Skip(bad_rows_[bad++]);
      continue;
    }
    sink.Guard([&] {
      sink.Add(next_row_, fields[0][good], fields[1][good], CsvField{std::string(fields[2][good])});
    });
    ++good;
  }
}

}  // namespace

void ReadCsv(const DataFile& file, char delimiter, RowSink& sink) {
  CsvReader reader(file, delimiter, sink.skips());
  reader.ReadHeader(sink.columns());
  while (sink.room() > 0 && reader.ReadRows(sink)) {
  }
}

}  // namespace gemtune::data
