#include "gemtune/base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <system_error>
#include <vector>

#include "gemtune/base/error.h"

namespace gemtune {
namespace fs = std::filesystem;
namespace {

std::string ErrnoText() {
  return std::generic_category().message(errno);
}

// Closes on scope exit; the descriptor of a file being flushed.
class Descriptor {
 public:
  explicit Descriptor(const fs::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

constexpr std::string_view kTemporary = ".tmp-";
constexpr size_t kTemporaryDigits = 16;
constexpr std::string_view kIncomplete = "incomplete";  // a temporary directory inside its target

fs::path TemporaryName(fs::path name) {
  // Random, because a process id is unique neither among threads nor among machines that share the directory.
  std::random_device random;
  name += fmt::format("{}{:08x}{:08x}", kTemporary, random(), random());
  return name;
}

bool IsTemporary(const std::string& name) {
  const size_t digits = name.rfind(kTemporary) + kTemporary.size();
  return name.rfind(kTemporary) != name.npos && name.size() == digits + kTemporaryDigits &&
         name.find_first_not_of("0123456789abcdef", digits) == name.npos;
}

// The path without its temporary parts, that is, the name that the user knows.
fs::path FinalName(const fs::path& path) {
  fs::path name;
  for (const fs::path& part : path) {
    const std::string text = part.string();
    const std::string known = IsTemporary(text) ? text.substr(0, text.rfind(kTemporary)) : text;
    if (known == text || known != kIncomplete) name /= known;
  }
  return name;
}

[[noreturn]] void Refused(const fs::path& path, const char* what) {
  const std::string reason = ErrnoText();
  throw RunError(fmt::format("{}: {}: {}", FinalName(path).string(), what, reason));
}

void FlushToDisk(const fs::path& path) {
  const Descriptor file(path);
  if (file.get() < 0 || ::fsync(file.get()) != 0) Refused(path, "cannot flush to disk");
}

void Rename(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) Refused(to, "cannot rename to it");
}

// Inside the target if it exists: its parent may be on another file system, so that renaming fails (a mounted
// volume), or not writable.
fs::path TemporaryDirectoryName(const fs::path& target) {
  std::error_code error;
  if (fs::is_directory(target, error)) return TemporaryName(target / kIncomplete);
  return TemporaryName(target.filename().empty() ? target.parent_path()
                                                 : target);  // "out/" names the directory "out"
}

}  // namespace

std::string ReadFile(const fs::path& path, uint64_t max_bytes) {
  std::error_code error;
  if (fs::is_directory(path, error)) Fail("{}: is a directory, not a file", path.string());
  // Opening a pipe without a writer would wait forever.
  if (fs::exists(path, error) && !fs::is_regular_file(path, error))
    Fail("{}: is not a regular file", path.string());
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail("{}: cannot open: {}", path.string(), ErrnoText());
  std::string contents;
  std::vector<char> block(1 << 16);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
    contents.append(block.data(), static_cast<size_t>(file.gcount()));
    if (contents.size() > max_bytes) Fail("{}: larger than {} bytes", path.string(), max_bytes);
  }
  if (file.bad()) Fail("{}: cannot read: {}", path.string(), ErrnoText());
  return contents;
}

AtomicFile::AtomicFile(fs::path target)
    : target_(std::move(target)),
      temporary_(TemporaryName(target_)),
      descriptor_(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) Refused(target_, "cannot write");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove(temporary_, ignored);
}

void AtomicFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor_, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) Refused(target_, "cannot write");
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
}

void AtomicFile::Commit() {
  if (::fsync(descriptor_) != 0) Refused(target_, "cannot flush to disk");
  Rename(temporary_, target_);
  temporary_.clear();  // nothing is left for the destructor to remove
}

void WriteFileAtomically(const fs::path& path, std::string_view contents) {
  AtomicFile file(path);
  file.Write(contents);
  file.Commit();
}

AtomicDirectory::AtomicDirectory(fs::path target)
    : target_(std::move(target)), temporary_(TemporaryDirectoryName(target_)) {
  std::error_code error;
  if (fs::exists(target_, error) && !fs::is_directory(target_, error)) {
    Fail("{}: is a file; an output directory is needed", target_.string());
  }
  fs::create_directories(temporary_, error);
  if (error) Fail("{}: cannot make the directory: {}", target_.string(), error.message());
}

AtomicDirectory::~AtomicDirectory() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
}

void AtomicDirectory::Commit() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(temporary_)) {
    FlushToDisk(entry.path());
    if (!entry.is_directory()) files.push_back(fs::relative(entry.path(), temporary_));
  }
  FlushToDisk(temporary_);
  // In descending order, so that a model's config.json comes last: without it no program takes the directory
  // for a model.
  std::sort(files.begin(), files.end(), std::greater<>());
  std::error_code error;
  if (!fs::exists(target_, error)) {
    Rename(temporary_, target_);
  } else {
    for (const fs::path& file : files) {
      fs::create_directories((target_ / file).parent_path(), error);
      Rename(temporary_ / file, target_ / file);
    }
    fs::remove_all(temporary_, error);
  }
  committed_ = true;
  const fs::path parent = fs::absolute(target_).lexically_normal().parent_path();
  FlushToDisk(parent.empty() ? fs::path(".") : parent);
}

void RemoveDirectory(const fs::path& path) {
  const fs::path doomed = TemporaryName(path);
  Rename(path, doomed);
  std::error_code error;
  fs::remove_all(doomed, error);
  if (error) throw RunError(fmt::format("{}: cannot remove: {}", path.string(), error.message()));
}

int64_t RemoveLeftovers(const fs::path& directory) {
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (IsTemporary(entry.path().filename().string())) leftovers.push_back(entry.path());
  }
  for (const fs::path& path : leftovers) fs::remove_all(path);
  return std::ssize(leftovers);
}

}  // namespace gemtune
