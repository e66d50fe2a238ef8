#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gemtune/io/hub/cache.h"
#include "gemtune/io/hub/http.h"
#include "gemtune/io/hub/patience.h"
#include "gemtune/io/hub/settings.h"

namespace gemtune::io::hub {

/// A file as the hub describes it.
struct RemoteFile {
  std::string name;  // "model.safetensors"; IsSafeFileName
  std::string
      etag;  // the hash of its contents, and the blob's name: SHA-256 of large files, git's SHA-1 of others
  uint64_t bytes = 0;
};

/// A repository on a hub.
class Repository {
 public:
  Repository(RepoName name, const Settings& settings, Note note);

  /// Asks for the revision's commit and the names of its files, which may be hostile. Throws Error where the
  /// user can help (no such repository or revision, no access, a wrong token), RunError for other faults.
  void Open();

  const RepoName& name() const { return name_; }
  const std::string& commit() const { return commit_; }
  const std::vector<std::string>& files() const { return files_; }

  /// Throws as Open does.
  RemoteFile Describe(const std::string& file);

  /// One try to fetch the file's bytes from `from` on. Throws Error or RunError if another could not do
  /// better.
  HttpAnswer Get(const std::string& file, uint64_t from, const HttpSink& sink);

 private:
  HttpAnswer Ask(const HttpRequest& request, const std::string& what);
  std::string FileUrl(const std::string& file) const;
  void RefuseFault(const HttpAnswer& answer, const std::string& what) const;
  [[noreturn]] void FailOfAccess(const HttpAnswer& answer, const std::string& what) const;

  RepoName name_;
  Settings settings_;
  Note note_;
  Http http_;
  std::string commit_;
  std::vector<std::string> files_;
};

}  // namespace gemtune::io::hub
