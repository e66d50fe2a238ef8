#pragma once

#include <string>

#include "fuzz/fuzz.h"
#include "gemtune/data/labels/encode_labels.h"
#include "gemtune/data/table.h"

namespace gemtune::fuzz {

/// Reads the input as a data file of that name: all rows, and their labels as each kind of label.
inline int ReadRows(const std::string& name, const uint8_t* data, size_t size,
                    const data::Columns& columns = {"text", "", "label"}) {
  data::RawLabels raw;
  raw.files = {data::FileOfPath(Write(name, data, size))};
  Run([&] {
    raw.schemas = data::ReadTable(raw.files, columns, 0, [&](data::RowBatch& batch) { raw.Append(batch); });
    for (const auto kind :
         {data::LabelKind::kSingle, data::LabelKind::kMultiLabel, data::LabelKind::kRegression}) {
      Run([&] { data::ReadLabels(raw, {.kind = kind}); });
    }
  });
  return 0;
}

}  // namespace gemtune::fuzz
