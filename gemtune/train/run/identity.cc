#include "gemtune/cli/run_identity.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <set>
#include <string_view>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/hash.h"
#include "gemtune/base/log.h"
#include "gemtune/base/parallel.h"

namespace gemtune::cli {
namespace {

using Json = nlohmann::ordered_json;

// Options that change no number of the training: where things lie, what is reported, what is kept. Files and
// --dtype are compared by what they came to, as inputs.
const std::set<std::string> kFree = {"--cache-dir",
                                     "--dry-run",
                                     "--dtype",
                                     "--logging-steps",
                                     "--max-bad-steps",
                                     "--max-test-samples",
                                     "--model",
                                     "--no-cache",
                                     "--output-dir",
                                     "--overwrite-output-dir",
                                     "--resume-from-checkpoint",
                                     "--save-steps",
                                     "--save-strategy",
                                     "--save-total-limit",
                                     "--test-file",
                                     "--threads",
                                     "--train-file",
                                     "--validation-file"};

constexpr const char* kThreadCount = "number of threads";

std::string Fingerprint(const torch::nn::Module& model) {
  Hash hash;
  for (const auto& item : model.named_parameters()) {
    const at::Tensor tensor = item.value().detach().cpu().contiguous();
    hash.Add(item.key());
    hash.Add(std::string_view(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()));
  }
  return hash.Hex();
}

std::string ValueOf(const Json& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() || !found->is_string() ? "none" : found->get<std::string>();
}

}  // namespace

Json DescribeOptions(const OptionSet& options) {
  Json values;
  for (const auto& [name, value] : options.Values()) values["--" + name] = value;
  return values;
}

Json DescribeInputs(const data::Dataset& train, const data::Dataset* validation,
                    const torch::nn::Module& model) {
  const at::ScalarType head_type = model.parameters().back().scalar_type();  // the trunk may be in blocks
  return {{"training data", train.Fingerprint()},
          {"validation data", validation == nullptr ? "none" : validation->Fingerprint()},
          {"dtype", head_type == at::kBFloat16 ? "bf16" : "fp32"},
          {"weights of --model", Fingerprint(model)},
          {kThreadCount, std::to_string(NumThreads())}};
}

void CheckSame(const Json& saved, const Json& now, const std::string& source) {
  std::vector<std::string> differences;
  Json all = saved;
  all.update(now);
  for (const auto& [name, unused] : all.items()) {
    const std::string was = ValueOf(saved, name), is = ValueOf(now, name);
    if (was == is || kFree.contains(name)) continue;
    const std::string difference = fmt::format("{} was {} and is {}", name, Printable(was), Printable(is));
    if (name == kThreadCount) {
      log::Warning("{}: {}: sums are rounded in another order from here on", source, difference);
    } else {
      differences.push_back(difference);
    }
  }
  if (differences.empty()) return;
  Fail(
      "{}: is of another run: {}; run.toml in --output-dir has the options that it goes on with, and "
      "--overwrite-output-dir begins anew",
      source, fmt::join(differences, "; "));
}

}  // namespace gemtune::cli
