#include "gemtune/train/metrics.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>

#include "gemtune/base/error.h"

namespace gemtune::train {
namespace {

// One class against the rest.
struct Counts {
  int64_t true_positive = 0;
  int64_t false_positive = 0;
  int64_t false_negative = 0;

  void Add(bool target, bool prediction) {
    true_positive += target && prediction;
    false_positive += !target && prediction;
    false_negative += target && !prediction;
  }
  bool Occurs() const { return true_positive + false_positive + false_negative > 0; }
  double Precision() const { return Ratio(true_positive, true_positive + false_positive); }
  double Recall() const { return Ratio(true_positive, true_positive + false_negative); }
  double F1() const { return Ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative); }

  static double Ratio(int64_t part, int64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  }
};

double MeanF1(const std::vector<Counts>& classes) {
  double sum = 0;
  for (const Counts& counts : classes) sum += counts.F1();
  return classes.empty() ? 0.0 : sum / static_cast<double>(classes.size());
}

Metrics PerClass(const std::vector<Counts>& classes, const std::vector<std::string>& names) {
  Metrics::object_t table;  // built by hand: operator[] looks through all keys before it adds one
  for (size_t c = 0; c < classes.size(); ++c) {
    table.emplace_back(names[c], Metrics{{"precision", classes[c].Precision()},
                                         {"recall", classes[c].Recall()},
                                         {"f1", classes[c].F1()},
                                         {"support", classes[c].true_positive + classes[c].false_negative}});
  }
  return table;
}

// Off the diagonal: counts[true · classes + predicted].
using Confusions = std::unordered_map<size_t, int64_t>;

Metrics Matrix(const Confusions& confusions, const std::vector<Counts>& classes) {
  std::vector<std::vector<int64_t>> matrix(classes.size(), std::vector<int64_t>(classes.size(), 0));
  for (size_t c = 0; c < classes.size(); ++c) matrix[c][c] = classes[c].true_positive;
  for (const auto& [cell, count] : confusions) matrix[cell / classes.size()][cell % classes.size()] = count;
  return matrix;
}

// Sorted by frequency, the highest first, then by ids.
Metrics List(const Confusions& confusions, size_t classes, size_t most) {
  std::vector<std::pair<int64_t, size_t>> sorted;
  for (const auto& [cell, count] : confusions) sorted.emplace_back(-count, cell);
  std::sort(sorted.begin(), sorted.end());
  sorted.resize(std::min(sorted.size(), most));
  Metrics list = Metrics::array();
  for (const auto& [negative_count, cell] : sorted)
    list.push_back({cell / classes, cell % classes, -negative_count});
  return list;
}

// The correlation of every `stride`-th number; nullopt if either side is constant.
std::optional<double> Pearson(std::span<const float> targets, std::span<const float> predictions,
                              size_t stride) {
  const size_t count = (targets.size() + stride - 1) / stride;
  const auto n = static_cast<double>(count);
  double mean_target = 0, mean_prediction = 0;
  for (size_t i = 0; i < targets.size(); i += stride) {
    mean_target += targets[i] / n;
    mean_prediction += predictions[i] / n;
  }
  double covariance = 0, variance_target = 0, variance_prediction = 0;
  for (size_t i = 0; i < targets.size(); i += stride) {
    const double t = targets[i] - mean_target, p = predictions[i] - mean_prediction;
    covariance += t * p;
    variance_target += t * t;
    variance_prediction += p * p;
  }
  const double spread = std::sqrt(variance_target * variance_prediction);
  return spread > 0 ? std::optional(covariance / spread) : std::nullopt;
}

constexpr size_t kShownClasses = 20, kWorst = 10;
constexpr const char* kForCharts[] = {"calibration", "pr_curves", "most_wrong"};  // hundreds of numbers

Metrics WorstClasses(const Metrics& per_class) {
  std::vector<std::pair<double, std::string>> sorted;
  for (const auto& [name, of_class] : per_class.items()) {
    if (of_class["support"] != 0) sorted.emplace_back(of_class["f1"].get<double>(), name);
  }
  std::sort(sorted.begin(), sorted.end());
  sorted.resize(std::min(sorted.size(), kWorst));
  Metrics worst = Metrics::object();
  for (const auto& [f1, name] : sorted) worst[name] = per_class[name];
  return worst;
}

// [[true id, predicted id, count], ...] from either form of the confusions.
Metrics WorstConfusions(const Metrics& metrics) {
  if (metrics.contains("confusions")) return metrics["confusions"];
  const Metrics& matrix = metrics["confusion_matrix"];
  Confusions confusions;
  for (size_t target = 0; target < matrix.size(); ++target) {
    for (size_t prediction = 0; prediction < matrix.size(); ++prediction) {
      const auto count = matrix[target][prediction].get<int64_t>();
      if (count > 0 && target != prediction) confusions[target * matrix.size() + prediction] = count;
    }
  }
  return List(confusions, matrix.size(), kWorst);
}

void Print(const Metrics& value, size_t indent, std::string& out) {
  const bool is_row = value.is_array() && std::all_of(value.begin(), value.end(), [](const Metrics& item) {
                        return item.is_primitive();
                      });
  if (is_row && !value.empty()) {
    std::string separator = "[";
    for (const Metrics& item : value) out += std::exchange(separator, ", ") + item.dump();
    out += "]";
  } else if (!value.is_structured() || value.empty()) {
    out += value.dump();
  } else {
    out += value.is_array() ? "[" : "{";
    std::string separator = "\n";
    for (const auto& [key, item] : value.items()) {
      out += std::exchange(separator, ",\n") + std::string(indent + 2, ' ');
      if (value.is_object()) out += Metrics(key).dump() + ": ";
      Print(item, indent + 2, out);
    }
    out += "\n" + std::string(indent, ' ') + (value.is_array() ? "]" : "}");
  }
}

}  // namespace

Metrics SingleLabelMetrics(std::span<const int64_t> targets, std::span<const int64_t> predictions,
                           const std::vector<std::string>& names) {
  GEMTUNE_CHECK(targets.size() == predictions.size());
  Confusions confusions;
  std::vector<Counts> classes(names.size());
  int64_t right = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const auto target = static_cast<size_t>(targets[i]), prediction = static_cast<size_t>(predictions[i]);
    GEMTUNE_CHECK(target < names.size() && prediction < names.size());
    if (target == prediction) {
      ++right;
      ++classes[target].true_positive;
    } else {
      ++classes[target].false_negative;
      ++classes[prediction].false_positive;
      ++confusions[target * names.size() + prediction];
    }
  }
  std::vector<Counts> occurring;
  std::copy_if(classes.begin(), classes.end(), std::back_inserter(occurring),
               [](const Counts& c) { return c.Occurs(); });
  constexpr size_t kMostConfusions = 100'000;
  Metrics metrics = {{"accuracy", Counts::Ratio(right, static_cast<int64_t>(targets.size()))},
                     {"macro_f1", MeanF1(occurring)},
                     {"per_class", PerClass(classes, names)}};
  if (names.size() <= kMatrixClasses) {
    metrics["confusion_matrix"] = Matrix(confusions, classes);
  } else {
    metrics["confusions"] = List(confusions, names.size(), kMostConfusions);
  }
  return metrics;
}

Metrics MultiLabelMetrics(std::span<const uint8_t> targets, std::span<const uint8_t> predictions,
                          const std::vector<std::string>& names) {
  GEMTUNE_CHECK(targets.size() == predictions.size() && targets.size() % names.size() == 0);
  std::vector<Counts> classes(names.size());
  Counts all;
  int64_t rows_right = 0;
  for (size_t row = 0; row < targets.size(); row += names.size()) {
    bool right = true;
    for (size_t c = 0; c < names.size(); ++c) {
      const bool target = targets[row + c] != 0, prediction = predictions[row + c] != 0;
      classes[c].Add(target, prediction);
      all.Add(target, prediction);
      right = right && target == prediction;
    }
    rows_right += right;
  }
  const auto rows = static_cast<int64_t>(targets.size() / names.size());
  return {{"accuracy", Counts::Ratio(rows_right, rows)},
          {"micro_f1", all.F1()},
          {"macro_f1", MeanF1(classes)},
          {"per_class", PerClass(classes, names)}};
}

Metrics RegressionMetrics(std::span<const float> targets, std::span<const float> predictions,
                          size_t outputs) {
  GEMTUNE_CHECK(targets.size() == predictions.size() && !targets.empty() && targets.size() % outputs == 0);
  const auto numbers = static_cast<double>(targets.size());
  double squared = 0, absolute = 0, pearson = 0, correlated = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const double difference = static_cast<double>(predictions[i]) - targets[i];
    squared += difference * difference;
    absolute += std::fabs(difference);
  }
  for (size_t output = 0; output < outputs; ++output) {
    const std::optional<double> r = Pearson(targets.subspan(output), predictions.subspan(output), outputs);
    pearson += r.value_or(0);
    correlated += r ? 1 : 0;
  }
  Metrics metrics = {{"mse", squared / numbers}, {"mae", absolute / numbers}};
  metrics["pearson"] = correlated > 0 ? Metrics(pearson / correlated) : Metrics(nullptr);
  return metrics;
}

Metrics Concise(const Metrics& all) {
  Metrics metrics = all;
  for (const std::string table : kForCharts) metrics.erase(table);
  const auto per_class = metrics.find("per_class");
  if (per_class == metrics.end() || per_class->size() <= kShownClasses) return metrics;
  Metrics concise;
  for (const auto& [name, value] : metrics.items()) {
    if (!value.is_structured()) concise[name] = value;
  }
  concise["worst_classes"] = WorstClasses(*per_class);
  if (!metrics.contains("confusions") && !metrics.contains("confusion_matrix")) return concise;
  std::vector<std::string> names;
  for (const auto& [name, unused] : per_class->items()) names.push_back(name);
  Metrics& worst = concise["worst_confusions"] = Metrics::array();
  for (const Metrics& confusion : WorstConfusions(metrics)) {
    if (worst.size() == kWorst) break;
    worst.push_back({{"true", names[confusion[0].get<size_t>()]},
                     {"predicted", names[confusion[1].get<size_t>()]},
                     {"count", confusion[2]}});
  }
  return concise;
}

std::string Text(const Metrics& metrics) {
  std::string text;
  Print(metrics, 0, text);
  return text;
}

}  // namespace gemtune::train
