#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gemtune/data/table.h"

namespace gemtune::data {

/// Where the readers of the single formats put their rows: checks the text, fills batches, counts to the
/// limit.
class RowSink {
 public:
  /// `max_rows` over all files; 0: no limit.
  RowSink(Columns columns, int64_t max_rows, std::function<void(RowBatch&)> consume);

  const Columns& columns() const { return columns_; }

  /// Rows added from here on are of `file`, which has this index.
  void StartFile(size_t index, const DataFile& file);

  /// Rows still to come: the reader stops at 0.
  int64_t room() const { return max_rows_ - num_rows_; }

  /// `text_pair` and `label` are taken if there are such columns. Throws Error for a text or a name that is
  /// not UTF-8.
  void Add(int64_t row, std::string_view text, std::string_view text_pair, RawLabel label);

  /// Hands out what is there of the file.
  void Flush();

 private:
  void CheckText(int64_t row, std::string_view text, const std::string& column) const;
  void CheckLabel(int64_t row, const RawLabel& label) const;

  Columns columns_;
  int64_t max_rows_;
  std::function<void(RowBatch&)> consume_;
  int64_t num_rows_ = 0;
  std::string path_;
  RowBatch batch_;
};

/// The one index of `wanted` in the names of a file's columns. Throws Error naming the columns if it is not
/// there or there twice.
size_t FindColumn(const std::string& path, const std::vector<std::string>& names, const std::string& wanted);

}  // namespace gemtune::data
