#include "gemtune/train/tasks/tasks.h"

#include <fmt/ranges.h>

#include "gemtune/base/error.h"
#include "gemtune/train/tasks/sequence_task.h"

namespace gemtune::train {

const std::vector<TaskRow>& Tasks() {
  static const std::vector<TaskRow> tasks = SequenceTaskRows();
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

std::unique_ptr<Task> OpenTrained(const std::filesystem::path& path, const TaskOptions& task,
                                  const model::LoadOptions& load, const std::filesystem::path& base_model) {
  return std::make_unique<SequenceTask>(std::make_unique<model::PretrainedClassifier>(
                                            model::PretrainedClassifier::FromTrained(path, load, base_model)),
                                        task);
}

}  // namespace gemtune::train
