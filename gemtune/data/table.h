#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gemtune/data/bad_row.h"
#include "gemtune/data/file_list.h"

namespace gemtune::data {

/// A CSV field. CSV has no types: whether this is a number or a name shows in the column as a whole.
struct CsvField {
  std::string text;
  bool operator==(const CsvField&) const = default;
};

/// One item of a list.
using RawClass = std::variant<int64_t, double, bool, std::string>;

/// A label as its file holds it.
using RawLabel = std::variant<int64_t, double, bool, std::string, CsvField, std::vector<RawClass>>;

/// Names of the columns to read; an empty name: not read.
struct Columns {
  std::string text = {};
  std::string text_pair = {};
  std::string label = {};
};

/// Strings end to end in one buffer.
class TextColumn {
 public:
  void Append(std::string_view text);
  int64_t size() const { return static_cast<int64_t>(ends_.size()); }
  int64_t bytes() const { return static_cast<int64_t>(bytes_.size()); }
  /// Views of all, valid until the next Append.
  std::vector<std::string_view> Views() const;

 private:
  std::string bytes_;
  std::vector<size_t> ends_;
};

/// Some rows of one file. Columns that were not asked for are empty.
struct RowBatch {
  size_t file = 0;                 // index into the files given
  std::vector<int64_t> rows = {};  // of each: its number in the file, see ReadTable
  TextColumn text = {};
  TextColumn text_pair = {};
  std::vector<RawLabel> labels = {};
};

/// What a file says about its label column beside the values.
struct FileSchema {
  std::vector<std::string> class_names = {};  // of a Hugging Face ClassLabel, by id; empty: none said
};

/// Takes a row that cannot be used and the number of usable ones read before it.
using TakeBadRow = std::function<void(const RowError& error, int64_t good_rows)>;

struct TableOptions {
  TakeBadRow bad_row = {};    // see ReadTable
  char csv_delimiter = '\0';  // of .csv and .tsv alike; '\0': a comma in .csv, a tab in .tsv
};

/// Reads the rows of all `files` in order, the first `max_rows` of them (0: all; bad ones count), and hands
/// them to `consume` a batch of bounded size at a time, so that a file larger than memory can be read and the
/// rest of it is not read when `max_rows` are there. Returns what the files that were opened say about their
/// labels.
///
/// Rows are numbered from 1: in CSV and Parquet by record, a header not counted and empty lines skipped; in
/// JSONL by line, in a JSON array by element. Throws Error naming file and row: a missing column (with those
/// there are) or one that is there twice, a type that is not text or not a label, a null, a text that is not
/// UTF-8 or longer than kMaxTextBytes, a malformed row. What concerns one row only is a RowError, and where
/// `bad_row` is given it goes there and the reading goes on behind that row.
///
/// CSV and TSV: RFC 4180 quoting, newlines in quotes allowed, a header row needed; text is taken as it stands
/// ("NA", "null", "007" are no nulls or numbers). Where a tab stands between columns, a quoted field with
/// both a tab and a newline is malformed: a quote that is not closed. JSONL: one object a line, other keys
/// ignored, blank lines skipped; or the whole file one array of objects. The NaN and Infinity of Python's
/// json are read as nulls. All of these may be UTF-16 with a byte order mark.
std::vector<FileSchema> ReadTable(const std::vector<DataFile>& files, const Columns& columns,
                                  int64_t max_rows, const std::function<void(RowBatch&)>& consume,
                                  const TableOptions& options = {});

/// The longest text of a row, eight times what the longest context of Gemma 3 holds: a longer one is a
/// mistake (a quote that is never closed), and to tokenise it would take a hundred times its memory.
inline constexpr size_t kMaxTextBytes = size_t{4} << 20;

}  // namespace gemtune::data
