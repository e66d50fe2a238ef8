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
  /// `max_rows` over all files, bad ones included; 0: no limit. See ReadTable for `bad_row`.
  RowSink(Columns columns, int64_t max_rows, std::function<void(RowBatch&)> consume, TakeBadRow bad_row = {});

  const Columns& columns() const { return columns_; }

  /// Rows added from here on are of `file`, which has this index.
  void StartFile(size_t index, const DataFile& file);

  /// Rows still to come: the reader stops at 0.
  int64_t room() const { return max_rows_ - num_rows_ - num_bad_rows_; }

  /// `text_pair` and `label` are taken if there are such columns. Throws RowError for a text or a name that
  /// is not UTF-8 or too long.
  void Add(int64_t row, std::string_view text, std::string_view text_pair, RawLabel label);

  /// Whether a row that cannot be used is to be left out.
  bool skips() const { return bad_row_ != nullptr; }

  /// Counts a row as read and left out, or throws it.
  void Skip(const RowError& error);

  /// Calls `add`, which adds one row; a RowError that it throws goes to Skip.
  template <typename F>
  void Guard(F&& add) {
    try {
      add();
    } catch (const RowError& error) {
      Skip(error);
    }
  }

  /// Hands out what is there of the file.
  void Flush();

 private:
  void CheckText(int64_t row, std::string_view text, const std::string& column) const;
  void CheckLabel(int64_t row, const RawLabel& label) const;

  Columns columns_;
  int64_t max_rows_;
  std::function<void(RowBatch&)> consume_;
  TakeBadRow bad_row_;
  int64_t num_rows_ = 0;
  int64_t num_bad_rows_ = 0;
  std::string path_;
  RowBatch batch_;
};

/// The one index of `wanted` in the names of a file's columns. Throws Error naming the columns if it is not
/// there or there twice.
size_t FindColumn(const std::string& path, const std::vector<std::string>& names, const std::string& wanted);

}  // namespace gemtune::data
