#include "gemtune/base/writable_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "gemtune/base/error.h"

namespace gemtune {

void MakeWritableDirectory(const std::filesystem::path& path, const std::string& option) {
  std::error_code error, ignored;
  std::filesystem::create_directories(path, error);
  if (!std::filesystem::is_directory(path, ignored)) {
    const bool is_there = std::filesystem::exists(path, ignored);
    Fail("{}: {}; give another {}", path.string(), is_there ? "is a file" : error.message(), option);
  }
  if (::faccessat(AT_FDCWD, path.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    Fail("{}: cannot write: {}; give another {}", path.string(), std::generic_category().message(errno),
         option);
  }
}

}  // namespace gemtune
