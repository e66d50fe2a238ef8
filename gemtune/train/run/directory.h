#pragma once

#include <filesystem>
#include <string>

namespace gemtune::train {

/// The output directory of a training run, held by this process alone: an flock on the directory, which ends
/// with the process, however that ends.
class RunDirectory {
 public:
  /// The file in it with every option of the run, as `gemtune train --config` takes it.
  static constexpr char kRecord[] = "run.toml";

  /// The file with the results of a run that came to its end.
  static constexpr char kSummary[] = "all_results.json";

  /// Makes it where it does not exist, and removes what a process that died left in it under temporary names.
  /// Throws Error if nothing can be written to it or another run holds it: to be called before any work.
  explicit RunDirectory(const std::string& path);
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  /// The checkpoint that a run begins from, or empty. `resume_from` is one, "auto": the newest, if there is
  /// any, or "": none. Throws Error for one that is not the newest of this directory, and where a run that
  /// begins from none would write over another's results or somebody's files; not with `may_overwrite`. What
  /// is called as a checkpoint and is none of gemtune's is in the way of all. Where there is a record
  /// and no checkpoint, "auto" is empty: it is for the caller to see that it is the same run that begins
  /// again.
  std::filesystem::path FindStart(const std::string& resume_from, bool may_overwrite) const;

  /// Writes kRecord, and notes the run's files as gemtune's. `anew`: gemtune's checkpoints of another run go
  /// first, and the summary that stands at the end of a run. Throws Error for a checkpoint that holds
  /// somebody's file.
  void Begin(const std::string& record, bool anew) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace gemtune::train
