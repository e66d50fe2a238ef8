#include "gemtune/train/observers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/base/log.h"
#include "gemtune/base/memory.h"
#include "gemtune/base/progress.h"
#include "gemtune/train/probability_metrics.h"

namespace gemtune::train {

std::string Duration(double seconds) {
  const auto whole = static_cast<int64_t>(std::lround(seconds));
  const int64_t hours = whole / 3600, minutes = whole / 60 % 60, rest = whole % 60;
  return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, rest)
                   : fmt::format("{}:{:02}", minutes, rest);
}

std::optional<double> Mean(double sum, int64_t count) {
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

std::string Numbers(const Metrics& metrics) {
  std::string line;
  for (const auto& [name, value] : metrics.items()) {
    // One line has no room for them, and the loss says much the same.
    if (std::ranges::find(ProbabilityMetricNames(), name) != ProbabilityMetricNames().end()) continue;
    if (value.is_number_float())
      line += fmt::format("{}{} {:.4f}", line.empty() ? "" : "  ", name, value.get<double>());
  }
  return line;
}

namespace {

// "0.3127", or "-" where every step was skipped.
std::string Loss(const std::optional<double>& loss) {
  return loss ? fmt::format("{:.4f}", *loss) : "-";
}

// "268.1 M", "1280": a head alone is less than a million parameters.
std::string Count(int64_t count) {
  return count < 1'000'000 ? fmt::format("{}", count)
                           : fmt::format("{:.1f} M", static_cast<double>(count) / 1e6);
}

}  // namespace

ConsoleObserver::ConsoleObserver(bool is_terminal, int64_t logging_steps)
    : is_terminal_(is_terminal), logging_steps_(logging_steps) {}

void ConsoleObserver::OnStart(const RunReport& run) {
  log::Info("training {} parameters on {} examples ({} tokens) in {} steps", Count(run.trained_parameters),
            Count(run.train_examples), Count(run.train_tokens), run.total_steps);
  if (run.done_steps > 0) log::Info("resuming after step {}", run.done_steps);
}

void ConsoleObserver::OnStep(const StepReport& step) {
  if (step.is_skipped)
    log::Warning("step {} is skipped: its loss is {} and its gradient's norm {}", step.step, step.loss,
                 step.grad_norm);
  ++steps_;
  step_seconds_ += step.seconds;
  tokens_ += step.tokens;
  window_loss_ += step.is_skipped ? 0 : step.loss;
  window_steps_ += step.is_skipped ? 0 : 1;
  const double left =
      step_seconds_ / static_cast<double>(steps_) * static_cast<double>(step.total_steps - step.step);
  const std::string place = fmt::format("{}/{}  ", step.step, step.total_steps),
                    epoch = fmt::format("epoch {:.2f}  ", step.epoch),
                    loss = fmt::format("loss {}  ", Loss(Mean(window_loss_, window_steps_))),
                    rate = fmt::format("lr {:.2e}  ", step.learning_rate),
                    speed = fmt::format("{:.0f} tokens/s  {} left",
                                        static_cast<double>(tokens_) / step_seconds_, Duration(left)),
                    memory = fmt::format("  {:.1f} GB", static_cast<double>(ResidentBytes()) / 1e9);
  // Less important parts go if the line is too long, or leaves no room for a bar.
  constexpr std::string_view kStep = "step ", kBar = "[########] ";
  const size_t columns = static_cast<size_t>(is_terminal_ ? std::max(log::TerminalColumns() - 1, 1) : 80);
  const size_t room = columns - std::min(columns, (is_terminal_ ? kBar : kStep).size());
  std::string text;
  for (const std::string& line :
       {place + epoch + loss + rate + speed + memory, place + epoch + loss + rate + speed,
        place + epoch + loss + speed, place + loss + speed}) {
    text = line;
    if (text.size() <= room) break;
  }
  const bool due = step.step % logging_steps_ == 0 || step.step == step.total_steps;
  if (is_terminal_) {
    log::ShowInPlace(ProgressLine(step.step, step.total_steps, text, log::TerminalColumns()));
  } else if (due) {
    log::Info("{}{}", kStep, text);
  }
  if (due) {
    window_loss_ = 0;
    window_steps_ = 0;
  }
}

void ConsoleObserver::OnEvaluate(const EvaluationReport& evaluation) {
  log::Info("epoch {:.2f}  train loss {}  validation {}{}", evaluation.epoch, Loss(evaluation.train_loss),
            Numbers(evaluation.metrics), evaluation.is_best ? "  (best so far)" : "");
}

void ConsoleObserver::OnSaved(const CheckpointReport& checkpoint) {
  log::Info("saved {} ({:.1f} MB in {:.1f} s)", checkpoint.path.string(),
            static_cast<double>(checkpoint.bytes) / 1e6, checkpoint.seconds);
}

void ConsoleObserver::OnEnd() {
  log::ClearPlace();
  log::Info("trained in {}", Duration(step_seconds_));
}

JsonlObserver::JsonlObserver(const std::filesystem::path& directory, const std::filesystem::path& checkpoint)
    : path_(directory / kFile) {
  // A run that began without a log may go on with one.
  const bool goes_on = !checkpoint.empty() && std::filesystem::exists(checkpoint / kFile);
  if (goes_on) WriteFileAtomically(path_, ReadFile(checkpoint / kFile));
  file_.open(path_, goes_on ? std::ios::app : std::ios::trunc);
  if (!file_) Fail("{}: cannot write", path_.string());
}

void JsonlObserver::Write(const nlohmann::ordered_json& line) {
  file_ << line.dump() << "\n" << std::flush;
  if (!file_) throw RunError(fmt::format("{}: cannot write (disk full?)", path_.string()));
}

void JsonlObserver::OnStart(const RunReport& run) {
  if (run.done_steps > 0) return;
  Write({{"type", "start"},
         {"total_steps", run.total_steps},
         {"steps_per_epoch", run.steps_per_epoch},
         {"train_examples", run.train_examples},
         {"train_tokens", run.train_tokens},
         {"trained_parameters", run.trained_parameters}});
}

void JsonlObserver::OnStep(const StepReport& step) {
  nlohmann::ordered_json line = {{"type", "step"},
                                 {"step", step.step},
                                 {"epoch", step.epoch},
                                 {"loss", step.loss},
                                 {"learning_rate", step.learning_rate},
                                 {"grad_norm", step.grad_norm},
                                 {"tokens", step.tokens},
                                 {"seconds", step.seconds},
                                 {"data_seconds", step.data_seconds},
                                 {"forward_seconds", step.forward_seconds},
                                 {"backward_seconds", step.backward_seconds},
                                 {"optimizer_seconds", step.optimizer_seconds}};
  if (step.is_skipped) line["skipped"] = true;
  Write(line);
}

void JsonlObserver::OnEvaluate(const EvaluationReport& evaluation) {
  nlohmann::ordered_json line = {{"type", "evaluation"},          {"step", evaluation.step},
                                 {"epoch", evaluation.epoch},     {"train_loss", nullptr},
                                 {"is_best", evaluation.is_best}, {"seconds", evaluation.seconds}};
  if (evaluation.train_loss) line["train_loss"] = *evaluation.train_loss;
  line.update(Concise(evaluation.metrics));
  Write(line);
}

void JsonlObserver::OnSave(const std::filesystem::path& directory) {
  WriteFileAtomically(directory / kFile, ReadFile(path_));
}

}  // namespace gemtune::train
