#include "gemtune/io/hub/fetch.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <system_error>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/stopwatch.h"
#include "gemtune/io/hub/blob.h"
#include "gemtune/io/hub/repository.h"

namespace gemtune::io::hub {
namespace fs = std::filesystem;
namespace {

// Where the bytes of an answer with status 206 begin: "bytes 100-199/200" → 100.
std::optional<uint64_t> BeginOf(const std::string& content_range) {
  constexpr std::string_view kUnit = "bytes ";
  uint64_t begin = 0;
  if (!content_range.starts_with(kUnit)) return std::nullopt;
  const char* const digits = content_range.data() + kUnit.size();
  const auto [end, error] = std::from_chars(digits, content_range.data() + content_range.size(), begin);
  return error == std::errc() && *end == '-' ? std::optional(begin) : std::nullopt;
}

class Fetching {
 public:
  Fetching(const FetchOptions& options, const Settings& settings, const fs::path& cache)
      : options_(options),
        folder_(cache),
        cache_(cache, options.repo.id),
        remote_(options.repo, settings, options.note) {}

  fs::path Run() {
    remote_.Open();
    const std::vector<std::string> names = Select(remote_.files(), options_.selection, options_.repo.str());
    std::vector<RemoteFile> missing;
    for (const std::string& name : names) {
      // A commit's files never change: what is there needs no question.
      if (!IsThere(cache_.Snapshot(remote_.commit()) / name)) missing.push_back(remote_.Describe(name));
    }
    if (!missing.empty()) MakeFolders(missing.front());
    CheckRoom(missing);
    for (const RemoteFile& file : missing) FetchFile(file);
    cache_.SetRef(options_.repo.revision, remote_.commit());
    return cache_.Snapshot(remote_.commit());
  }

 private:
  static bool IsThere(const fs::path& path) {
    std::error_code error;
    return fs::exists(path, error);
  }

  void MakeFolders(const RemoteFile& any) const {
    for (const fs::path& folder :
         {cache_.Blob(any.etag).parent_path(), cache_.Lock(any.etag).parent_path()}) {
      std::error_code error;
      fs::create_directories(folder, error);
      if (error) {
        Fail("{}: cannot make the folder: {}; HF_HOME or `cache_dir` can name another place", folder.string(),
             error.message());
      }
    }
  }

  // Before the first byte, since a model takes minutes to come.
  void CheckRoom(const std::vector<RemoteFile>& missing) const {
    uint64_t needed = 0;
    for (const RemoteFile& file : missing) {
      const fs::path blob = cache_.Blob(file.etag);
      const uint64_t there = IsThere(blob) ? file.bytes : PartialBytes(blob);
      needed += file.bytes - std::min(there, file.bytes);
    }
    std::error_code error;
    const fs::space_info room = fs::space(folder_, error);
    if (error || needed <= room.available) return;
    throw RunError(fmt::format(
        "{}: {} are to be fetched, and {} are free; make room, or name another place with HF_HOME "
        "or `cache_dir`",
        folder_.string(), BytesText(needed), BytesText(room.available)));
  }

  void FetchFile(const RemoteFile& file) {
    const BlobLock lock(cache_.Lock(file.etag), file.name, options_.note);
    if (!IsThere(cache_.Blob(file.etag))) FetchBlob(file);
    cache_.Link(remote_.commit(), file.name, file.etag);
  }

  void FetchBlob(const RemoteFile& file) {
    PartialBlob blob(cache_.Blob(file.etag), file.etag, file.bytes);
    FetchProgress progress{.file = file.name, .bytes = blob.size(), .total = file.bytes};
    const Stopwatch stopwatch;
    const auto tell = [&] {
      progress.fetched += blob.size() - std::min(blob.size(), progress.bytes);
      progress.bytes = blob.size();
      progress.seconds = stopwatch.Seconds();
      if (options_.progress) options_.progress(progress);
    };
    Patience patience(file.name, options_.note);
    while (!blob.is_full()) {
      const uint64_t before = blob.size();
      const HttpAnswer answer = TryOnce(file, blob, tell);
      if (blob.is_full()) break;
      // The part is longer than the file, or of another one.
      if (answer.status == 416) blob.Restart();
      patience.WaitAfter(answer, blob.size() > before);
    }
    blob.Commit();
    progress.is_done = true;
    tell();
  }

  HttpAnswer TryOnce(const RemoteFile& file, PartialBlob& blob, const std::function<void()>& tell) {
    bool has_begun = false;
    const uint64_t from = blob.size();
    HttpAnswer last =
        remote_.Get(file.name, from, [&](const HttpAnswer& answer, std::span<const std::byte> bytes) {
          if (!std::exchange(has_begun, true) && from > 0) {
            if (answer.status != 206) {
              blob.Restart();  // the server sends all of it
            } else if (BeginOf(answer.Header("content-range")) != from) {
              throw RunError(fmt::format("{}: {} sends another part of the file than it was asked for",
                                         file.name, OriginOf(answer.url)));
            }
          }
          blob.Append(bytes);
          tell();
        });
    if (last.is_whole() && !blob.is_full()) last.broken = "the connection was closed too early";
    return last;
  }

  const FetchOptions& options_;
  fs::path folder_;
  RepoCache cache_;
  Repository remote_;
};

// What the cache has, where nothing else may be asked.
fs::path FindOffline(const FetchOptions& options, const RepoCache& cache) {
  const std::optional<fs::path> snapshot = cache.Find(options.repo.revision);
  constexpr const char* kRemedy = "HF_HUB_OFFLINE is set; unset it to fetch";
  if (!snapshot) Fail("{}: is not in the cache, and {}", options.repo.str(), kRemedy);
  std::error_code error;
  for (const std::string& file : options.selection.files) {
    if (!fs::exists(*snapshot / file, error))
      Fail("{}: '{}' is not in the cache, and {}", options.repo.str(), Printable(file), kRemedy);
  }
  return *snapshot;
}

}  // namespace

fs::path Fetch(const FetchOptions& options, const Settings& settings) {
  const fs::path place = options.cache.empty() ? CacheDirectory() : options.cache;
  if (place.empty()) Fail("there is no home folder for the cache; name a place with HF_HOME or `cache_dir`");
  const fs::path cache = fs::absolute(place);
  if (settings.is_offline) return FindOffline(options, RepoCache(cache, options.repo.id));
  return Fetching(options, settings, cache).Run();
}

}  // namespace gemtune::io::hub
