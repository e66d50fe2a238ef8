#include "fuzz/fuzz.h"
#include "gemtune/model/adapter_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace fuzz = gemtune::fuzz;
  return fuzz::Run([&] {
    fuzz::Write("adapter_config.json", data, size);
    gemtune::model::ReadAdapterConfig(fuzz::Directory());
  });
}
