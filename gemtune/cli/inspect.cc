#include "gemtune/cli/inspect.h"

#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <iostream>
#include <map>
#include <numeric>

#include "gemtune/base/error.h"
#include "gemtune/model/source.h"
#include "gemtune/ops/device.h"

namespace gemtune::cli {
namespace {

int64_t Elements(const io::TensorInfo& tensor) {
  return std::accumulate(tensor.shape.begin(), tensor.shape.end(), int64_t{1}, std::multiplies<>());
}

std::string Megabytes(int64_t bytes) {
  return fmt::format("{:.0f} MB", static_cast<double>(bytes) / 1e6);
}

std::string Millions(int64_t parameters) {
  return fmt::format("{:.1f} M", static_cast<double>(parameters) / 1e6);
}

void PrintArchitecture(const model::Gemma3TextConfig& config) {
  const model::Variant* variant = model::FindVariant(config);
  const auto globals = std::count(config.layer_is_global.begin(), config.layer_is_global.end(), true);
  fmt::print(std::cout, "variant             {}\n",
             variant == nullptr ? "none of the published sizes" : variant->name);
  fmt::print(std::cout, "layers              {} ({} local with a window of {} tokens, {} global)\n",
             config.num_hidden_layers, config.num_hidden_layers - globals, config.sliding_window, globals);
  fmt::print(std::cout, "hidden_size         {}\nintermediate_size   {}\n", config.hidden_size,
             config.intermediate_size);
  fmt::print(std::cout, "attention           {} heads, {} key/value heads, head_dim {}\n",
             config.num_attention_heads, config.num_key_value_heads, config.head_dim);
  fmt::print(std::cout, "rope_theta          {} local, {} global{}\n", config.local_rope.theta,
             config.global_rope.theta,
             config.global_rope.linear_factor == 1
                 ? ""
                 : fmt::format(" (positions / {})", config.global_rope.linear_factor));
  fmt::print(std::cout, "vocabulary          {}\ncontext             {} tokens\n", config.vocab_size,
             config.max_position_embeddings);
}

}  // namespace

void Inspect::Declare(OptionSet& options) {
  options.Add("PATH", path_, "Hugging Face directory or GGUF file");
  options.Add("--device", device_,
              "Describe this device instead, as --device of the other commands; alone: auto",
              {.bare = "auto"});
  options.Add("--tensors", tensors_, "Also list every tensor");
}

void Inspect::PrintDevice() const {
  const ops::Device device = ops::FindDevice(device_);
  fmt::print(std::cout, "device              {}\n", device.str());
  if (!ops::IsHost(device)) {
    const ops::DeviceInfo info = ops::InfoOf(device);
    fmt::print(std::cout, "name                {}\ncompute capability  {}\nmemory              {}, {} free\n",
               info.name, info.capability, Megabytes(info.total_bytes), Megabytes(info.free_bytes));
  }
  fmt::print(std::cout, "bf16                {}\n",
             ops::HasFastBFloat16(device) ? "multiplied natively" : "widened to fp32");
}

void Inspect::Run(const OptionSet&) {
  if (!device_.empty()) return PrintDevice();
  if (path_.empty()) Fail("PATH is required, or --device");
  const auto [path, checkpoint, config] = model::ModelSource::Open(path_);
  const auto architectures = checkpoint.config().find("architectures");
  fmt::print(std::cout, "path                {}\nformat              {}\n", path_, checkpoint.format());
  if (architectures != checkpoint.config().end())
    fmt::print(std::cout, "architecture        {}\n", architectures->dump());
  PrintArchitecture(config);

  int64_t parameters = 0, stored = 0;
  std::map<std::string, std::pair<int64_t, int64_t>> types;  // tensors, bytes
  for (const io::TensorInfo& tensor : checkpoint.tensors()) {
    parameters += Elements(tensor);
    stored += tensor.stored_bytes;
    types[tensor.stored_type].first += 1;
    types[tensor.stored_type].second += tensor.stored_bytes;
  }
  fmt::print(std::cout, "parameters          {} (embedding {}, layers {})\n", Millions(parameters),
             Millions(config.vocab_size * config.hidden_size), Millions(config.num_layer_parameters()));
  fmt::print(std::cout, "tensors             {}, {} stored:", checkpoint.tensors().size(), Megabytes(stored));
  for (const auto& [type, count] : types)
    fmt::print(std::cout, " {} {} ({})", count.first, type, Megabytes(count.second));
  fmt::print(std::cout, "\nin memory           {} as bf16, {} as fp32\n", Megabytes(2 * parameters),
             Megabytes(4 * parameters));
  if (checkpoint.config().contains("id2label")) {
    fmt::print(std::cout, "labels              {}\n", checkpoint.config()["id2label"].dump());
  }
  if (!tensors_) return;
  fmt::print(std::cout, "\n");
  for (const io::TensorInfo& tensor : checkpoint.tensors()) {
    fmt::print(std::cout, "{:60} {:6} [{}]\n", tensor.name, tensor.stored_type,
               fmt::join(tensor.shape, ", "));
  }
}

}  // namespace gemtune::cli
