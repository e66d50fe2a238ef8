#include "gemtune/model/names.h"

#include <charconv>

#include "gemtune/base/error.h"

namespace gemtune::model {

bool IsOfHead(std::string_view name) {
  return !name.starts_with(kTrunk);
}

bool IsOfEmbedding(std::string_view name) {
  return name.starts_with("model.embed_tokens.");
}

bool IsOfFinalNorm(std::string_view name) {
  return name.starts_with("model.norm.");
}

bool IsOfAdapter(std::string_view name) {
  return name.find(".lora_") != name.npos;
}

std::optional<int64_t> LayerOf(std::string_view name) {
  if (!name.starts_with(kLayers)) return std::nullopt;
  int64_t layer = 0;
  const auto [end, error] = std::from_chars(name.data() + kLayers.size(), name.data() + name.size(), layer);
  GEMTUNE_CHECK(error == std::errc());
  return layer;
}

}  // namespace gemtune::model
