#include "fuzz/table.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return gemtune::fuzz::ReadRows("rows.txt", data, size, {.text = "text"});
}
