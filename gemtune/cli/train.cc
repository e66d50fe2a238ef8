#include "gemtune/cli/train.h"

#include <functional>
#include <iostream>

#include "gemtune/base/log.h"
#include "gemtune/cli/dry_run.h"
#include "gemtune/cli/next_command.h"
#include "gemtune/train/report/report.h"

namespace gemtune::cli {
namespace {

// Once training starts, a signal asks for a clean end; before that there is nothing to save.
class WhenTrainingStarts : public train::Observer {
 public:
  explicit WhenTrainingStarts(std::function<void()> act) : act_(std::move(act)) {}
  void OnStart(const train::RunReport&) override { act_(); }

 private:
  std::function<void()> act_;
};

}  // namespace

void Train::Declare(OptionSet& options) {
  options_.Declare(options, /*needs_output_dir=*/true);
}

void Train::EndBySignal(const std::string& output_dir, int64_t step) const {
  const int signal = signals_->received();
  log::Info("stopped by {} after step {}; to resume:", SignalName(signal), step);
  log::Info("  {}", ResumeCommand(output_dir));
  throw StoppedBySignal{signal};
}

void Train::Fit(train::Run& run) {
  WhenTrainingStarts listen([this] { signals_.emplace(); });
  train::ConsoleObserver console(log::ShowsProgress(), run.options().trainer.logging_steps);
  const std::string output_dir = run.options().output_dir.string();
  train::RunResult result = run.Train({&listen, &console});
  if (result.is_stopped) EndBySignal(output_dir, result.state.steps);
  for (const char* part : {"validation", "test"}) {
    if (result.summary.contains(part)) result.summary[part] = train::Concise(result.summary[part]);
  }
  std::cout << train::Text(result.summary) << std::endl;
  if (result.summary.contains("test")) log::Info("test {}", train::Numbers(result.summary["test"]));
  log::Info("model saved in {}", output_dir);
  if (run.options().ReportsTo("html"))
    log::Info("how it went: {}", (run.options().output_dir / train::ReportObserver::kPage).string());
  log::Info("to try it:");
  log::Info("  {}", UseCommand(output_dir, train::TaskOf(run.options()).name));
}

void Train::Run(const OptionSet& options) {
  train::RunOptions asked = options_.Checked(options);
  if (options_.dry_run()) asked.output_dir.clear();
  options_.machine().Apply();
  train::Run run(asked, options_.Record(options),
                 {.stop_requested = [this] { return signals_ && signals_->received() != 0; },
                  .progress = CountingProgress});
  if (options_.dry_run()) run.plan().Log();
  run.plan().LogMemory();
  options_.machine().FitThreads(run.plan().pass_flops());
  run.LoadModel();
  options_.dry_run() ? PrintPlan(run) : Fit(run);
}

}  // namespace gemtune::cli
