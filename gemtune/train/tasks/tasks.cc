#include "gemtune/train/tasks/tasks.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "gemtune/base/error.h"
#include "gemtune/train/tasks/language_task.h"
#include "gemtune/train/tasks/sequence_task.h"

namespace gemtune::train {

const std::vector<TaskRow>& Tasks() {
  static const std::vector<TaskRow> tasks = [] {
    std::vector<TaskRow> rows = SequenceTaskRows();
    std::ranges::move(LanguageTaskRows(), std::back_inserter(rows));
    return rows;
  }();
  return tasks;
}

const TaskRow& FindTask(const std::string& name) {
  std::vector<std::string> known;
  for (const TaskRow& task : Tasks()) {
    if (task.name == name) return task;
    known.push_back(task.name);
  }
  Fail("`task` '{}' is not known; known: {}", Printable(name), fmt::join(known, ", "));
}

std::unique_ptr<Task> OpenTrained(const std::filesystem::path& path, const std::string& name,
                                  const TaskOptions& task, const model::LoadOptions& load,
                                  const std::filesystem::path& base_model) {
  return name.empty() ? OpenSequenceTask(path, task, load, base_model)
                      : FindTask(name).open(path, task, load, base_model);
}

}  // namespace gemtune::train
