#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <utility>

namespace gemtune::io {

/// A file mapped for reading. Move only; share it through a shared_ptr. Bytes are read from the disk when
/// first touched; as with any mapping, a file that someone truncates meanwhile ends the process (SIGBUS).
class MappedFile {
 public:
  /// Throws Error if `path` is missing, unreadable or not a regular file (directory, pipe, device). An empty
  /// file has no bytes.
  static MappedFile Open(const std::filesystem::path& path);

  MappedFile(MappedFile&& other) noexcept
      : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  MappedFile(std::filesystem::path path, std::span<const std::byte> bytes)
      : path_(std::move(path)), bytes_(bytes) {}

  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
};

/// Drops the pages with these bytes of a MappedFile from this process's resident memory (the system may still
/// cache them). They may be read again, which loads them again.
void DropPages(std::span<const std::byte> bytes);

}  // namespace gemtune::io
