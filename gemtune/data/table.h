#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gemtune/data/file_list.h"

namespace gemtune::data {

/// A CSV field. CSV has no types: whether this is a number or a name shows in the column as a whole.
struct CsvField {
  std::string text;
  bool operator==(const CsvField&) const = default;
};

/// One class of a list.
using RawClass = std::variant<int64_t, std::string>;

/// A label as its file holds it; booleans are 0 and 1.
using RawLabel = std::variant<int64_t, double, std::string, CsvField, std::vector<RawClass>>;

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

/// Reads the rows of all `files` in order, the first `max_rows` of them (0: all), and hands them to `consume`
/// a batch of bounded size at a time, so that a file larger than memory can be read and the rest of it is not
/// read when `max_rows` are there. Returns what the files that were opened say about their labels.
///
/// Rows are numbered from 1: in CSV and Parquet by record, a header not counted and empty lines skipped; in
/// JSONL by line. Throws Error naming file and row: a missing column (with those there are) or one that is
/// there twice, a type that is not text or not a label, a null, a text that is not UTF-8, a malformed row.
///
/// CSV and TSV: RFC 4180 quoting, newlines in quotes allowed, a header row needed; text is taken as it stands
/// ("NA", "null", "007" are no nulls or numbers). JSONL: one object a line, other keys ignored, blank lines
/// skipped.
std::vector<FileSchema> ReadTable(const std::vector<DataFile>& files, const Columns& columns,
                                  int64_t max_rows, const std::function<void(RowBatch&)>& consume);

}  // namespace gemtune::data
