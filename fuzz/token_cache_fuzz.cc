#include "fuzz/token_cache.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace fuzz = gemtune::fuzz;
  static const gemtune::data::TokenCache cache = fuzz::TinyCache();
  return fuzz::Run([&] {
    std::filesystem::create_directories(cache.path().parent_path());
    fuzz::Write(std::filesystem::relative(cache.path(), fuzz::Directory()).string(), data, size);
    if (auto examples = cache.Read()) gemtune::data::Dataset(std::move(*examples), cache.path());
  });
}
