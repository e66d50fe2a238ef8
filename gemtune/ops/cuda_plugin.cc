#include "gemtune/ops/cuda_plugin.h"

#include <dlfcn.h>

#include <cstdlib>

#include "gemtune/base/error.h"

namespace gemtune::ops {
namespace fs = std::filesystem;

namespace {

constexpr const char* kFileName = "libgemtune_cuda.so";
constexpr const char* kHowToBuild =
    "build gemtune from its source with scripts/setup.sh --cuda, or use `device` cpu";

const CudaPlugin*& Loaded() {
  static const CudaPlugin* plugin = nullptr;
  return plugin;
}

}  // namespace

std::string CudaBuild() {
  return GEMTUNE_CUDA_BUILD;
}

const CudaPlugin* LoadedCudaPlugin() {
  return Loaded();
}

void UseCudaPlugin(const CudaPlugin* plugin) {
  Loaded() = plugin;
}

fs::path FindCudaPlugin() {
  if (const char* given = std::getenv("GEMTUNE_CUDA_PLUGIN"); given != nullptr && *given != '\0')
    return given;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& folder : {program, program / "../lib", program / "../lib/gemtune"}) {
    const fs::path file = (folder / kFileName).lexically_normal();
    if (fs::exists(file, error)) return file;
  }
  return {};
}

const CudaPlugin& LoadCudaPlugin(const fs::path& file) {
  if (Loaded() != nullptr) return *Loaded();
  if (file.empty())
    Fail("`device` cuda: this gemtune was built without its part for CUDA ({}); {}", kFileName, kHowToBuild);
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) {
    const std::string why = ::dlerror();
    Fail("`device` cuda: {}; if it is a library of NVIDIA's, {}", Printable(why, 300),
         "install what scripts/setup.sh --cuda installs");
  }
  const auto get = reinterpret_cast<const CudaPlugin* (*)()>(::dlsym(library, "gemtune_cuda_plugin"));
  if (get == nullptr) Fail("`device` cuda: {}: is not a plugin of gemtune", file.string());
  const CudaPlugin* plugin = get();
  if (plugin->build != CudaBuild()) {
    Fail("`device` cuda: {}: is of another build ({}) than this program ({}); {}", file.string(),
         Printable(plugin->build, 100), CudaBuild(), kHowToBuild);
  }
  Loaded() = plugin;
  return *plugin;
}

}  // namespace gemtune::ops
