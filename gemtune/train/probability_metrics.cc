#include "gemtune/train/probability_metrics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/parallel.h"

namespace gemtune::train {
namespace {

// scikit-learn's: a probability of 0 or 1 would make an infinite loss.
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

double LogLoss(double probability) {
  return -std::log(std::clamp(probability, kEpsilon, 1 - kEpsilon));
}

double Sigmoid(double logit) {
  return 1 / (1 + std::exp(-logit));
}

// Of one row. Two rows whose logits differ by the same amounts have the same probabilities to the last bit,
// so that they are ties.
class Softmax {
 public:
  explicit Softmax(std::span<const float> logits) : largest_(*std::ranges::max_element(logits)) {
    for (const float logit : logits) sum_ += std::exp(logit - largest_);
  }
  double operator()(float logit) const { return std::exp(logit - largest_) / sum_; }

 private:
  double largest_, sum_ = 0;
};

// Of a model that computes no numbers any more there is nothing to say.
bool AreFinite(std::span<const float> logits) {
  return std::ranges::all_of(logits, [](float logit) { return std::isfinite(logit); });
}

// One class against the rest: its probability for each example, and which examples are of it.
struct OneClass {
  std::vector<double> probabilities;
  std::vector<bool> is_positive;

  int64_t positives() const { return std::ranges::count(is_positive, true); }
  int64_t negatives() const { return std::ssize(is_positive) - positives(); }
};

// The classes of either kind of labels, seen alike.
struct Classes {
  std::vector<size_t> measured;  // of two that exclude each other the second
  std::function<OneClass(size_t c)> one;
};

Classes Exclusive(std::span<const float> logits, std::span<const int64_t> targets,
                  std::span<const Softmax> rows, size_t classes) {
  std::vector<size_t> measured(classes);
  std::iota(measured.begin(), measured.end(), size_t{0});
  if (classes == 2) measured = {1};
  return {.measured = measured, .one = [=](size_t c) {
            OneClass one;
            for (size_t row = 0; row < targets.size(); ++row) {
              one.probabilities.push_back(rows[row](logits[row * classes + c]));
              one.is_positive.push_back(static_cast<size_t>(targets[row]) == c);
            }
            return one;
          }};
}

Classes Independent(std::span<const float> logits, std::span<const uint8_t> targets, size_t labels) {
  std::vector<size_t> measured(labels);
  std::iota(measured.begin(), measured.end(), size_t{0});
  return {.measured = measured, .one = [=](size_t c) {
            OneClass one;
            for (size_t i = c; i < targets.size(); i += labels) {
              one.probabilities.push_back(Sigmoid(logits[i]));
              one.is_positive.push_back(targets[i] != 0);
            }
            return one;
          }};
}

struct Ranking {
  std::optional<double> auroc;
  std::optional<double> average_precision;
};

// Goes down the examples from the most to the least probable.
Ranking Rank(const OneClass& one) {
  const auto positives = static_cast<double>(one.positives()),
             negatives = static_cast<double>(one.negatives());
  if (positives == 0 || negatives == 0) return {};
  std::vector<size_t> order(one.probabilities.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, std::ranges::greater(), [&](size_t i) { return one.probabilities[i]; });
  double above_positives = 0, above_negatives = 0, area = 0, average_precision = 0;
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double tied_positives = 0, tied_negatives = 0;
    for (; end < order.size() && one.probabilities[order[end]] == one.probabilities[order[begin]]; ++end)
      ++(one.is_positive[order[end]] ? tied_positives : tied_negatives);
    // For each of the tied negatives all positives above are ranked right, and those beside it half.
    area += tied_negatives * (above_positives + tied_positives / 2);
    above_positives += tied_positives;
    above_negatives += tied_negatives;
    average_precision += tied_positives / positives * (above_positives / (above_positives + above_negatives));
  }
  return {.auroc = area / (positives * negatives), .average_precision = average_precision};
}

// Each takes a sorting of all examples.
std::vector<Ranking> RankAll(const Classes& classes) {
  std::vector<Ranking> rankings(classes.measured.size());
  ParallelForEach(std::ssize(rankings), [&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    rankings[at] = Rank(classes.one(classes.measured[at]));
  });
  return rankings;
}

Metrics MeanOf(const std::vector<Ranking>& rankings, std::optional<double> Ranking::*value) {
  double sum = 0, count = 0;
  for (const Ranking& ranking : rankings) {
    sum += (ranking.*value).value_or(0);
    count += (ranking.*value).has_value();
  }
  return count > 0 ? Metrics(sum / count) : Metrics(nullptr);
}

// A bin of a reliability diagram: predictions whose confidence is in (b, b + 1] / kCalibrationBins.
struct CalibrationBin {
  int64_t count = 0;
  double confidence_sum = 0;
  int64_t right = 0;
};

using CalibrationBins = std::vector<CalibrationBin>;

void Add(CalibrationBins& bins, double confidence, bool is_right) {
  const double place = std::ceil(confidence * static_cast<double>(kCalibrationBins)) - 1;
  CalibrationBin& bin =
      bins[static_cast<size_t>(std::clamp(place, 0.0, static_cast<double>(kCalibrationBins - 1)))];
  ++bin.count;
  bin.confidence_sum += confidence;
  bin.right += is_right;
}

// The likeliest class of an example that has just one.
struct Guess {
  size_t row, predicted;
  double probability;
  bool is_right;
};

CalibrationBins BinsOf(const std::vector<Guess>& guesses) {
  CalibrationBins bins(kCalibrationBins);
  for (const Guess& guess : guesses) Add(bins, guess.probability, guess.is_right);
  return bins;
}

// Of one label: whether it holds or not is predicted with the probability of the likelier.
CalibrationBins BinsOf(const OneClass& one) {
  CalibrationBins bins(kCalibrationBins);
  for (size_t i = 0; i < one.probabilities.size(); ++i) {
    const double p = one.probabilities[i];
    Add(bins, std::max(p, 1 - p), (p > 0.5) == one.is_positive[i]);
  }
  return bins;
}

double ExpectedCalibrationError(const CalibrationBins& bins, size_t count) {
  double sum = 0;
  for (const CalibrationBin& bin : bins)
    sum += std::fabs(static_cast<double>(bin.right) - bin.confidence_sum);
  return sum / static_cast<double>(count);
}

Metrics Table(const CalibrationBins& bins) {
  Metrics table = Metrics::array();
  for (const CalibrationBin& bin : bins) {
    const auto count = static_cast<double>(bin.count);
    Metrics row = {{"count", bin.count}, {"confidence", nullptr}, {"accuracy", nullptr}};
    if (bin.count > 0) {
      row["confidence"] = bin.confidence_sum / count;
      row["accuracy"] = static_cast<double>(bin.right) / count;
    }
    table.push_back(std::move(row));
  }
  return table;
}

// Examples with p >= threshold, for every threshold.
std::vector<int64_t> CountAbove(const OneClass& one, bool positive) {
  std::vector<int64_t> counts(kThresholds);
  for (size_t i = 0; i < one.probabilities.size(); ++i) {
    if (one.is_positive[i] != positive) continue;
    const double place = std::floor(one.probabilities[i] * static_cast<double>(kThresholds - 1));
    ++counts[static_cast<size_t>(std::clamp(place, 0.0, static_cast<double>(kThresholds - 1)))];
  }
  for (size_t i = kThresholds - 1; i > 0; --i) counts[i - 1] += counts[i];
  return counts;
}

Metrics Curves(const Classes& classes, const std::vector<std::string>& names) {
  Metrics curves = Metrics::object();
  for (const size_t c : classes.measured) {
    const OneClass one = classes.one(c);
    curves[names[c]] = {{"positives", one.positives()},
                        {"negatives", one.negatives()},
                        {"true_positives", CountAbove(one, true)},
                        {"false_positives", CountAbove(one, false)}};
  }
  return curves;
}

Metrics MostWrong(std::vector<Guess> guesses, std::span<const int64_t> targets,
                  const std::vector<std::string>& names) {
  std::erase_if(guesses, [](const Guess& guess) { return guess.is_right; });
  std::ranges::stable_sort(guesses, std::ranges::greater(), &Guess::probability);
  guesses.resize(std::min(guesses.size(), kMostWrong));
  Metrics list = Metrics::array();
  for (const Guess& wrong : guesses)
    list.push_back({{"row", wrong.row},
                    {"true", names[static_cast<size_t>(targets[wrong.row])]},
                    {"predicted", names[wrong.predicted]},
                    {"probability", wrong.probability}});
  return list;
}

Metrics Named(double log_loss, double brier, const std::vector<Ranking>& rankings, double calibration_error) {
  return {{"log_loss", log_loss},
          {"brier", brier},
          {"auroc", MeanOf(rankings, &Ranking::auroc)},
          {"average_precision", MeanOf(rankings, &Ranking::average_precision)},
          {"expected_calibration_error", calibration_error}};
}

Metrics Unknown() {
  Metrics metrics;
  for (const std::string& name : ProbabilityMetricNames()) metrics[name] = nullptr;
  return metrics;
}

}  // namespace

const std::vector<std::string>& ProbabilityMetricNames() {
  static const std::vector<std::string> names = {"log_loss", "brier", "auroc", "average_precision",
                                                 "expected_calibration_error"};
  return names;
}

Metrics ProbabilityMetrics(std::span<const float> logits, std::span<const int64_t> targets,
                           const std::vector<std::string>& names) {
  const size_t classes = names.size();
  GEMTUNE_CHECK(!targets.empty() && classes > 1 && logits.size() == targets.size() * classes);
  if (!AreFinite(logits)) return Unknown();
  std::vector<Softmax> rows;
  std::vector<Guess> guesses;
  double log_loss = 0, brier = 0;
  for (size_t row = 0; row < targets.size(); ++row) {
    const auto of_row = logits.subspan(row * classes, classes);
    const auto target = static_cast<size_t>(targets[row]);
    const Softmax& softmax = rows.emplace_back(of_row);
    double squares = 0;
    for (size_t c = 0; c < classes; ++c) {
      const double missed = (c == target) - softmax(of_row[c]);
      squares += missed * missed;
    }
    brier += classes == 2 ? squares / 2 : squares;
    log_loss += LogLoss(softmax(of_row[target]));
    const auto likeliest = std::ranges::max_element(of_row);
    const auto predicted = static_cast<size_t>(likeliest - of_row.begin());
    guesses.push_back({row, predicted, softmax(*likeliest), predicted == target});
  }
  const auto n = static_cast<double>(targets.size());
  const Classes all = Exclusive(logits, targets, rows, classes);
  const CalibrationBins bins = BinsOf(guesses);
  Metrics metrics =
      Named(log_loss / n, brier / n, RankAll(all), ExpectedCalibrationError(bins, targets.size()));
  metrics["calibration"] = Table(bins);
  metrics["most_wrong"] = MostWrong(std::move(guesses), targets, names);
  if (classes <= kCurves) metrics["pr_curves"] = Curves(all, names);
  return metrics;
}

Metrics MultiLabelProbabilityMetrics(std::span<const float> logits, std::span<const uint8_t> targets,
                                     const std::vector<std::string>& names) {
  const size_t labels = names.size();
  GEMTUNE_CHECK(!targets.empty() && targets.size() == logits.size() && logits.size() % labels == 0);
  if (!AreFinite(logits)) return Unknown();
  double log_loss = 0, brier = 0, calibration_error = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const double p = Sigmoid(targets[i] != 0 ? logits[i] : -logits[i]);
    log_loss += LogLoss(p);
    brier += (1 - p) * (1 - p);
  }
  const Classes all = Independent(logits, targets, labels);
  CalibrationBins bins(kCalibrationBins);  // of all labels together
  for (const size_t c : all.measured) {
    const CalibrationBins of_label = BinsOf(all.one(c));
    calibration_error += ExpectedCalibrationError(of_label, targets.size());
    for (size_t b = 0; b < bins.size(); ++b) {
      bins[b].count += of_label[b].count;
      bins[b].confidence_sum += of_label[b].confidence_sum;
      bins[b].right += of_label[b].right;
    }
  }
  const auto n = static_cast<double>(targets.size());
  Metrics metrics = Named(log_loss / n, brier / n, RankAll(all), calibration_error);
  metrics["calibration"] = Table(bins);
  if (labels <= kCurves) metrics["pr_curves"] = Curves(all, names);
  return metrics;
}

}  // namespace gemtune::train
