#include "gemtune/model/source.h"

#include <utility>

namespace gemtune::model {

ModelSource ModelSource::Open(const std::filesystem::path& path) {
  io::Checkpoint checkpoint = io::Checkpoint::Open(path);
  auto config = Gemma3TextConfig::FromJson(checkpoint.config(), path.string() + ": config");
  return {.path = path, .checkpoint = std::move(checkpoint), .config = std::move(config)};
}

}  // namespace gemtune::model
