#include "gemtune/cli/fetch.h"

#include <fmt/ostream.h>

#include <cstdio>
#include <filesystem>
#include <iostream>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/io/hub/blob.h"
#include "gemtune/io/hub/fetch.h"

namespace gemtune::cli {
namespace {

// Not of what is there in a moment.
std::string Rate(const io::hub::FetchProgress& progress) {
  if (progress.seconds < 1) return "";
  const double rate = static_cast<double>(progress.fetched) / progress.seconds;
  return fmt::format(", {}/s", io::hub::BytesText(static_cast<uint64_t>(rate)));
}

// On a terminal a line in place for the file that comes, elsewhere one for each that has come.
class FetchLines {
 public:
  ~FetchLines() { Clear(); }

  void Show(const io::hub::FetchProgress& progress) {
    if (progress.is_done) {
      return Note(fmt::format("{}: {}{}", Printable(progress.file, 200), io::hub::BytesText(progress.total),
                              Rate(progress)));
    }
    constexpr double kSeconds = 0.1;
    if (!is_terminal_ || progress.seconds - shown_ < (progress.file == file_ ? kSeconds : -1e9)) return;
    file_ = progress.file;
    shown_ = progress.seconds;
    const std::string line =
        fmt::format("{}: {} of {}{}", Printable(progress.file, 200), io::hub::BytesText(progress.bytes),
                    io::hub::BytesText(progress.total), Rate(progress));
    const auto columns = static_cast<size_t>(log::TerminalColumns() - 1);
    log::ShowInPlace(line.substr(0, columns));
  }

  void Note(const std::string& line) {
    Clear();
    log::Info("{}", line);
  }

 private:
  void Clear() {
    log::ClearPlace();
    file_.clear();
  }

  const bool is_terminal_ = log::ShowsProgress();
  std::string file_;  // that the line in place is of
  double shown_ = 0;  // when
};

}  // namespace

void Fetch::Declare(OptionSet& options) {
  options.Add("REPO", repo_, "The model's name on the hub: google/gemma-3-270m", {.required = true});
  options.Add("FILE", files_, "Files of it; default: those that gemtune reads");
  options.Add("--revision", revision_, "Branch, tag or commit; default: main, or what follows REPO's @");
  options.Add("--include", include_, "Globs of files to fetch instead, such as '*.gguf'",
              {.one_value_each = true});
  options.Add("--exclude", exclude_, "Globs of files to leave out", {.one_value_each = true});
  options.Add(
      "--cache-dir", cache_dir_,
      "The cache; default: Hugging Face's own ($HF_HUB_CACHE, $HF_HOME/hub, ~/.cache/huggingface/hub)");
}

void Fetch::Run(const OptionSet&) {
  const auto repo = io::hub::ParseRepoName(repo_);
  if (!repo) Fail("'{}' is not the name of a repository, such as google/gemma-3-270m", Printable(repo_, 120));
  if (!files_.empty() && !include_.empty()) Fail("--include: is for when no FILE is named");
  io::hub::FetchOptions fetch{.repo = *repo,
                              .selection = {.files = files_, .include = include_, .exclude = exclude_},
                              .cache = cache_dir_};
  if (!revision_.empty()) {
    if (!io::hub::IsRevision(revision_))
      Fail("--revision: '{}' is not a branch, tag or commit", Printable(revision_));
    if (repo_.find('@') != repo_.npos && revision_ != repo->revision)
      Fail("--revision {}: is another one than that of {}", revision_, repo_);
    fetch.repo.revision = revision_;
  }
  std::filesystem::path path;
  {
    FetchLines lines;
    fetch.progress = [&](const io::hub::FetchProgress& progress) { lines.Show(progress); };
    fetch.note = [&](const std::string& line) { lines.Note(line); };
    path = io::hub::Fetch(fetch, io::hub::SettingsFromEnvironment());
  }
  fmt::print(std::cout, "{}\n", (files_.size() == 1 ? path / files_.front() : path).string());
}

}  // namespace gemtune::cli
