#include "gemtune/train/trainer_state.h"

#include "fuzz/fuzz.h"
#include "gemtune/io/json_file.h"

// Where a checkpoint says that its run stands, and that it is written as it was read. The checkpoint's
// tensors are safetensors, options and inputs are JSON that is compared as a whole.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace fuzz = gemtune::fuzz;
  return fuzz::Run([&] {
    const auto json = gemtune::io::ParseJsonFile(fuzz::Write("trainer_state.json", data, size));
    const auto text = ToJson(gemtune::train::TrainerStateFromJson(json, "trainer_state.json"));
    GEMTUNE_CHECK(ToJson(gemtune::train::TrainerStateFromJson(text, "again")) == text);
  });
}
