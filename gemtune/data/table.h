#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gemtune/data/bad_row.h"
#include "gemtune/data/conversation.h"
#include "gemtune/data/file_list.h"

namespace gemtune::data {

/// A CSV field. CSV has no types; whether this is a number or a name depends on the whole column.
struct CsvField {
  std::string text;
  bool operator==(const CsvField&) const = default;
};

/// One item of a list.
using RawClass = std::variant<int64_t, double, bool, std::string>;

/// A label as stored in its file.
using RawLabel = std::variant<int64_t, double, bool, std::string, CsvField, std::vector<RawClass>>;

/// Names of the columns to read; a column with an empty name is not read.
struct Columns {
  std::string text = {};
  std::string text_pair = {};
  std::string label = {};
  std::string loss_weight = {};
  /// If given, rows are conversations, and the other columns are not read.
  std::optional<ConversationColumns> conversation = {};

  /// All that are read: of a conversation's, those that a row may have.
  std::vector<std::string> Names() const;
};

/// Strings concatenated in one buffer.
class TextColumn {
 public:
  void Append(std::string_view text);
  int64_t size() const { return static_cast<int64_t>(ends_.size()); }
  int64_t bytes() const { return static_cast<int64_t>(bytes_.size()); }
  /// Views of all strings, valid until the next Append.
  std::vector<std::string_view> Views() const;

 private:
  std::string bytes_;
  std::vector<size_t> ends_;
};

/// Some rows of one file. Columns that are not read are empty. A file of plain text is read as rows of whole
/// lines, each of which continues the text of the one before.
struct RowBatch {
  size_t file = 0;                 // index of the file
  std::vector<int64_t> rows = {};  // the number of each row in the file, see ReadTable
  TextColumn text = {};
  TextColumn text_pair = {};
  std::vector<RawLabel> labels = {};
  std::vector<RawLabel> loss_weights = {};
  std::vector<std::vector<text::ChatMessage>> conversations = {};
  bool is_plain_text = false;
};

/// What a file says about its label column besides the values.
struct FileSchema {
  std::vector<std::string> class_names =
      {};  // names from a Hugging Face ClassLabel, by id; empty if there are none
};

/// Takes a row that cannot be used and the number of usable ones read before it.
using TakeBadRow = std::function<void(const RowError& error, int64_t good_rows)>;

struct TableOptions {
  TakeBadRow bad_row = {};    // see ReadTable
  char csv_delimiter = '\0';  // for .csv and .tsv; '\0': a comma in .csv, a tab in .tsv
};

/// Reads the rows of all `files` in order, up to `max_rows` (0: all; bad rows count), and passes them to
/// `consume` in batches of bounded size. So a file may be larger than memory, and reading stops after
/// `max_rows`. Returns the schemas of the files that were opened.
///
/// Rows are numbered from 1: in CSV and Parquet by record, not counting a header and empty lines; in JSONL by
/// line, in a JSON array by element. Throws an Error naming file and row for a column that is missing
/// (listing those there are) or occurs twice, a type that is not text or not a label, a null, a text that is
/// not UTF-8 or longer than kMaxTextBytes, or a malformed row. A fault in a single row is a RowError; if
/// `bad_row` is given, it receives the error and reading continues after that row.
///
/// CSV and TSV: RFC 4180 quoting, newlines in quotes are allowed, a header row is required; text is taken
/// literally ("NA", "null", "007" are neither nulls nor numbers). If columns are separated by tabs, a quoted
/// field with both a tab and a newline is malformed: its quote was not closed. JSONL: one object per line,
/// other keys are ignored, blank lines skipped; or the whole file is one array of objects. The NaN and
/// Infinity of Python's json are read as nulls. Plain text (.txt): rows of about a megabyte, numbered by
/// their first line; it has no columns, so that only a text can be read from it. All of these may be UTF-16
/// with a byte order mark.
std::vector<FileSchema> ReadTable(const std::vector<DataFile>& files, const Columns& columns,
                                  int64_t max_rows, const std::function<void(RowBatch&)>& consume,
                                  const TableOptions& options = {});

/// The longest text of a row, eight times the longest context of Gemma 3. A longer text is a mistake (such as
/// a quote that is never closed), and tokenising it would take a hundred times its memory.
inline constexpr size_t kMaxTextBytes = size_t{4} << 20;

}  // namespace gemtune::data
