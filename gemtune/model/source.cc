#include "gemtune/model/source.h"

#include <utility>

#include "gemtune/io/hub/cache.h"

namespace gemtune::model {

ModelSource ModelSource::Open(const std::filesystem::path& model) {
  const std::filesystem::path path = io::hub::FindModel(model);
  io::Checkpoint checkpoint = io::Checkpoint::Open(path);
  auto config = Gemma3TextConfig::FromJson(checkpoint.config(), path.string() + ": config");
  return {.path = path, .checkpoint = std::move(checkpoint), .config = std::move(config)};
}

}  // namespace gemtune::model
