#include "gemtune/data/labels/labels.h"

#include <algorithm>
#include <iterator>

#include "gemtune/base/error.h"

namespace gemtune::data {

void RawLabels::Append(RowBatch& batch) {
  for (const int64_t row : batch.rows) places.push_back({static_cast<uint32_t>(batch.file), row});
  std::move(batch.labels.begin(), batch.labels.end(), std::back_inserter(values));
}

int64_t LabelWidth(LabelKind kind, const LabelSet& labels) {
  switch (kind) {
    case LabelKind::kNone:
      return 0;
    case LabelKind::kSingle:
      return 1;
    case LabelKind::kMultiLabel:
      return std::ssize(labels.names);
    case LabelKind::kRegression:
      return std::max<int64_t>(1, std::ssize(labels.names));
  }
  GEMTUNE_CHECK(false);
}

std::string SourceOf(const std::vector<DataFile>& files) {
  return files.at(0).path.string() + (files.size() > 1 ? " and the other files" : "");
}

size_t LeastClasses(LabelKind kind) {
  return kind == LabelKind::kMultiLabel ? 1 : 2;
}

}  // namespace gemtune::data
