#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gemtune/base/stopwatch.h"
#include "gemtune/train/observers.h"

namespace gemtune::train {

/// What the files of a run's directory tell (train_log.jsonl, all_results.json, run.toml, report.json), as a
/// run of page.md. Of more than some thousand steps every n-th. Throws Error if there is no
/// train_log.jsonl, or for a file that is damaged; a line that is still being written ends the log.
nlohmann::ordered_json ReadRun(const std::filesystem::path& directory, bool is_running = false);

/// One self-contained page of the runs side by side. With `refresh` it loads itself again every few seconds.
std::string ReportPage(const std::vector<nlohmann::ordered_json>& runs, bool refresh = false);

/// Keeps `directory`/report.html up to date while a run goes on; after JsonlObserver, whose file it reads. It
/// takes less than a hundredth of the run's time.
class ReportObserver : public Observer {
 public:
  static constexpr char kPage[] = "report.html";

  explicit ReportObserver(std::filesystem::path directory) : directory_(std::move(directory)) {}
  void OnStep(const StepReport& step) override;
  void OnEvaluate(const EvaluationReport& evaluation) override;

 private:
  void Write();

  const std::filesystem::path directory_;
  Stopwatch since_;  // the last page
  double next_seconds_ = 5;
};

}  // namespace gemtune::train
