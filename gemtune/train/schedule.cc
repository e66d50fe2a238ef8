#include "gemtune/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "gemtune/base/error.h"

namespace gemtune::train {
namespace {

// The input of a curve: steps done since the warm-up ended, and their total; `warmup` is the time scale of
// inverse_sqrt.
struct Place {
  double done;
  double span;
  double warmup;
  double peak;
};

using Curve = double (*)(const Place&);

double Linear(const Place& at) {
  return std::max(0.0, 1.0 - at.done / at.span);
}

double Cosine(const Place& at) {
  return std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(1.0, at.done / at.span))));
}

double Constant(const Place&) {
  return 1.0;
}

double InverseSqrt(const Place& at) {
  const double timescale = at.warmup > 0 ? at.warmup : 10'000.0;
  return 1.0 / std::sqrt((at.done + timescale) / timescale);
}

// transformers' defaults: power 1, down to a learning rate of 1e-7.
double Polynomial(const Place& at) {
  const double end = std::min(1.0, 1e-7 / at.peak);
  return at.done >= at.span ? end : (1.0 - end) * (1.0 - at.done / at.span) + end;
}

const std::map<std::string, Curve>& Curves() {
  static const std::map<std::string, Curve> curves = {{"linear", Linear},
                                                      {"cosine", Cosine},
                                                      {"constant", Constant},
                                                      {"constant_with_warmup", Constant},
                                                      {"inverse_sqrt", InverseSqrt},
                                                      {"polynomial", Polynomial}};
  return curves;
}

}  // namespace

double Schedule::Factor(int64_t step, double peak_learning_rate) const {
  const auto curve = Curves().find(type);
  GEMTUNE_CHECK(curve != Curves().end());
  if (step < warmup_steps) return static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  return curve->second({.done = static_cast<double>(step - warmup_steps),
                        .span = static_cast<double>(std::max<int64_t>(1, total_steps - warmup_steps)),
                        .warmup = static_cast<double>(warmup_steps),
                        .peak = peak_learning_rate});
}

const std::vector<std::string>& ScheduleTypes() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, curve] : Curves()) all.push_back(name);
    return all;
  }();
  return names;
}

}  // namespace gemtune::train
