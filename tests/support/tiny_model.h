#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <map>
#include <string>

#include "gemtune/io/checkpoint.h"
#include "gemtune/io/safetensors.h"
#include "gemtune/model/heads.h"
#include "gemtune/model/pretrained.h"

namespace gemtune::test {

inline std::filesystem::path GoldenDir() {
  return std::filesystem::path(GEMTUNE_SOURCE_DIR) / "tests" / "model" / "golden" / "tiny";
}

/// What transformers computed with the tiny model; see tests/model/golden/generate_tiny.py.
inline std::map<std::string, at::Tensor> Golden() {
  const auto file = io::SafetensorsFile::Open(GoldenDir() / "golden.safetensors");
  const std::map<DType, at::ScalarType> types = {{DType::kF32, at::kFloat},
                                                 {DType::kF64, at::kDouble},
                                                 {DType::kI64, at::kLong},
                                                 {DType::kI32, at::kInt}};
  std::map<std::string, at::Tensor> golden;
  for (const auto& [name, view] : file.tensors()) {
    golden[name] =
        at::from_blob(const_cast<std::byte*>(view.data.data()), view.shape, types.at(view.dtype)).clone();
  }
  return golden;
}

inline std::vector<int32_t> ToVector(const at::Tensor& t) {
  return {t.data_ptr<int32_t>(), t.data_ptr<int32_t>() + t.numel()};
}

/// The tiny model with transformers' weights, in fp32.
inline model::SequenceClassifier TinyClassifier() {
  const auto checkpoint = io::Checkpoint::Open(GoldenDir());
  const auto config = model::Gemma3TextConfig::FromJson(checkpoint.config(), "tiny");
  model::SequenceClassifier classifier(config, 3, at::TensorOptions().dtype(at::kFloat));
  model::LoadParameters(checkpoint, *classifier, "");
  return classifier;
}

}  // namespace gemtune::test
