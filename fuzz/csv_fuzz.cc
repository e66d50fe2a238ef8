#include "fuzz/table.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gemtune::fuzz::ReadRows("rows.csv", data, size);
  return gemtune::fuzz::ReadRows("rows.tsv", data, size);
}
