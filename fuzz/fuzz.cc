#include "fuzz/fuzz.h"

#include <cstdlib>
#include <fstream>

#include "gemtune/base/log.h"

namespace gemtune::fuzz {
namespace fs = std::filesystem;
namespace {

struct Folder {
  Folder() {
    std::string name = fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path().string();
    name += "/gemtune-fuzz-XXXXXX";
    GEMTUNE_CHECK(::mkdtemp(name.data()) != nullptr);
    path = name;
    log::SetLevel(log::Level::kError);  // a warning an execution would drown libFuzzer's own lines
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

}  // namespace

const fs::path& Directory() {
  static const Folder folder;
  return folder.path;
}

fs::path Write(const std::string& name, const uint8_t* data, size_t size) {
  fs::path path = Directory() / name;
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  return path;
}

}  // namespace gemtune::fuzz
