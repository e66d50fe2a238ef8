#include "gemtune/train/metrics.h"

#include <algorithm>
#include <cmath>
#include <iterator>

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
  Metrics table = Metrics::object();
  for (size_t c = 0; c < classes.size(); ++c) {
    table[names[c]] = {{"precision", classes[c].Precision()},
                       {"recall", classes[c].Recall()},
                       {"f1", classes[c].F1()},
                       {"support", classes[c].true_positive + classes[c].false_negative}};
  }
  return table;
}

}  // namespace

Metrics SingleLabelMetrics(std::span<const int64_t> targets, std::span<const int64_t> predictions,
                           const std::vector<std::string>& names) {
  GEMTUNE_CHECK(targets.size() == predictions.size());
  std::vector<std::vector<int64_t>> confusion(names.size(), std::vector<int64_t>(names.size(), 0));
  std::vector<Counts> classes(names.size());
  int64_t right = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const auto target = static_cast<size_t>(targets[i]), prediction = static_cast<size_t>(predictions[i]);
    ++confusion.at(target).at(prediction);
    if (target == prediction) {
      ++right;
      ++classes[target].true_positive;
    } else {
      ++classes[target].false_negative;
      ++classes[prediction].false_positive;
    }
  }
  std::vector<Counts> occurring;
  std::copy_if(classes.begin(), classes.end(), std::back_inserter(occurring),
               [](const Counts& c) { return c.Occurs(); });
  return {{"accuracy", Counts::Ratio(right, static_cast<int64_t>(targets.size()))},
          {"macro_f1", MeanF1(occurring)},
          {"per_class", PerClass(classes, names)},
          {"confusion_matrix", confusion}};
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

Metrics RegressionMetrics(std::span<const float> targets, std::span<const float> predictions) {
  GEMTUNE_CHECK(targets.size() == predictions.size() && !targets.empty());
  const auto n = static_cast<double>(targets.size());
  double squared = 0, absolute = 0, mean_target = 0, mean_prediction = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const double difference = static_cast<double>(predictions[i]) - targets[i];
    squared += difference * difference;
    absolute += std::fabs(difference);
    mean_target += targets[i] / n;
    mean_prediction += predictions[i] / n;
  }
  double covariance = 0, variance_target = 0, variance_prediction = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const double t = targets[i] - mean_target, p = predictions[i] - mean_prediction;
    covariance += t * p;
    variance_target += t * t;
    variance_prediction += p * p;
  }
  const double spread = std::sqrt(variance_target * variance_prediction);
  Metrics metrics = {{"mse", squared / n}, {"mae", absolute / n}};
  metrics["pearson"] = spread > 0 ? Metrics(covariance / spread) : Metrics(nullptr);
  return metrics;
}

}  // namespace gemtune::train
