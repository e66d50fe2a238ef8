#include "gemtune/ops/device.h"

#include <ATen/ATen.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/cuda_plugin.h"

namespace gemtune::ops {
namespace {

namespace fs = std::filesystem;

// The number in "cuda:N"; "cuda" is the first.
int CardNumber(const std::string& name) {
  const std::string text = name.size() > 4 ? name.substr(5) : "0";
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_name = name.starts_with("cuda") && (name.size() == 4 || name[4] == ':');
  if (!is_name || error != std::errc() || end != text.data() + text.size() || number < 0)
    Fail("`device` '{}' is not {}", Printable(name), kDeviceNames);
  return number;
}

Device OpenCard(const std::string& name) {
  const int number = CardNumber(name);
  const CudaPlugin& plugin = LoadCudaPlugin(FindCudaPlugin());
  std::string trouble;
  const std::vector<Card> cards = plugin.cards(trouble);
  if (cards.empty()) Fail("`device` {}: {}", name, trouble);
  if (number >= std::ssize(cards)) {
    Fail("`device` {}: there {} only {} card{}, counted from 0", name, cards.size() == 1 ? "is" : "are",
         cards.size(), cards.size() == 1 ? "" : "s");
  }
  if (trouble = plugin.open(number); !trouble.empty()) Fail("`device` {}: {}", name, trouble);
  return {at::kCUDA, static_cast<c10::DeviceIndex>(number)};
}

// Whether a driver has made its devices: without one, nothing is loaded to look for cards.
bool HasDriver() {
  std::error_code error;
  return fs::exists("/dev/nvidiactl", error) ||
         fs::exists("/dev/dxg", error);  // the second: in Windows' Linux
}

Card CardOf(const Device& device) {
  GEMTUNE_CHECK(device.is_cuda() && LoadedCudaPlugin() != nullptr);
  std::string trouble;
  return LoadedCudaPlugin()->cards(trouble).at(static_cast<size_t>(device.index()));
}

}  // namespace

bool IsOnCard(const at::Tensor& tensor) {
  const CudaPlugin* plugin = LoadedCudaPlugin();
  return plugin != nullptr && tensor.device().type() == plugin->device_type;
}

Device FindDevice(const std::string& name) {
  if (name == "cpu") return Host();
  if (name != "auto") return OpenCard(name);
  if (!HasDriver() || FindCudaPlugin().empty()) return Host();
  try {
    return OpenCard("cuda");
  } catch (const Error& error) {
    log::Warning("{}; the processor is used", error.what());
    return Host();
  }
}

void UseDeterministicAlgorithms() {
  // cuBLAS asks for it, and reads it when it starts.
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  // New tensors need not be filled: what is not written is not read.
  at::globalContext().setDeterministicFillUninitializedMemory(false);
}

DeviceInfo InfoOf(const Device& device) {
  const Card card = CardOf(device);
  return {.name = card.name,
          .capability = fmt::format("{}.{}", card.major, card.minor),
          .total_bytes = card.total_bytes,
          .free_bytes = LoadedCudaPlugin()->free_bytes(device.index())};
}

int64_t PeakBytes(const Device& device) {
  GEMTUNE_CHECK(!IsHost(device));
  return LoadedCudaPlugin()->peak_bytes(device.index());
}

bool HasFastBFloat16(const Device& device) {
  return IsHost(device) ? cpu::HasFastBFloat16() : CardOf(device).major >= 8;
}

std::vector<std::string> InstructionsInUse() {
  return cpu::InstructionsInUse();
}

void Synchronize(const Device& device) {
  if (!IsHost(device)) LoadedCudaPlugin()->synchronize();
}

at::Tensor Upload(const at::Tensor& tensor, const Device& device) {
  if (tensor.device() == device) return tensor;
  // Only a copy out of pinned memory does not wait; the allocator of such memory keeps it until the copy is
  // done.
  return tensor.pin_memory().to(device, /*non_blocking=*/true);
}

template <typename T>
at::Tensor UploadNumbers(const std::vector<T>& numbers, const Device& device) {
  return Upload(at::tensor(numbers, c10::CppTypeToScalarType<T>::value), device);
}
template at::Tensor UploadNumbers(const std::vector<int64_t>& numbers, const Device& device);
template at::Tensor UploadNumbers(const std::vector<int32_t>& numbers, const Device& device);

}  // namespace gemtune::ops
