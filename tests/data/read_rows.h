#pragma once

#include <string>
#include <vector>

#include "gemtune/data/table.h"

namespace gemtune::data {

/// One row of ReadTable's batches.
struct Row {
  size_t file = 0;
  int64_t row = 0;
  std::string text;
  std::string text_pair;
  RawLabel label;
  bool operator==(const Row&) const = default;
};

/// All rows; where `bad` is given, the messages of those that were skipped go there.
inline std::vector<Row> ReadRows(const std::vector<DataFile>& files, const Columns& columns,
                                 int64_t max_rows = 0, std::vector<std::string>* bad = nullptr,
                                 char csv_delimiter = '\0') {
  std::vector<Row> rows;
  const auto take = [&](RowBatch& batch) {
    const auto texts = batch.text.Views();
    const auto pairs = batch.text_pair.Views();
    for (size_t i = 0; i < batch.rows.size(); ++i) {
      rows.push_back({batch.file, batch.rows[i], std::string(texts[i]),
                      pairs.empty() ? "" : std::string(pairs[i]),
                      batch.labels.empty() ? RawLabel() : batch.labels[i]});
    }
  };
  const auto skip = [&](const RowError& error, int64_t) { bad->emplace_back(error.what()); };
  ReadTable(files, columns, max_rows, take,
            {.bad_row = bad == nullptr ? TakeBadRow() : TakeBadRow(skip), .csv_delimiter = csv_delimiter});
  return rows;
}

inline Columns Named(const std::string& text, const std::string& label = "",
                     const std::string& text_pair = "") {
  return {text, text_pair, label};
}

inline const Columns kTextAndLabel = Named("text", "label");

}  // namespace gemtune::data
