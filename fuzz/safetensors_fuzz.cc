#include "fuzz/fuzz.h"
#include "gemtune/io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace fuzz = gemtune::fuzz;
  return fuzz::Run([&] {
    const auto file = gemtune::io::SafetensorsFile::Open(fuzz::Write("model.safetensors", data, size));
    std::byte sum{};
    for (const auto& [name, tensor] : file.tensors()) {
      for (const std::byte byte : tensor.data) sum ^= byte;
    }
    const volatile std::byte used = sum;
    static_cast<void>(used);
  });
}
