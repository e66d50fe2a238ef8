#include <filesystem>

#include "fuzz/fuzz.h"
#include "gemtune/base/file.h"
#include "gemtune/io/checkpoint.h"

namespace {

using gemtune::fuzz::Directory;

// A complete model in two shards, of which the input is the index.
bool Prepare() {
  const std::filesystem::path golden = GEMTUNE_SOURCE_DIR "/tests/model/golden/tiny";
  for (const char* name : {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"})
    std::filesystem::copy_file(golden / "model.safetensors", Directory() / name);
  std::filesystem::copy_file(golden / "config.json", Directory() / "config.json");
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool prepared = Prepare();
  static_cast<void>(prepared);
  return gemtune::fuzz::Run([&] {
    gemtune::fuzz::Write("model.safetensors.index.json", data, size);
    gemtune::io::Checkpoint::Open(Directory());
  });
}
