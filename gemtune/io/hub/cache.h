#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gemtune::io::hub {

/// A repository and what is wanted of it: a branch, a tag or a commit.
struct RepoName {
  std::string id;  // "google/gemma-3-270m"
  std::string revision = "main";

  /// As a user writes it: "owner/name", or "owner/name@revision" unless that is main.
  std::string str() const;
};

/// Reads "owner/name" or "owner/name@revision" (also without an owner, as the oldest repositories are named).
/// nullopt for what cannot be a repository's name, by the rules of huggingface_hub's validate_repo_id.
std::optional<RepoName> ParseRepoName(std::string_view text);

/// Whether this can name a branch, a tag or a commit, and a file below refs/ in the cache.
bool IsRevision(std::string_view text);

/// Whether a file of this name in a repository can lie in the cache: a relative path, without "..",
/// backslashes and control characters.
bool IsSafeFileName(std::string_view name);

/// Whether the file is a GGUF that holds a model: not one of another's parts for pictures (mmproj-...).
bool IsGgufModel(const std::filesystem::path& file);

/// One repository in a cache as Hugging Face's programs lay it out, so that they and gemtune find each
/// other's files: models--owner--name/blobs/<etag> are the contents, snapshots/<commit>/<file> links to them,
/// and refs/<revision> holds a commit.
class RepoCache {
 public:
  RepoCache(const std::filesystem::path& cache, const std::string& repo_id);

  std::filesystem::path Blob(const std::string& etag) const { return folder_ / "blobs" / etag; }
  std::filesystem::path Snapshot(const std::string& commit) const { return folder_ / "snapshots" / commit; }
  std::filesystem::path Ref(const std::string& revision) const { return folder_ / "refs" / revision; }
  std::filesystem::path Lock(const std::string& etag) const { return locks_ / (etag + ".lock"); }

  /// The snapshot of a revision; nullopt if there is none.
  std::optional<std::filesystem::path> Find(const std::string& revision) const;

  /// Makes the snapshot's `file` a link to the blob. Throws RunError.
  void Link(const std::string& commit, const std::string& file, const std::string& etag) const;

  /// From now on Find(revision) is the snapshot of `commit`. Throws RunError.
  void SetRef(const std::string& revision, const std::string& commit) const;

 private:
  std::filesystem::path folder_, locks_;
};

/// The repository that a user names as a model; nullopt for an existing path, and for what cannot be a name.
std::optional<RepoName> NameOnHub(const std::filesystem::path& model);

/// What a user named as a model → where its files are: an existing path as it is, or for a name of a
/// repository in CacheDirectory() its snapshot's folder, or the one GGUF file in it if that is all it has for
/// weights. nullopt if it is neither.
std::optional<std::filesystem::path> LookUpModel(const std::filesystem::path& model);

/// The same. Throws Error, which says how to fetch it, for "owner/name" that is neither; anything else that
/// does not exist stays as it is, so that who opens it says so.
std::filesystem::path FindModel(const std::filesystem::path& model);

}  // namespace gemtune::io::hub
