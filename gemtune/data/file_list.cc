#include "gemtune/data/file_list.h"

#include <glob.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

#include "gemtune/base/error.h"

namespace gemtune::data {
namespace fs = std::filesystem;
namespace {

struct FormatRow {
  std::string_view extension;
  FileFormat format;
};

constexpr std::array<FormatRow, 5> kFormats = {{{".parquet", FileFormat::kParquet},
                                                {".csv", FileFormat::kCsv},
                                                {".tsv", FileFormat::kTsv},
                                                {".jsonl", FileFormat::kJsonLines},
                                                {".json", FileFormat::kJsonLines}}};

struct CompressionRow {
  std::string_view extension;
  Compression compression;
};

constexpr std::array<CompressionRow, 4> kCompressions = {{{".gz", Compression::kGzip},
                                                          {".zst", Compression::kZstd},
                                                          {".bz2", Compression::kBzip2},
                                                          {".lz4", Compression::kLz4}}};

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
  // glob(3) sorts as the locale says, which differs between machines.
  std::sort(paths.begin(), paths.end());
  return paths;
}

DataFile CheckedFile(const fs::path& path) {
  DataFile file = FileOfPath(path);
  // A pipe could be read once only, and both the cache and Load read a file more than once.
  if (!fs::is_regular_file(path)) Fail("{}: is not a file", path.string());
  return file;
}

}  // namespace

DataFile FileOfPath(const fs::path& path) {
  const std::string lower_case = LowerCase(path.filename().string());
  std::string_view name = lower_case;
  DataFile file;
  file.path = path;
  for (const CompressionRow& row : kCompressions) {
    if (!name.ends_with(row.extension)) continue;
    file.compression = row.compression;
    name.remove_suffix(row.extension.size());
    break;
  }
  for (const FormatRow& row : kFormats) {
    const bool compressed = file.compression != Compression::kNone;
    if (!name.ends_with(row.extension) || (compressed && row.format == FileFormat::kParquet)) continue;
    file.format = row.format;
    return file;
  }
  Fail(
      "{}: unknown kind of file; supported are .parquet, and .csv .tsv .jsonl .json, these also with .gz "
      ".zst .bz2 or .lz4 behind",
      path.string());
}

std::vector<DataFile> ListFiles(const std::vector<std::string>& patterns) {
  std::vector<DataFile> files;
  for (const std::string& pattern : patterns) {
    std::error_code error;
    const fs::file_status status = fs::status(pattern, error);
    if (fs::is_directory(status)) {
      Fail("{}: is a directory; name its files, for example '{}'", pattern,
           (fs::path(pattern) / "*.parquet").string());
    }
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
