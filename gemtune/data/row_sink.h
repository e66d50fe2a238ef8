#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gemtune/data/table.h"

namespace gemtune::data {

/// Receives the rows from the readers of all formats: checks the text, fills batches, counts rows up to the
/// limit.
class RowSink {
 public:
  /// `max_rows` over all files, including bad rows; 0: no limit. See ReadTable for `bad_row`.
  RowSink(Columns columns, int64_t max_rows, std::function<void(RowBatch&)> consume, TakeBadRow bad_row = {});

  const Columns& columns() const { return columns_; }

  /// Columns::Names.
  const std::vector<std::string>& names() const { return names_; }

  /// Rows added from now on belong to `file`, which has this index.
  void StartFile(size_t index, const DataFile& file);

  /// How many more rows are wanted; the reader stops at 0.
  int64_t room() const { return max_rows_ - num_rows_ - num_bad_rows_; }

  /// `text_pair`, `label` and `loss_weight` are used if these columns are wanted. Throws RowError for a text
  /// or a name that is not UTF-8 or too long.
  void Add(int64_t row, std::string_view text, std::string_view text_pair, RawLabel label,
           RawLabel loss_weight = {});

  /// For a sink of conversations. Throws RowError as Add does.
  void AddConversation(int64_t row, std::vector<text::ChatMessage> messages);

  /// Whether rows that cannot be used are skipped.
  bool skips() const { return bad_row_ != nullptr; }

  /// Counts a row as read and skipped, or throws the error.
  void Skip(const RowError& error);

  /// Calls `add`, which adds one row, and passes a RowError that it throws to Skip.
  template <typename F>
  void Guard(F&& add) {
    try {
      add();
    } catch (const RowError& error) {
      Skip(error);
    }
  }

  /// Hands out the rows of the file collected so far.
  void Flush();

 private:
  void CheckText(int64_t row, std::string_view text, const std::string& column) const;
  void CountRow(int64_t row, int64_t bytes);
  void CheckLabel(int64_t row, const RawLabel& label) const;

  Columns columns_;
  std::vector<std::string> names_;
  int64_t max_rows_;
  std::function<void(RowBatch&)> consume_;
  TakeBadRow bad_row_;
  int64_t num_rows_ = 0;
  int64_t num_bad_rows_ = 0;
  std::string path_;
  RowBatch batch_;
  int64_t batch_bytes_ = 0;
};

/// The index of `wanted` in the names of a file's columns. Throws an Error that lists the columns if it is
/// missing or occurs twice.
size_t FindColumn(const std::string& path, const std::vector<std::string>& names, const std::string& wanted);

}  // namespace gemtune::data
