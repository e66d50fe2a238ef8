#include "gemtune/data/file_list.h"

#include <glob.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <tuple>

#include "gemtune/base/error.h"

namespace gemtune::data {
namespace fs = std::filesystem;
namespace {

struct FormatRow {
  std::string_view extension;
  FileFormat format;
};

constexpr std::array<FormatRow, 6> kFormats = {{{".parquet", FileFormat::kParquet},
                                                {".csv", FileFormat::kCsv},
                                                {".tsv", FileFormat::kTsv},
                                                {".jsonl", FileFormat::kJsonLines},
                                                {".json", FileFormat::kJsonLines},
                                                {".txt", FileFormat::kPlainText}}};

struct CompressionRow {
  std::string_view extension;
  Compression compression;
};

constexpr std::array<CompressionRow, 4> kCompressions = {{{".gz", Compression::kGzip},
                                                          {".zst", Compression::kZstd},
                                                          {".bz2", Compression::kBzip2},
                                                          {".lz4", Compression::kLz4}}};

constexpr std::string_view kSupported =
    "supported are .parquet, and .csv .tsv .jsonl .json .txt, these also with .gz .zst .bz2 or .lz4 behind";

// Files that users often give but that cannot be read, and what to do about them.
struct CureRow {
  std::string_view extension;
  std::string_view cure;
};

constexpr std::string_view kSaveSheet = "a workbook is not read; save the sheet as CSV (UTF-8)";
constexpr std::string_view kReadPickle =
    "a pickle is not read; make Parquet of it: pandas.read_pickle(...).to_parquet(...)";
constexpr std::string_view kUnpack = "an archive is not read; unpack it";

constexpr std::array<CureRow, 12> kCures = {{
    {".arrow",
     "an Arrow file, as save_to_disk and the cache of datasets write it, is not read; make Parquet of it: "
     "datasets.Dataset.from_file(...).to_parquet(...)"},
    {".feather", "Feather is not read; make Parquet of it: pandas.read_feather(...).to_parquet(...)"},
    {".xlsx", kSaveSheet},
    {".xls", kSaveSheet},
    {".ods", kSaveSheet},
    {".pkl", kReadPickle},
    {".pickle", kReadPickle},
    {".ndjson", "JSON Lines are read from a file whose name ends in .jsonl; rename it"},
    {".parquet.gz", "Parquet is compressed inside; unpack it"},
    {".zip", kUnpack},
    {".tar.gz", kUnpack},
    {".xz", kUnpack},
}};

// Folders from `datasets`' save_to_disk, recognised by the files in them.
struct SavedRow {
  std::array<std::string_view, 2> files;
  std::string_view what;
  std::string_view split;
};

constexpr std::array<SavedRow, 2> kSaved = {{
    {{"dataset_dict.json", "dataset_dict.json"}, "DatasetDict", "[\"train\"]"},
    {{"state.json", "dataset_info.json"}, "Dataset", ""},
}};

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

std::vector<std::string> Glob(const std::string& pattern) {
  glob_t found = {};
  const int status = ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found);
  std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (status == GLOB_NOSPACE) throw RunError(fmt::format("{}: out of memory", pattern));
  // glob(3) sorts by the locale, which differs between machines.
  std::sort(paths.begin(), paths.end());
  return paths;
}

struct KnownName {
  size_t row;  // of kFormats
  Compression compression = Compression::kNone;
  size_t extension_bytes;  // including that of the compression
};

std::optional<KnownName> ParseName(const fs::path& path) {
  const std::string lower_case = LowerCase(path.filename().string());
  std::string_view name = lower_case;
  auto compression = Compression::kNone;
  for (const CompressionRow& row : kCompressions) {
    if (!name.ends_with(row.extension)) continue;
    compression = row.compression;
    name.remove_suffix(row.extension.size());
    break;
  }
  for (size_t i = 0; i < kFormats.size(); ++i) {
    if (!name.ends_with(kFormats[i].extension)) continue;
    if (compression != Compression::kNone && kFormats[i].format == FileFormat::kParquet) break;
    return KnownName{i, compression, lower_case.size() - name.size() + kFormats[i].extension.size()};
  }
  return std::nullopt;
}

const CureRow* FindCure(const fs::path& path) {
  const std::string name = LowerCase(path.filename().string());
  const auto found = std::find_if(kCures.begin(), kCures.end(),
                                  [&](const CureRow& row) { return name.ends_with(row.extension); });
  return found == kCures.end() ? nullptr : &*found;
}

// The files of one kind in a folder. Kinds that are most likely data come first; .json and .txt are often
// something else.
struct FilesOfAKind {
  bool is_doubtful;
  int depth;
  size_t row;  // of kFormats
  std::string glob;
  bool operator<(const FilesOfAKind& other) const {
    return std::tie(is_doubtful, depth, row, glob) <
           std::tie(other.is_doubtful, other.depth, other.row, other.glob);
  }
};

struct Contents {
  std::set<FilesOfAKind> kinds;
  const CureRow* cure = nullptr;  // of the first unreadable file that has one
};

void LookInto(const fs::path& directory, int depth, Contents& contents) {
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    const fs::path name = at->path().filename();
    if (at->is_directory(ignored)) {
      if (depth == 0) LookInto(directory / name, depth + 1, contents);
    } else if (const auto known = ParseName(name)) {
      const std::string extension = name.string().substr(name.string().size() - known->extension_bytes);
      const bool is_doubtful =
          kFormats[known->row].extension == ".json" || kFormats[known->row].format == FileFormat::kPlainText;
      contents.kinds.insert({is_doubtful, depth, known->row, (directory / ("*" + extension)).string()});
    } else if (contents.cure == nullptr) {
      contents.cure = FindCure(name);
    }
  }
  if (error && depth == 0) Fail("{}: {}", directory.string(), error.message());
}

[[noreturn]] void FailDirectory(const fs::path& directory) {
  const std::string shown = directory.string();
  for (const SavedRow& row : kSaved) {
    const bool is_saved = std::all_of(row.files.begin(), row.files.end(), [&](std::string_view file) {
      std::error_code error;
      return fs::exists(directory / file, error);
    });
    if (!is_saved) continue;
    Fail(
        "{}: is a {} that datasets wrote with save_to_disk; make Parquet of it: "
        "datasets.load_from_disk(\"{}\"){}.to_parquet(\"FILE.parquet\")",
        shown, row.what, shown, row.split);
  }
  Contents contents;
  LookInto(directory, 0, contents);
  if (!contents.kinds.empty()) {
    Fail("{}: is a directory; name its files, for example '{}'", shown, contents.kinds.begin()->glob);
  }
  if (contents.cure != nullptr) {
    Fail("{}: is a directory of {} files: {}", shown, contents.cure->extension, contents.cure->cure);
  }
  Fail("{}: is a directory without a file of a known kind; {}", shown, kSupported);
}

DataFile CheckedFile(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) FailDirectory(path);
  DataFile file = FileOfPath(path);
  // A pipe can be read only once, but the cache and Load read a file more than once.
  if (!fs::is_regular_file(path)) Fail("{}: is not a file", path.string());
  return file;
}

}  // namespace

void RefusePlainText(const DataFile& file) {
  if (file.format != FileFormat::kPlainText) return;
  Fail(
      "{}: plain text has no columns, only `task` clm can read it; write a table with named columns (.csv, "
      ".jsonl), or, if this is one, end its name in .csv or .tsv",
      file.path.string());
}

DataFile FileOfPath(const fs::path& path) {
  if (const std::optional<KnownName> known = ParseName(path)) {
    return {.path = path, .format = kFormats[known->row].format, .compression = known->compression};
  }
  if (const CureRow* row = FindCure(path)) Fail("{}: {}", path.string(), row->cure);
  Fail("{}: unknown kind of file; {}", path.string(), kSupported);
}

std::vector<DataFile> ListFiles(const std::vector<std::string>& patterns) {
  std::vector<DataFile> files;
  for (const std::string& pattern : patterns) {
    std::error_code error;
    const fs::file_status status = fs::status(pattern, error);
    if (fs::exists(status)) {
      files.push_back(CheckedFile(pattern));
      continue;
    }
    if (pattern.find_first_of("*?[") == std::string::npos) {
      Fail("{}: {}", pattern, error ? error.message() : "no such file");
    }
    const std::vector<std::string> matches = Glob(pattern);
    if (matches.empty()) Fail("{}: no file matches", pattern);
    for (const std::string& match : matches) files.push_back(CheckedFile(match));
  }
  return files;
}

}  // namespace gemtune::data
