#include "gemtune/train/report/report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <sstream>
#include <string_view>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/base/round_up.h"
#include "gemtune/io/json_file.h"
#include "gemtune/train/report/assets.h"
#include "gemtune/train/report/run_facts.h"
#include "gemtune/train/run/directory.h"

namespace gemtune::train {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// name = value
Json OptionsOf(const fs::path& record) {
  Json options = Json::object();
  std::istringstream lines(fs::exists(record) ? ReadFile(record) : "");
  for (std::string line; std::getline(lines, line);) {
    const size_t equals = line.find(" = ");
    if (equals != line.npos && !line.starts_with('#'))
      options[line.substr(0, equals)] = line.substr(equals + 3);
  }
  return options;
}

// Adds the log's "start", "steps" and "evaluations" to `run`.
void ReadLog(const fs::path& path, Json& run) {
  if (!fs::exists(path))
    Fail("{}: there is no such log, so this is not the directory of a run", path.string());
  run["steps"] = Json::array();
  run["evaluations"] = Json::array();
  std::istringstream lines(ReadFile(path));
  int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    Json entry = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (lines.eof() && entry.is_discarded()) break;
    if (!entry.is_object() || !entry.contains("type"))
      Fail("{}: line {} is none of a log", path.string(), number);
    const Json type = std::move(entry["type"]);
    entry.erase("type");
    if (type == "start") run["start"] = std::move(entry);
    if (type == "step") run["steps"].push_back(std::move(entry));
    if (type == "evaluation") run["evaluations"].push_back(std::move(entry));
  }
}

// Every n-th, the last one among them.
Json Thinned(Json& steps) {
  constexpr int64_t kMost = 2000;
  const int64_t count = std::ssize(steps), stride = CeilDiv(std::max<int64_t>(count, 1), kMost);
  if (stride == 1) return std::move(steps);
  Json thinned = Json::array();
  for (int64_t i = (count - 1) % stride; i < count; i += stride)
    thinned.push_back(std::move(steps[static_cast<size_t>(i)]));
  return thinned;
}

// `page` with a text in the place of each line, found before anything is put in: texts may hold such lines,
// too.
std::string Filled(std::string_view page, std::vector<std::pair<std::string_view, std::string_view>> texts) {
  std::ranges::sort(texts, {}, [&](const auto& text) { return page.find(text.first); });
  std::string filled;
  for (const auto& [line, text] : texts) {
    const size_t at = page.find(line);
    GEMTUNE_CHECK(at != page.npos);
    filled.append(page.substr(0, at)).append(text);
    page.remove_prefix(at + line.size());
  }
  return filled.append(page);
}

// Without a <, so that no HTML parser sees the end of a script element or the beginning of a comment.
std::string ForScript(const Json& json) {
  std::string text = json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  for (size_t at = 0; (at = text.find('<', at)) != text.npos;) text.replace(at, 1, "\\u003c");
  return text;
}

}  // namespace

Json ReadRun(const fs::path& directory, bool is_running) {
  Json run = {{"name", directory.string()}};
  const fs::path summary = directory / RunDirectory::kSummary, facts = directory / kFactsFile;
  run["state"] = is_running ? "running" : fs::exists(summary) ? "finished" : "interrupted";
  run["options"] = OptionsOf(directory / RunDirectory::kRecord);
  ReadLog(directory / JsonlObserver::kFile, run);
  run["steps"] = Thinned(run["steps"]);
  if (fs::exists(facts)) run.update(io::ParseJsonFile(facts));
  if (!is_running && fs::exists(summary)) run["summary"] = io::ParseJsonFile(summary);
  return run;
}

std::string ReportPage(const std::vector<Json>& runs, bool refresh) {
  Json data = {{"generated", fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr)))}, {"runs", runs}};
  if (refresh) data["refresh"] = true;
  return Filled(PageTemplate(), {{"/* data */", ForScript(data)}, {"/* chart.js */", ChartLibrary()}});
}

void ReportObserver::OnStep(const StepReport&) {
  if (since_.Seconds() >= next_seconds_) Write();
}

void ReportObserver::OnEvaluate(const EvaluationReport&) {
  Write();
}

void ReportObserver::Write() {
  const Stopwatch stopwatch;
  WriteFileAtomically(directory_ / kPage,
                      ReportPage({ReadRun(directory_, /*is_running=*/true)}, /*refresh=*/true));
  next_seconds_ = std::max(15.0, 100 * stopwatch.Seconds());
  since_ = Stopwatch();
}

}  // namespace gemtune::train
