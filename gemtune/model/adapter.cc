#include "gemtune/model/adapter.h"

#include <string>
#include <system_error>

#include "gemtune/model/adapter_weights.h"
#include "gemtune/model/names.h"

namespace gemtune::model {
namespace fs = std::filesystem;

bool IsAdapter(const fs::path& path) {
  std::error_code error;
  return fs::exists(path / kAdapterConfigName, error);
}

void WriteAdapter(const fs::path& directory, const torch::nn::Module& model, const AdapterConfig& config) {
  WriteAdapterWeights(directory, model, config.lora.trunk_prefix.value_or(std::string(kTrunk)));
  WriteAdapterConfig(directory, config);
}

}  // namespace gemtune::model
