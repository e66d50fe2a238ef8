#include "gemtune/train/run/identity.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <span>
#include <string_view>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/hash.h"
#include "gemtune/base/log.h"
#include "gemtune/base/parallel.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::train {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kThreadCount = "number of threads";

std::string Fingerprint(const torch::nn::Module& model) {
  Hash hash;
  for (const auto& item : model.named_parameters()) {
    const at::Tensor tensor = item.value().detach().to(ops::Host()).contiguous();
    const std::span<const std::byte> bytes = ops::HostBytes(tensor);
    hash.Add(item.key());
    hash.Add(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  return hash.Hex();
}

std::string ValueOf(const Json& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() || !found->is_string() ? "none" : found->get<std::string>();
}

}  // namespace

Json DescribeInputs(const data::Dataset& train, const data::Dataset* validation,
                    const torch::nn::Module& model) {
  const at::ScalarType head_type = model.parameters().back().scalar_type();  // the trunk may be in blocks
  return {{"training data", train.Fingerprint()},
          {"validation data", validation == nullptr ? "none" : validation->Fingerprint()},
          {"dtype", head_type == at::kBFloat16 ? "bf16" : "fp32"},
          {"weights of --model", Fingerprint(model)},
          {kThreadCount, std::to_string(NumThreads())}};
}

void CheckSame(const Json& saved, const Json& now, const std::string& source,
               const std::set<std::string>& free) {
  std::vector<std::string> differences;
  Json all = saved;
  all.update(now);
  for (const auto& [name, unused] : all.items()) {
    const std::string was = ValueOf(saved, name), is = ValueOf(now, name);
    if (was == is || free.contains(name)) continue;
    const std::string difference = fmt::format("{} was {} and is {}", name, Printable(was), Printable(is));
    if (name == kThreadCount) {
      log::Warning("{}: {}: sums are rounded in another order from here on", source, difference);
    } else {
      differences.push_back(difference);
    }
  }
  if (differences.empty()) return;
  Fail(
      "{}: belongs to another run: {}; resume it with the options in run.toml in `output_dir`, or begin a "
      "new run with `overwrite_output_dir`",
      source, fmt::join(differences, "; "));
}

}  // namespace gemtune::train
