#include "gemtune/cli/version.h"

#include <ATen/Version.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <thread>

#include "gemtune/base/processors.h"
#include "gemtune/data/arrow_version.h"
#include "gemtune/ops/cuda_plugin.h"
#include "gemtune/ops/device.h"

namespace gemtune::cli {
namespace {

// The version of the library that is loaded, which may be newer than the headers.
std::string LibTorchVersion() {
  const std::string settings = at::show_config(), key = "TORCH_VERSION=";
  const size_t begin = settings.find(key);
  if (begin == std::string::npos) return "unknown";
  return settings.substr(begin + key.size(), settings.find(',', begin) - begin - key.size());
}

std::string Instructions() {
  const std::vector<std::string> names = ops::InstructionsInUse();
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, " "));
}

std::string CudaPluginState() {
  const std::filesystem::path file = ops::FindCudaPlugin();
  return file.empty() ? "none" : fmt::format("{} (build {})", file.string(), ops::CudaBuild());
}

}  // namespace

std::string VersionReport() {
  const std::string name = ProcessorName();
  return fmt::format(
      "gemtune {}\n"
      "LibTorch      {}\n"
      "Arrow         {}\n"
      "processor     {}{} of {} used\n"
      "instructions  {}\n"
      "CUDA plugin   {}\n",
      GEMTUNE_VERSION, LibTorchVersion(), data::ArrowVersion(), name.empty() ? "" : name + ", ",
      UsableProcessors(), std::thread::hardware_concurrency(), Instructions(), CudaPluginState());
}

}  // namespace gemtune::cli
