#include <vector>

#include "fuzz/fuzz.h"
#include "gemtune/io/checkpoint.h"
#include "gemtune/io/gguf.h"
#include "gemtune/kernels/quant.h"
#include "gemtune/text/tokenizer.h"

// As a checkpoint (tensors read, config made) and as a tokenizer.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace fuzz = gemtune::fuzz;
  namespace io = gemtune::io;
  const auto path = fuzz::Write("model.gguf", data, size);
  fuzz::Run([&] {
    const auto file = io::GgufFile::Open(path);
    for (const auto& tensor : file.tensors()) {
      const auto& block = gemtune::kernels::Info(tensor.type);
      const auto elements = static_cast<int64_t>(tensor.data.size()) / block.bytes * block.elements;
      std::vector<float> values(static_cast<size_t>(elements));
      gemtune::kernels::Dequantize(tensor.type, tensor.data.data(), elements, values.data());
    }
  });
  fuzz::Run([&] {
    const auto checkpoint = io::Checkpoint::Open(path);
    for (const io::TensorInfo& tensor : checkpoint.tensors()) {
      size_t elements = 1;
      for (const int64_t side : tensor.shape) elements *= static_cast<size_t>(side);
      std::vector<uint16_t> values(elements);
      checkpoint.Read(tensor.name, gemtune::DType::kBF16, values.data());
    }
  });
  return fuzz::Run([&] { gemtune::text::Tokenizer::Load(path).Encode("The cat\nsat <b>\xf0\x9f\x90\x88"); });
}
