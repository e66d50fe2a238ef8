#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace gemtune {

/// Reads a whole file. Throws Error if it cannot be opened, is not a regular file or is larger than
/// `max_bytes`.
std::string ReadFile(const std::filesystem::path& path, uint64_t max_bytes = uint64_t{1} << 30);

/// A file written piece by piece under a temporary name beside its target. Commit() flushes it to the disk
/// and renames it: a reader sees the old file or the whole new one. Without Commit() the destructor removes
/// it. All methods throw RunError where the disk refuses, which names the target, also of a file in an
/// AtomicDirectory.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends; nothing is buffered here.
  void Write(std::string_view bytes);

  void Commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// AtomicFile of one piece.
void WriteFileAtomically(const std::filesystem::path& path, std::string_view contents);

/// A directory written under a temporary name, beside its target or, where that exists, in it. Commit()
/// flushes it and renames it into place; without Commit() the destructor removes it, so a run that dies
/// leaves no half-written model under the final name.
class AtomicDirectory {
 public:
  /// Makes `<target>.tmp-<random>` (parents included) or `<target>/incomplete.tmp-<random>`. Throws Error if
  /// the place is not writable.
  explicit AtomicDirectory(std::filesystem::path target);
  ~AtomicDirectory();
  AtomicDirectory(const AtomicDirectory&) = delete;
  AtomicDirectory& operator=(const AtomicDirectory&) = delete;

  const std::filesystem::path& path() const { return temporary_; }

  /// Moves the directory to its target. Files of the same name in an existing target are replaced one by one,
  /// each atomically, in falling order of their names; other files there are kept. Throws RunError.
  void Commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

/// Removes a directory with all that is in it under a temporary name: a process that dies meanwhile leaves no
/// half of it under its own. Throws RunError.
void RemoveDirectory(const std::filesystem::path& path);

/// Removes what a process that died left in `directory` of the above: entries with temporary names. Only for
/// a caller that knows that no other process writes there. Returns their number.
int64_t RemoveLeftovers(const std::filesystem::path& directory);

}  // namespace gemtune
