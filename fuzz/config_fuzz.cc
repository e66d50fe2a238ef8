#include "fuzz/fuzz.h"
#include "gemtune/io/json_file.h"
#include "gemtune/model/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace fuzz = gemtune::fuzz;
  return fuzz::Run([&] {
    const auto json = gemtune::io::ParseJsonFile(fuzz::Write("config.json", data, size));
    const auto config = gemtune::model::Gemma3TextConfig::FromJson(json, "config.json");
    const volatile int64_t parameters = config.num_layer_parameters();
    static_cast<void>(parameters);
  });
}
