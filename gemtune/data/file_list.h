#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace gemtune::data {

enum class FileFormat { kParquet, kCsv, kTsv, kJsonLines };
enum class Compression { kNone, kGzip, kZstd, kBzip2, kLz4 };

struct DataFile {
  std::filesystem::path path;
  FileFormat format = FileFormat::kParquet;
  Compression compression = Compression::kNone;  // around the format, never for kParquet
};

/// What a file is by its extension, whatever its case. Throws Error for one that is not supported, with what
/// can be made of it.
DataFile FileOfPath(const std::filesystem::path& path);

/// The files that paths and globs (* ? [...], as glob(3)) name, in the order given, those of one glob sorted
/// by bytes. A path that exists is taken as it is even if it looks like a glob. Throws Error for a path that
/// does not exist, is a directory (with the files in it that can be named, or how to make some where
/// `datasets` wrote it) or anything but a file, and for a glob that matches nothing.
std::vector<DataFile> ListFiles(const std::vector<std::string>& patterns);

}  // namespace gemtune::data
