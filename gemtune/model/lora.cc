#include "gemtune/model/lora.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/pattern.h"
#include "gemtune/model/linear.h"
#include "gemtune/model/lora_targets.h"
#include "gemtune/model/names.h"
#include "gemtune/ops/compute_type.h"
#include "gemtune/ops/device.h"
#include "gemtune/ops/dropout.h"

namespace gemtune::model {
namespace {

Pattern ParsePattern(const std::string& text) {
  return {text, "`lora_target_modules`"};
}

struct NamedLinear {
  std::string path;
  LinearImpl* linear;
};

// The linear modules that may be adapted: not the head, and not those trained whole.
std::vector<NamedLinear> Linears(const torch::nn::Module& model, const LoraTargets& targets) {
  std::vector<NamedLinear> found;
  for (const auto& item : model.named_modules("", /*include_self=*/false)) {
    auto* linear = dynamic_cast<LinearImpl*>(item.value().get());
    if (linear != nullptr && !targets.IsWithinSaved(item.key())) found.push_back({item.key(), linear});
  }
  return found;
}

std::string LastName(const std::string& path) {
  return path.substr(path.rfind('.') + 1);
}

void AddOnce(const std::string& name, std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

std::vector<std::string> LastNames(const std::vector<NamedLinear>& linears) {
  std::vector<std::string> names;
  for (const NamedLinear& item : linears) AddOnce(LastName(item.path), names);
  return names;
}

// The dtype in which W multiplies; blocks have no dtype of their own.
at::ScalarType TypeOf(const ops::MatmulWeight& weight) {
  return weight.dense.defined() ? weight.dense.scalar_type() : at::kFloat;
}

bool IsTrainedWhole(const LoraTargets& targets, const std::string& path) {
  return path == kHead || targets.IsSaved(path);
}

// kaiming_uniform with a = √5, as in nn.Linear's initialisation: √(6 / ((1 + a²)·in)). Drawn on the host, so
// that every device gets the same numbers.
at::Tensor InitialA(int64_t rank, int64_t in, const at::TensorOptions& options, uint64_t seed) {
  if (ops::IsNowhere(options.device())) return at::empty({rank, in}, options);
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  return at::empty({rank, in}, options.device(ops::Host()))
      .uniform_(-bound, bound, at::detail::createCPUGenerator(seed))
      .to(options.device());
}

// A module with one parameter, "weight".
std::shared_ptr<torch::nn::Module> Holder(const at::Tensor& weight) {
  auto holder = std::make_shared<torch::nn::Module>();
  holder->register_parameter("weight", weight);
  return holder;
}

void CheckSavedModules(const torch::nn::Module& model, const LoraConfig& config) {
  for (const std::string& name : config.modules_to_save) {
    const LoraTargets alone({.modules_to_save = {name}, .trunk_prefix = config.trunk_prefix}, model);
    std::vector<std::string> known;
    bool is_there = false;
    for (const auto& item : model.named_modules("", /*include_self=*/false)) {
      is_there = is_there || alone.IsSaved(item.key());
      const std::string last = LastName(item.key());
      if (!std::isdigit(static_cast<unsigned char>(last.front()))) AddOnce(last, known);
    }
    if (!is_there) {
      Fail("`modules_to_save` '{}' matches no module{}; the model's modules: {}", Printable(name),
           DidYouMean(name, known), Listed(known));
    }
  }
}

}  // namespace

double LoraConfig::Scaling() const {
  const auto rank = static_cast<double>(r);
  return lora_alpha / (use_rslora ? std::sqrt(rank) : rank);
}

void SetTargetModules(const std::string& text, LoraConfig& config) {
  config.target_modules.clear();
  config.target_pattern.clear();
  if (text == "all-linear") return;
  const bool are_names = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '.' || c == ',';
  });
  if (!are_names) {
    ParsePattern(text);
    config.target_pattern = text;
    return;
  }
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end == begin) Fail("`lora_target_modules` '{}' holds an empty name", Printable(text));
    AddOnce(text.substr(begin, end - begin), config.target_modules);
    begin = end + 1;
  }
}

LoraAdapter::LoraAdapter(const LoraConfig& config, const ops::MatmulWeight& weight, uint64_t seed,
                         PassCounter pass)
    : scaling_(config.Scaling()), dropout_(config.lora_dropout), seed_(seed), pass_(std::move(pass)) {
  const at::NoGradGuard no_grad;
  const int64_t out = weight.rows(), in = weight.columns();
  const auto options =
      at::TensorOptions()
          .dtype(ops::ComputeType(TypeOf(weight)))
          .device((weight.dense.defined() ? weight.dense : weight.blocks.front().bytes).device());
  a_ = InitialA(config.r, in, options, seed);
  b_ = at::zeros({out, config.r}, options);
  if (!config.use_dora) return;
  const auto type = options.dtype().toScalarType();
  squared_norms_ = at::linalg_vector_norm(weight.Numbers(type).detach(), 2, 1, false, type).square();
  magnitude_ = squared_norms_.sqrt();
}

void LoraAdapter::RegisterIn(torch::nn::Module& linear) const {
  linear.register_module("lora_A", Holder(a_));
  linear.register_module("lora_B", Holder(b_));
  if (magnitude_.defined()) linear.register_module("lora_magnitude_vector", Holder(magnitude_));
}

void LoraAdapter::UnregisterFrom(torch::nn::Module& linear) const {
  linear.unregister_module("lora_A");
  linear.unregister_module("lora_B");
  if (magnitude_.defined()) linear.unregister_module("lora_magnitude_vector");
}

// ‖w + s·b·A‖² = ‖w‖² + 2s·(w·Aᵀ)·b + s²·b·(A·Aᵀ)·b for each row w of W and b of B. W is used in products
// only, so it may be in blocks.
at::Tensor LoraAdapter::Norms(const ops::MatmulWeight& weight) const {
  const at::NoGradGuard no_grad;
  const at::Tensor products = ops::LinearOutput(a_.to(TypeOf(weight)), weight).t().to(b_.scalar_type());
  const at::Tensor cross = (products * b_).sum(1), square = (at::mm(b_, at::mm(a_, a_.t())) * b_).sum(1);
  return (squared_norms_ + cross * (2 * scaling_) + square * (scaling_ * scaling_)).clamp_min(0).sqrt();
}

ops::LowRank LoraAdapter::Term(const ops::MatmulWeight& weight, bool is_training) const {
  ops::LowRank term{.a = a_, .b = b_, .gain = {}, .scaling = scaling_};
  // The gradient treats the norm as a constant (Liu et al. 2024, section 4.3).
  if (magnitude_.defined()) term.gain = magnitude_ / Norms(weight);
  if (is_training && dropout_ > 0) {
    term.dropout = dropout_;
    term.dropout_key = ops::DropoutKey(seed_, *pass_);
  }
  return term;
}

at::Tensor LoraAdapter::Merged(const at::Tensor& weight) const {
  const at::NoGradGuard no_grad;
  at::Tensor sum = at::addmm(weight.to(b_.scalar_type()), b_, a_, 1, scaling_);
  if (magnitude_.defined()) sum.mul_((magnitude_ / at::linalg_vector_norm(sum, 2, 1)).unsqueeze(1));
  return sum.to(weight.scalar_type());
}

PassCounter AttachLora(torch::nn::Module& model, LoraConfig& config, uint64_t seed) {
  for (const at::Tensor& parameter : model.parameters()) parameter.set_requires_grad(false);
  const LoraTargets targets(config, model);
  const std::vector<NamedLinear> linears = Linears(model, targets);
  auto pass = std::make_shared<uint64_t>(0);
  std::vector<std::string> paths, saved;
  for (const auto& [path, linear] : linears) {
    if (!targets.IsTarget(path)) continue;
    const uint64_t own_seed = ops::DropoutKey(seed, paths.size());
    paths.push_back(path);
    linear->SetAdapter(LoraAdapter(targets.At(path), linear->matmul_weight(), own_seed, pass));
  }
  if (paths.empty()) {
    Fail("LoRA: no module matches the target modules; the model's linear modules: {}",
         Listed(LastNames(linears)));
  }
  for (const auto& item : model.named_modules("", /*include_self=*/false)) {
    if (targets.IsSaved(item.key())) saved.push_back(item.key());
    if (!IsTrainedWhole(targets, item.key())) continue;
    for (const at::Tensor& parameter : item.value()->parameters()) parameter.set_requires_grad(true);
  }
  if (config.target_pattern.empty() && config.target_modules.empty())
    config.target_modules = LastNames(linears);
  targets.Resolve(paths, saved, config);
  return pass;
}

void RefuseToTrainBlocks(const torch::nn::Module& model, const LoraConfig& config) {
  const LoraTargets targets(config, model);
  for (const auto& item : model.named_modules("", /*include_self=*/false)) {
    if (!IsTrainedWhole(targets, item.key())) continue;
    for (const at::Tensor& parameter : item.value()->parameters()) {
      if (parameter.is_floating_point()) continue;
      Fail(
          "`modules_to_save`: '{}' would be trained whole, but `base_dtype` leaves its weight in blocks; "
          "leave one of the two out",
          item.key());
    }
  }
}

void CheckTargets(const torch::nn::Module& model, const LoraConfig& config) {
  CheckSavedModules(model, config);
  RefuseToTrainBlocks(model, config);
  const std::vector<NamedLinear> linears = Linears(model, LoraTargets(config, model));
  const auto check = [&](const std::string& text, const LoraConfig& alone) {
    const LoraTargets matching(alone, model);
    const auto is_target = [&](const NamedLinear& item) { return matching.IsTarget(item.path); };
    if (std::any_of(linears.begin(), linears.end(), is_target)) return;
    const std::vector<std::string> names = LastNames(linears);
    Fail("`lora_target_modules` '{}' matches no module{}; the model's linear modules: {}", Printable(text),
         DidYouMean(text, names), Listed(names));
  };
  if (!config.target_pattern.empty()) {
    check(config.target_pattern, {.target_modules = {}, .target_pattern = config.target_pattern});
  }
  for (const std::string& name : config.target_modules) check(name, {.target_modules = {name}});
}

void MergeLora(torch::nn::Module& model) {
  for (const auto& part : model.modules(/*include_self=*/false)) {
    if (auto* linear = dynamic_cast<LinearImpl*>(part.get())) linear->MergeAdapter();
  }
}

}  // namespace gemtune::model
