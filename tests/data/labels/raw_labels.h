#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gemtune/data/labels/encode_labels.h"
#include "gemtune/data/labels/find_labels.h"
#include "tests/support/message_of.h"

namespace gemtune::data {

using List = std::vector<RawClass>;
using Names = std::vector<std::string>;

/// Rows 1, 2, ... of one file a column.
inline RawLabels Raw(const std::vector<std::vector<RawLabel>>& columns) {
  RawLabels raw;
  for (const std::vector<RawLabel>& values : columns) {
    const auto file = static_cast<uint32_t>(raw.files.size());
    raw.files.push_back(FileOfPath(fmt::format("{}.csv", static_cast<char>('a' + file))));
    raw.schemas.emplace_back();
    for (size_t i = 0; i < values.size(); ++i) {
      raw.values.push_back(values[i]);
      raw.places.push_back({file, static_cast<int64_t>(i) + 1});
    }
  }
  return raw;
}

inline RawLabels Fields(const std::vector<std::string>& fields) {
  std::vector<RawLabel> values;
  values.reserve(fields.size());
  for (const std::string& field : fields) values.emplace_back(CsvField{field});
  return Raw({values});
}

inline RawLabels Integers(const std::vector<int64_t>& integers) {
  return Raw({std::vector<RawLabel>(integers.begin(), integers.end())});
}

/// The classes that training data has.
inline Names FoundNames(const RawLabels& raw, LabelKind kind = LabelKind::kSingle, BadRows* bad = nullptr) {
  return FindLabels(raw, kind, bad).ids.labels().names;
}

/// The values of labels of these classes.
inline std::vector<float> Encoded(const RawLabels& raw, const Names& names,
                                  LabelKind kind = LabelKind::kSingle, BadRows* bad = nullptr) {
  return ReadLabels(raw, {.kind = kind, .labels = LabelSet{names}}, bad).values;
}

inline std::string FindMessage(const RawLabels& raw, LabelKind kind = LabelKind::kSingle) {
  return test::MessageOf([&] { FoundNames(raw, kind); });
}

inline std::string EncodeMessage(const RawLabels& raw, const Names& names,
                                 LabelKind kind = LabelKind::kSingle) {
  return test::MessageOf([&] { Encoded(raw, names, kind); });
}

}  // namespace gemtune::data
