#include "gemtune/io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "gemtune/base/error.h"

namespace gemtune::io {
namespace {

std::string ErrnoText() {
  return std::generic_category().message(errno);
}

std::span<const std::byte> Map(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) Fail("{}: cannot open: {}", path.string(), ErrnoText());
  if (S_ISDIR(status.st_mode)) Fail("{}: is a directory, not a file", path.string());
  if (!S_ISREG(status.st_mode)) Fail("{}: is not a regular file", path.string());
  if (status.st_size == 0) return {};  // mmap refuses a length of 0
  const auto size = static_cast<size_t>(status.st_size);
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (address == MAP_FAILED) Fail("{}: cannot map into memory: {}", path.string(), ErrnoText());
  return {static_cast<const std::byte*>(address), size};
}

}  // namespace

MappedFile MappedFile::Open(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a pipe without a writer must not hang; a regular file does not care.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) Fail("{}: cannot open: {}", path.string(), ErrnoText());
  try {
    MappedFile file(path, Map(descriptor, path));
    ::close(descriptor);
    return file;
  } catch (...) {
    ::close(descriptor);
    throw;
  }
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void DropPages(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const size_t in_page = reinterpret_cast<uintptr_t>(bytes.data()) % static_cast<size_t>(::getpagesize());
  ::madvise(const_cast<std::byte*>(bytes.data() - in_page), in_page + bytes.size(), MADV_DONTNEED);
}

}  // namespace gemtune::io
