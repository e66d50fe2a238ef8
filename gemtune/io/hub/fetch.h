#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "gemtune/io/hub/cache.h"
#include "gemtune/io/hub/patience.h"
#include "gemtune/io/hub/selection.h"
#include "gemtune/io/hub/settings.h"

namespace gemtune::io::hub {

/// Where a file's fetching stands.
struct FetchProgress {
  std::string file;
  uint64_t bytes = 0, total = 0;  // of the file, with what was there before
  uint64_t fetched = 0;           // of `bytes`, what came since this process began with the file
  double seconds = 0;             // since then
  bool is_done = false;           // the file has its name; told once
};

struct FetchOptions {
  RepoName repo;
  Selection selection;
  std::filesystem::path cache;  // empty: CacheDirectory()
  std::function<void(const FetchProgress&)> progress;
  Note note;  // other lines for the user
};

/// Fetches files of a repository into the cache, those that are not there yet, and returns the snapshot's
/// folder. Where an earlier fetch broke off, this one goes on. Every file's hash is checked before it gets
/// its name, and the snapshot is found by the revision's name (FindModel) when all of its files are there.
///
/// Throws Error where the user can help: the repository, a file, access. Throws RunError where a network, a
/// hub or a disk is at fault; then running it again goes on from there.
std::filesystem::path Fetch(const FetchOptions& options, const Settings& settings);

}  // namespace gemtune::io::hub
