#pragma once

#include <filesystem>
#include <string>

namespace gemtune::train {

/// The output directory of a training run, locked for this process by an flock on the directory. The lock
/// ends with the process, however that ends.
class RunDirectory {
 public:
  /// The file with every option of the run, as `gemtune train --config` takes it.
  static constexpr char kRecord[] = "run.toml";

  /// The file with the results of a finished run.
  static constexpr char kSummary[] = "all_results.json";

  /// The model's card.
  static constexpr char kCard[] = "README.md";

  /// The folder for TensorBoard.
  static constexpr char kEvents[] = "runs";

  /// Creates the directory if it does not exist, and removes temporary files that a dead process left there.
  /// Throws Error if the directory cannot be written to or another run holds it. To be constructed before any
  /// work.
  explicit RunDirectory(const std::string& path);
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  /// The checkpoint that a run begins from, or empty. `resume_from` is a checkpoint, "auto" (the newest, if
  /// there is any) or "" (none). Throws Error for a checkpoint that is not the newest in this directory;
  /// also, unless `may_overwrite`, if a run that begins from none would overwrite another run's results or
  /// somebody's files. Anything that is named like a checkpoint but is not gemtune's is always an Error. If
  /// there is a record but no checkpoint, "auto" gives empty, and the caller must check that the same run
  /// begins again.
  std::filesystem::path FindStart(const std::string& resume_from, bool may_overwrite) const;

  /// Writes kRecord, and records the run's files as gemtune's. With `anew`, first removes the checkpoints,
  /// the results and the events of an earlier run. Throws Error for a checkpoint that holds somebody's file.
  void Begin(const std::string& record, bool anew) const;

  /// Whether there is no such file, or one that gemtune wrote; then it is recorded as gemtune's. For what a
  /// run can do without.
  bool MayWrite(const std::string& name) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace gemtune::train
