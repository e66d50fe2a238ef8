#include "gemtune/io/hub/cache.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/io/hub/settings.h"

namespace gemtune::io::hub {
namespace fs = std::filesystem;
namespace {

constexpr size_t kLongestRepo = 96, kLongestName = 255, kLongestPath = 1024;
constexpr std::array<std::string_view, 4> kModelFiles = {".gguf", ".json", ".model", ".safetensors"};

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// "owner" or "name": letters, digits, "_", and "-" and "." between them.
bool IsRepoPart(std::string_view part) {
  return !part.empty() && IsWordCharacter(part.front()) && IsWordCharacter(part.back()) &&
         std::all_of(part.begin(), part.end(),
                     [](char c) { return IsWordCharacter(c) || c == '-' || c == '.'; });
}

bool IsRepoId(std::string_view id) {
  if (id.size() > kLongestRepo || id.find("--") != id.npos || id.find("..") != id.npos ||
      id.ends_with(".git"))
    return false;
  const size_t slash = id.find('/');
  return slash == id.npos ? IsRepoPart(id)
                          : IsRepoPart(id.substr(0, slash)) && IsRepoPart(id.substr(slash + 1));
}

// No path component of a file's name is one that leads elsewhere, or that no file system takes.
bool IsComponent(std::string_view part) {
  return !part.empty() && part.size() <= kLongestName && part != "." && part != "..";
}

// "owner/name" → "models--owner--name"
std::string FolderOf(std::string id) {
  if (const size_t slash = id.find('/'); slash != id.npos) id.replace(slash, 1, "--");
  return "models--" + id;
}

void MakeFolder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw RunError(fmt::format("{}: cannot make the folder: {}", folder.string(), error.message()));
}

// The one GGUF file of a snapshot without other weights, else the snapshot.
fs::path ModelIn(const fs::path& snapshot) {
  std::error_code error;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(snapshot, error)) {
    if (entry.path().extension() == ".safetensors") return snapshot;
    if (IsGgufModel(entry.path())) found.push_back(entry.path());
  }
  return found.size() == 1 ? found.front() : snapshot;
}

}  // namespace

std::string RepoName::str() const {
  return revision == "main" ? id : id + "@" + revision;
}

bool IsSafeFileName(std::string_view name) {
  if (name.size() > kLongestPath) return false;
  const auto is_bad = [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '\\'; };
  if (std::any_of(name.begin(), name.end(), is_bad)) return false;
  size_t begin = 0;
  for (size_t end = 0; end != name.npos; begin = end + 1) {
    end = name.find('/', begin);
    if (!IsComponent(name.substr(begin, end == name.npos ? end : end - begin))) return false;
  }
  return true;
}

bool IsRevision(std::string_view text) {
  return IsSafeFileName(text) && text.find_first_of(" ~^:?*[@") == text.npos;
}

std::optional<RepoName> ParseRepoName(std::string_view text) {
  RepoName repo;
  const size_t at = text.find('@');
  if (at != text.npos) repo.revision = text.substr(at + 1);
  repo.id = text.substr(0, at);
  if (!IsRepoId(repo.id) || !IsRevision(repo.revision)) return std::nullopt;
  return repo;
}

bool IsGgufModel(const fs::path& file) {
  return file.extension() == ".gguf" && !file.filename().string().starts_with("mmproj");
}

RepoCache::RepoCache(const fs::path& cache, const std::string& repo_id)
    : folder_(cache / FolderOf(repo_id)), locks_(cache / ".locks" / FolderOf(repo_id)) {}

std::optional<fs::path> RepoCache::Find(const std::string& revision) const {
  std::error_code error;
  std::string commit = revision;
  if (fs::is_regular_file(Ref(revision), error)) {
    commit = ReadFile(Ref(revision), kLongestName);
    while (!commit.empty() && static_cast<unsigned char>(commit.back()) <= ' ') commit.pop_back();
  }
  if (!IsSafeFileName(commit) || commit.find('/') != commit.npos) return std::nullopt;
  if (!fs::is_directory(Snapshot(commit), error)) return std::nullopt;
  return Snapshot(commit);
}

void RepoCache::Link(const std::string& commit, const std::string& file, const std::string& etag) const {
  const fs::path link = Snapshot(commit) / file;
  const fs::path target = fs::path(Blob(etag)).lexically_relative(link.parent_path());
  std::error_code error;
  if (fs::read_symlink(link, error) == target) return;
  MakeFolder(link.parent_path());
  // Under another name first: who reads the snapshot meanwhile finds the old file or the new one.
  fs::path made = link;
  made += fmt::format(".{}.link", ::getpid());
  fs::remove(made, error);
  fs::create_symlink(target, made, error);
  if (!error) fs::rename(made, link, error);
  if (error) throw RunError(fmt::format("{}: cannot make the link: {}", link.string(), error.message()));
}

void RepoCache::SetRef(const std::string& revision, const std::string& commit) const {
  if (revision == commit) return;
  MakeFolder(Ref(revision).parent_path());
  WriteFileAtomically(Ref(revision), commit);
}

std::optional<RepoName> NameOnHub(const fs::path& model) {
  std::error_code error;
  return fs::exists(model, error) ? std::nullopt : ParseRepoName(model.string());
}

std::optional<fs::path> LookUpModel(const fs::path& model) {
  std::error_code error;
  if (fs::exists(model, error)) return model;
  const std::optional<RepoName> repo = ParseRepoName(model.string());
  const fs::path cache = CacheDirectory();
  if (!repo || cache.empty()) return std::nullopt;
  const std::optional<fs::path> snapshot = RepoCache(cache, repo->id).Find(repo->revision);
  return snapshot ? std::optional(ModelIn(*snapshot)) : std::nullopt;
}

fs::path FindModel(const fs::path& model) {
  if (const std::optional<fs::path> found = LookUpModel(model)) return *found;
  const std::optional<RepoName> repo = ParseRepoName(model.string());
  const bool names_a_file = std::any_of(kModelFiles.begin(), kModelFiles.end(),
                                        [&](std::string_view end) { return model.extension() == end; });
  if (!repo || repo->id.find('/') == repo->id.npos || names_a_file) return model;
  Fail(
      "{0}: there is no such file or directory, and no model of this name in Hugging Face's cache ({1}); to "
      "get it from the hub: gemtune fetch {0}",
      model.string(), CacheDirectory().string());
}

}  // namespace gemtune::io::hub
