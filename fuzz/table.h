#pragma once

#include <string>

#include "fuzz/fuzz.h"
#include "gemtune/data/labels.h"
#include "gemtune/data/table.h"

namespace gemtune::fuzz {

/// Reads the input as a data file of that name: all rows, and their labels as each kind of label.
inline int ReadRows(const std::string& name, const uint8_t* data, size_t size,
                    const data::Columns& columns = {"text", "", "label"}) {
  const data::DataFile file = data::FileOfPath(Write(name, data, size));
  for (const auto kind :
       {data::LabelKind::kSingle, data::LabelKind::kMultiLabel, data::LabelKind::kRegression}) {
    Run([&] {
      data::RawLabels raw;
      raw.files = {file};
      raw.schemas = data::ReadTable({file}, columns, 0, [&](data::RowBatch& batch) { raw.Append(batch); });
      data::EncodeLabels(raw, kind, data::FindLabels(raw, kind));
    });
  }
  return 0;
}

}  // namespace gemtune::fuzz
