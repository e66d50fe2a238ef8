#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "gemtune/io/hub/digest.h"
#include "gemtune/io/hub/patience.h"

namespace gemtune::io::hub {

/// Holds the lock that Hugging Face's programs, too, take on a blob while they fetch it.
class BlobLock {
 public:
  /// Waits for another process that has it, and says so once. Throws RunError if the file cannot be made; a
  /// file system without locks is used without.
  BlobLock(const std::filesystem::path& path, const std::string& what, const Note& note);
  ~BlobLock();
  BlobLock(const BlobLock&) = delete;
  BlobLock& operator=(const BlobLock&) = delete;

 private:
  int descriptor_ = -1;
};

/// A blob that is being fetched, in <etag>.incomplete beside its place. What is there already is kept, to be
/// gone on from. All methods throw RunError.
class PartialBlob {
 public:
  /// Reads what is there. `etag` names the contents by a SHA-256 or by git's SHA-1; any other is not checked.
  PartialBlob(std::filesystem::path blob, const std::string& etag, uint64_t bytes);
  ~PartialBlob();
  PartialBlob(const PartialBlob&) = delete;
  PartialBlob& operator=(const PartialBlob&) = delete;

  uint64_t size() const { return size_; }
  bool is_full() const { return size_ == bytes_; }

  void Append(std::span<const std::byte> bytes);
  void Restart();

  /// Checks the hash, then gives the blob its name. With a wrong hash nothing is left of it.
  void Commit();

 private:
  void ReadPart();
  [[noreturn]] void FailToWrite() const;

  std::filesystem::path blob_, part_;
  std::string etag_;
  uint64_t bytes_, size_ = 0;
  std::optional<Digest> digest_;
  int descriptor_;
};

/// "536.2 MB", "714 bytes".
std::string BytesText(uint64_t bytes);

/// How many bytes of a blob are in its <etag>.incomplete.
uint64_t PartialBytes(const std::filesystem::path& blob);

}  // namespace gemtune::io::hub
