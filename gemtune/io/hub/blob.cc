#include "gemtune/io/hub/blob.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"

namespace gemtune::io::hub {
namespace fs = std::filesystem;
namespace {

constexpr size_t kSha256Digits = 64, kSha1Digits = 40;
constexpr size_t kReadBytes = size_t{1} << 20;

std::string ReasonOf(int error) {
  return std::generic_category().message(error);
}

[[noreturn]] void FailAt(const fs::path& path, const char* what) {
  const int error = errno;
  throw RunError(fmt::format("{}: {}: {}", path.string(), what, ReasonOf(error)));
}

std::optional<Digest> DigestFor(const std::string& etag, uint64_t bytes) {
  if (IsHex(etag, kSha256Digits)) return Digest::Sha256();
  if (IsHex(etag, kSha1Digits)) return Digest::GitBlob(bytes);
  return std::nullopt;
}

fs::path PartOf(fs::path blob) {
  blob += ".incomplete";
  return blob;
}

// Whether the open file is still the one of that name; some programs remove theirs after use.
bool IsStill(int descriptor, const fs::path& path) {
  struct stat open = {}, named = {};
  return ::fstat(descriptor, &open) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

}  // namespace

std::string BytesText(uint64_t bytes) {
  const auto number = static_cast<double>(bytes);
  if (bytes < 1'000) return fmt::format("{} bytes", bytes);
  if (bytes < 1'000'000) return fmt::format("{:.1f} kB", number / 1e3);
  return bytes < 1'000'000'000 ? fmt::format("{:.1f} MB", number / 1e6)
                               : fmt::format("{:.2f} GB", number / 1e9);
}

uint64_t PartialBytes(const fs::path& blob) {
  std::error_code error;
  const uintmax_t size = fs::file_size(PartOf(blob), error);
  return error ? 0 : size;
}

BlobLock::BlobLock(const fs::path& path, const std::string& what, const Note& note) {
  bool has_waited = false;
  while (true) {
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0664);
    if (descriptor_ < 0) FailAt(path, "cannot make the lock");
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return;  // the file system has none
      if (note && !std::exchange(has_waited, true))
        note(fmt::format("{}: waiting for another program that fetches it", what));
      while (::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
      }
    }
    if (IsStill(descriptor_, path)) return;
    ::close(descriptor_);
  }
}

BlobLock::~BlobLock() {
  ::close(descriptor_);  // which gives the lock back
}

PartialBlob::PartialBlob(fs::path blob, const std::string& etag, uint64_t bytes)
    : blob_(std::move(blob)),
      part_(PartOf(blob_)),
      etag_(etag),
      bytes_(bytes),
      digest_(DigestFor(etag, bytes)),
      descriptor_(::open(part_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644)) {
  if (descriptor_ < 0) FailAt(part_, "cannot write");
  try {
    ReadPart();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

PartialBlob::~PartialBlob() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void PartialBlob::ReadPart() {
  std::vector<std::byte> block(kReadBytes);
  while (true) {
    const ssize_t count = ::read(descriptor_, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) FailAt(part_, "cannot read");
    if (count == 0) break;
    if (digest_) digest_->Add(std::span(block).first(static_cast<size_t>(count)));
    size_ += static_cast<uint64_t>(count);
    if (size_ > bytes_) return Restart();  // of another program, or of another file
  }
}

void PartialBlob::Append(std::span<const std::byte> bytes) {
  if (bytes.size() > bytes_ - size_) {
    Restart();
    throw RunError(
        fmt::format("{}: more bytes came than the {} that the hub announced", blob_.string(), bytes_));
  }
  if (digest_) digest_->Add(bytes);
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) FailToWrite();
    size_ += static_cast<uint64_t>(count);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

void PartialBlob::FailToWrite() const {
  const int error = errno;
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  throw RunError(fmt::format("{}: {} ({}); {} of {} are kept, and running it again goes on from there",
                             blob_.string(), is_full ? "no room is left" : "cannot write", ReasonOf(error),
                             BytesText(size_), BytesText(bytes_)));
}

void PartialBlob::Restart() {
  if (::ftruncate(descriptor_, 0) != 0 || ::lseek(descriptor_, 0, SEEK_SET) != 0)
    FailAt(part_, "cannot write");
  size_ = 0;
  digest_ = DigestFor(etag_, bytes_);
}

void PartialBlob::Commit() {
  GEMTUNE_CHECK(is_full());
  if (digest_) {
    if (const std::string hash = digest_->Hex(); hash != etag_) {
      ::unlink(part_.c_str());
      throw RunError(fmt::format(
          "{}: what came has the hash {}, not {}; it was removed, and running it again fetches it anew",
          blob_.string(), hash, etag_));
    }
  }
  if (::fsync(descriptor_) != 0) FailToWrite();
  if (::rename(part_.c_str(), blob_.c_str()) != 0) FailAt(blob_, "cannot rename to it");
}

}  // namespace gemtune::io::hub
