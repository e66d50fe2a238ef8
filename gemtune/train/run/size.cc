#include "gemtune/train/run/size.h"

#include <algorithm>
#include <unordered_set>

#include "gemtune/base/round_up.h"

namespace gemtune::train {
namespace {

constexpr int64_t kEpochsRead = 10;

// How often something is due that happens after every `every` steps and after the last.
int64_t CountDue(int64_t steps, int64_t every) {
  return CeilDiv(steps, every);
}

}  // namespace

RunSize SizeOfRun(const data::Dataset& train, const TrainerOptions& options,
                  const std::function<int64_t(const data::Dataset& dataset, int64_t example)>& count_rows) {
  RunSize size{.steps_per_epoch = StepsPerEpoch(train, options)};
  size.steps = TotalSteps(size.steps_per_epoch, options);
  std::unordered_set<int32_t> distinct;
  int64_t steps_read = 0, tokens_read = 0;
  for (int64_t epoch = 0; epoch < kEpochsRead && steps_read < size.steps; ++epoch) {
    for (const Window& window : EpochWindows(train, options, epoch)) {
      if (steps_read == size.steps) break;
      ++steps_read;
      size.passes_a_step = std::max(size.passes_a_step, std::ssize(window));
      for (const std::vector<int64_t>& pass : window) {
        int64_t tokens = 0, rows = 0;
        for (const int64_t i : pass) {
          tokens += train.length(i);
          rows += count_rows(train, i);
          if (epoch == 0) distinct.insert(train.ids(i).begin(), train.ids(i).end());
        }
        tokens_read += tokens;
        size.pass_rows = std::max(size.pass_rows, rows);
        if (tokens <= size.pass_tokens) continue;
        size.pass_tokens = tokens;
        size.pass_sequences = std::ssize(pass);
      }
    }
  }
  size.tokens = static_cast<int64_t>(static_cast<double>(tokens_read) * static_cast<double>(size.steps) /
                                     static_cast<double>(steps_read));
  size.distinct_tokens = std::ssize(distinct);
  if (options.eval_strategy == IntervalStrategy::kEpoch)
    size.evaluations = CountDue(size.steps, size.steps_per_epoch);
  if (options.eval_strategy == IntervalStrategy::kSteps)
    size.evaluations = CountDue(size.steps, options.eval_steps);
  return size;
}

}  // namespace gemtune::train
