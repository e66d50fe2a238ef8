#include "gemtune/model/head_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemtune/base/error.h"

namespace gemtune::model {
namespace {

constexpr const char* kRegression = "regression";

}  // namespace

bool HasDefaultNames(const ClassifierHead& head) {
  for (size_t id = 0; id < head.label_names.size(); ++id) {
    if (head.label_names[id] != fmt::format("LABEL_{}", id)) return false;
  }
  return true;
}

std::vector<std::optional<int64_t>> HeadRows(const ClassifierHead& before, const ClassifierHead& now) {
  std::vector<std::optional<int64_t>> rows(now.label_names.size());
  const bool was_regression = before.problem_type == kRegression,
             is_regression = now.problem_type == kRegression;
  if (was_regression != is_regression) return rows;
  // Equal names are matched by id too: a checkpoint may have two classes of the same name.
  const bool by_id = before.label_names == now.label_names ||
                     (before.label_names.size() == now.label_names.size() && HasDefaultNames(before));
  for (size_t id = 0; id < rows.size(); ++id) {
    const auto found = std::ranges::find(before.label_names, now.label_names[id]);
    if (by_id) {
      rows[id] = static_cast<int64_t>(id);
    } else if (!is_regression && found != before.label_names.end()) {
      rows[id] = found - before.label_names.begin();
    }
  }
  return rows;
}

std::string DescribeHead(const ClassifierHead& before, const ClassifierHead& now) {
  const std::vector<std::optional<int64_t>> rows = HeadRows(before, now);
  std::vector<std::string> kept, added, dropped;
  std::vector<bool> is_used(before.label_names.size(), false);
  for (size_t id = 0; id < rows.size(); ++id) {
    (rows[id] ? kept : added).push_back(now.label_names[id]);
    if (rows[id]) is_used[static_cast<size_t>(*rows[id])] = true;
  }
  for (size_t id = 0; id < is_used.size(); ++id) {
    if (!is_used[id]) dropped.push_back(before.label_names[id]);
  }
  if (kept.empty()) {
    return fmt::format("head: starts from zero; the model's ({}, {}) is not used", before.problem_type,
                       Listed(before.label_names));
  }
  std::string text = fmt::format("head: continues with the model's {}", Listed(kept));
  if (!added.empty()) text += fmt::format("; {} begin at zero", Listed(added));
  if (!dropped.empty()) text += fmt::format("; {} left out", Listed(dropped));
  return text;
}

}  // namespace gemtune::model
