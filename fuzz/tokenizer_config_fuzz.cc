#include <filesystem>

#include "fuzz/fuzz.h"
#include "gemtune/text/tokenizer.h"

// Beside the tokenizer.json that it belongs to, and beside the tokenizer.model.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace fs = std::filesystem;
  namespace fuzz = gemtune::fuzz;
  static const auto make = [](const char* folder, const char* name) {
    const fs::path source = fs::path(GEMTUNE_SOURCE_DIR "/tests/text/golden") / folder / name;
    fs::create_directories(fuzz::Directory() / folder);
    fs::copy_file(source, fuzz::Directory() / folder / name);
    return true;
  };
  static const bool made = make("tiny", "tokenizer.json") && make("tiny_spm", "tokenizer.model");
  static_cast<void>(made);
  for (const std::string folder : {"tiny", "tiny_spm"}) {
    fuzz::Run([&] {
      fuzz::Write(folder + "/tokenizer_config.json", data, size);
      gemtune::text::Tokenizer::Load(fuzz::Directory() / folder).Encode("The cat <bos>\t <b>\n\n\u3000cat_");
    });
  }
  return 0;
}
