#include "gemtune/base/scratch_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "gemtune/base/error.h"

namespace gemtune {
namespace {

// Allocates the disk space now: a lack of it is then an error, not a SIGBUS when a page is written. Returns
// errno.
int MapWithRoom(int descriptor, size_t bytes, std::byte*& data) {
  if (const int error = ::posix_fallocate(descriptor, 0, static_cast<off_t>(bytes)); error != 0) return error;
  void* address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (address == MAP_FAILED) return errno;
  data = static_cast<std::byte*>(address);
  return 0;
}

}  // namespace

ScratchFile::ScratchFile(const std::filesystem::path& directory, int64_t bytes)
    : size_(static_cast<size_t>(bytes)) {
  GEMTUNE_CHECK(bytes > 0);
  std::string name = (directory / "scratch.tmp-XXXXXX").string();
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  int error = errno;
  if (descriptor >= 0) {
    ::unlink(name.c_str());
    error = MapWithRoom(descriptor, size_, data_);
    ::close(descriptor);
  }
  if (data_ == nullptr) {
    throw RunError(fmt::format("{}: cannot keep a file of {:.1f} GB there: {}", directory.string(),
                               static_cast<double>(bytes) / 1e9, std::generic_category().message(error)));
  }
}

ScratchFile::~ScratchFile() {
  ::munmap(data_, size_);
}

}  // namespace gemtune
