#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace gemtune::data {

enum class FileFormat { kParquet, kCsv, kTsv, kJsonLines, kPlainText };
enum class Compression { kNone, kGzip, kZstd, kBzip2, kLz4 };

struct DataFile {
  std::filesystem::path path;
  FileFormat format = FileFormat::kParquet;
  Compression compression = Compression::kNone;  // of the whole file; never for kParquet
};

/// Throws Error, which says what to do, if the file is plain text, which has no columns.
void RefusePlainText(const DataFile& file);

/// The kind of a file by its extension, in upper or lower case. Throws an Error for an unsupported kind that
/// says what to convert it to.
DataFile FileOfPath(const std::filesystem::path& path);

/// The files that paths and globs (* ? [...], as in glob(3)) name, in the order given; those of one glob are
/// sorted by bytes. A path that exists is taken literally even if it looks like a glob. Throws Error for a
/// glob that matches nothing and for a path that does not exist or is not a file. For a directory, the
/// message names usable files in it, or says how to convert it if `datasets` wrote it.
std::vector<DataFile> ListFiles(const std::vector<std::string>& patterns);

}  // namespace gemtune::data
