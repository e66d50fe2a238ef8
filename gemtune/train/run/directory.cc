#include "gemtune/train/run/directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <system_error>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/base/log.h"
#include "gemtune/base/writable_directory.h"
#include "gemtune/io/event_file.h"
#include "gemtune/io/file_record.h"
#include "gemtune/model/model_directory.h"
#include "gemtune/train/checkpoint.h"
#include "gemtune/train/report/report.h"
#include "gemtune/train/report/run_facts.h"
#include "gemtune/train/trainer_state.h"

namespace gemtune::train {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRunPart = "run";

// The files that a run writes besides the model.
constexpr const char* kRunFiles[] = {RunDirectory::kRecord, JsonlObserver::kFile,
                                     kTrainerStateFile,     kFactsFile,
                                     ReportObserver::kPage, RunDirectory::kSummary};

// The first file that shows that there are results; empty: none.
std::string FindResults(const fs::path& directory) {
  for (const char* name : kRunFiles) {
    if (fs::exists(directory / name)) return name;
  }
  const std::vector<std::string> model = model::ModelFilesIn(directory);
  return model.empty() ? "" : model.front();
}

fs::path Newest(const fs::path& directory) {
  const std::vector<int64_t> steps = CheckpointSteps(directory);
  return steps.empty() ? fs::path() : CheckpointPath(directory, steps.back());
}

void CheckIsNewest(const fs::path& checkpoint, const fs::path& directory) {
  std::error_code error;
  // It has a trainer_state.json, too, once the run has ended.
  if (fs::equivalent(checkpoint, directory, error))
    Fail("{}: is the run's directory; give one of its checkpoints, or none for the newest",
         checkpoint.string());
  ReadCheckpointState(checkpoint);
  const fs::path newest = Newest(directory);
  if (!fs::equivalent(fs::absolute(checkpoint).lexically_normal() / "..", directory, error)) {
    Fail("{}: is not in `output_dir` {}; a run must be resumed in its own directory", checkpoint.string(),
         directory.string());
  }
  if (!fs::equivalent(checkpoint, newest, error)) {
    Fail("{}: is not the newest checkpoint, {} is; resume from that, or move it away first",
         checkpoint.string(), newest.string());
  }
}

}  // namespace

RunDirectory::RunDirectory(const std::string& path) : path_(path) {
  MakeWritableDirectory(path, "`output_dir`");
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Continue if the file system does not support locks.
  if (descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(descriptor_);
    Fail("{}: another run is writing to it; wait for its end or give another `output_dir`", path);
  }
  if (const int64_t count = RemoveLeftovers(path); count > 0) {
    log::Info("removed {} unfinished {} that a dead run had left in {}", count,
              count == 1 ? "write" : "writes", path);
  }
}

RunDirectory::~RunDirectory() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

fs::path RunDirectory::FindStart(const std::string& resume_from, bool may_overwrite) const {
  for (const std::string& name : ForeignCheckpoints(path_)) {
    Fail("{}: holds '{}', which is not a checkpoint of gemtune's; move it away or give another `output_dir`",
         path_.string(), Printable(name));
  }
  if (!resume_from.empty() && resume_from != "auto") {
    CheckIsNewest(resume_from, path_);
    return resume_from;
  }
  fs::path newest = Newest(path_);
  const std::string found = newest.empty() ? FindResults(path_) : newest.filename().string();
  if (resume_from == "auto") {
    if (!newest.empty()) return newest;
    // Interrupted before its first checkpoint.
    const bool is_unfinished = fs::exists(path_ / kRecord) && !fs::exists(path_ / kSummary);
    if (!found.empty() && !is_unfinished) {
      Fail("{}: holds results ({}) but no checkpoint to resume from; give another `output_dir`",
           path_.string(), found);
    }
    log::Info("{}: no checkpoint yet, beginning from the start", path_.string());
  } else if (!found.empty() && !may_overwrite) {
    if (newest.empty() && !io::IsRecorded(io::ReadFileRecord(path_), found)) {
      Fail(
          "{}: holds {}, which gemtune did not write; give another `output_dir`, or overwrite it with "
          "`overwrite_output_dir`",
          path_.string(), found);
    }
    Fail(
        "{}: holds another run's results ({}); resume that run with `resume_from_checkpoint`, overwrite them "
        "with `overwrite_output_dir`, or give another `output_dir`",
        path_.string(), found);
  }
  return {};
}

void RunDirectory::Begin(const std::string& record, bool anew) const {
  io::FileRecord files = io::ReadFileRecord(path_);
  if (anew) {
    for (const int64_t step : CheckpointSteps(path_)) RemoveCheckpoint(path_, step);
    // The summary marks a finished run, and would be taken for this run's. They may go, whoever wrote them:
    // FindStart has checked.
    for (const char* name : kRunFiles) fs::remove(path_ / name);
    for (const std::string& name : io::NamesIn(path_ / kEvents)) {
      if (io::EventFile::IsName(name)) fs::remove(path_ / kEvents / name);
    }
  }
  files[kRunPart].insert(std::begin(kRunFiles), std::end(kRunFiles));
  io::WriteFileRecord(path_, files);
  WriteFileAtomically(path_ / kRecord, record);
}

bool RunDirectory::MayWrite(const std::string& name) const {
  io::FileRecord files = io::ReadFileRecord(path_);
  if (io::IsRecorded(files, name)) return true;
  if (fs::exists(path_ / name)) return false;
  files[kRunPart].insert(name);
  io::WriteFileRecord(path_, files);
  return true;
}

}  // namespace gemtune::train
