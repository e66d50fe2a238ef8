#include "gemtune/model/lora_targets.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "gemtune/base/pattern.h"
#include "gemtune/model/heads.h"
#include "gemtune/model/names.h"

namespace gemtune::model {
namespace {

using Names = std::vector<std::string>;
using Matcher = std::function<bool(const std::string& model_path)>;

bool Contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool EndsInOneOf(const Names& names, const std::string& path) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return path.ends_with("." + name); });
}

// peft compares the ends of paths without regard to dots, so "norm" matches every norm.
bool IsSavedBy(const Names& names, const std::string& path) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return path.ends_with(name); });
}

// Whether the path is that of a module with one of these names, or within one.
bool IsWithinOneOf(const Names& names, const std::string& path) {
  const std::string dotted = "." + path + ".";
  const auto is_within = [&](const std::string& name) {
    return dotted.find("." + name + ".") != std::string::npos;
  };
  return is_within(std::string(kHead)) || std::any_of(names.begin(), names.end(), is_within);
}

Matcher ExpressionMatcher(const std::string& expression, const char* place) {
  return [pattern = Pattern(expression, place)](const std::string& path) { return pattern.Matches(path); };
}

// Whether the path's layer is among layers_to_transform.
Matcher LayerMatcher(const LoraConfig& config) {
  if (config.layers_to_transform.empty()) return [](const std::string&) { return true; };
  std::vector<Pattern> places;
  for (const std::string& name : config.layers_pattern) {
    places.emplace_back(R"((?:.*\.)?(?:)" + name + R"()\.\d+\..*)", "'layers_pattern'");
  }
  if (places.empty()) places.emplace_back(R"(.*\.[^.]*\.\d+\..*)", "'layers_pattern'");
  return [places, layers = config.layers_to_transform](const std::string& path) {
    const auto has_place = [&](const Pattern& place) { return place.Matches(path); };
    if (std::none_of(places.begin(), places.end(), has_place)) return false;
    // The only number in a path of Gemma 3.
    const size_t digits = path.find_first_of("0123456789");
    if (digits == path.npos) return false;  // the user's pattern may close our group early
    return std::find(layers.begin(), layers.end(), std::stoll(path.substr(digits))) != layers.end();
  };
}

Matcher TargetMatcher(const LoraConfig& config) {
  if (!config.target_pattern.empty())
    return ExpressionMatcher(config.target_pattern, "`lora_target_modules`");
  return [names = config.target_modules, is_in_layers = LayerMatcher(config)](const std::string& path) {
    return names.empty() || Contains(names, path) || (EndsInOneOf(names, path) && is_in_layers(path));
  };
}

Matcher ExcludeMatcher(const LoraConfig& config) {
  if (!config.exclude_pattern.empty()) return ExpressionMatcher(config.exclude_pattern, "'exclude_modules'");
  return [names = config.exclude_modules](const std::string& path) {
    return Contains(names, path) || EndsInOneOf(names, path);
  };
}

// Matches a key of rank_pattern or alpha_pattern. For some initialisations peft writes one whole path per
// module; these are compared literally, since the dots of an expression would match any character.
Matcher KeyMatcher(const std::string& key, const char* place) {
  const bool is_plain = std::all_of(key.begin(), key.end(),
                                    [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.'; });
  if (!is_plain) return ExpressionMatcher(R"((.*\.)?()" + key + ")", place);
  return [key](const std::string& path) {
    if (path.size() < key.size()) return false;
    const size_t begin = path.size() - key.size();
    if (begin > 0 && path[begin - 1] != '.') return false;
    return std::equal(key.begin(), key.end(), path.begin() + static_cast<std::ptrdiff_t>(begin),
                      [](char wanted, char is) { return wanted == '.' || wanted == is; });
  };
}

template <typename T>
std::vector<std::pair<Matcher, T>> KeyMatchers(const std::vector<std::pair<std::string, T>>& values,
                                               const char* place) {
  std::vector<std::pair<Matcher, T>> matchers;
  for (const auto& [key, value] : values) matchers.emplace_back(KeyMatcher(key, place), value);
  return matchers;
}

std::string OwnPrefix(const torch::nn::Module& model) {
  const auto* classifier = dynamic_cast<const SequenceClassifierImpl*>(&model);
  return classifier == nullptr ? std::string(kTrunk) : classifier->trunk()->config().trunk_prefix;
}

}  // namespace

std::string ModelPath(const std::string& path, const std::string& trunk_prefix) {
  const std::string dotted = path + ".";
  if (!dotted.starts_with(kTrunk)) return path;
  std::string result = trunk_prefix + dotted.substr(kTrunk.size());
  if (!result.empty()) result.pop_back();
  return result;
}

LoraTargets::LoraTargets(const LoraConfig& config, const torch::nn::Module& model)
    : config_(config),
      own_prefix_(OwnPrefix(model)),
      is_target_(TargetMatcher(config)),
      is_excluded_(ExcludeMatcher(config)),
      is_saved_([names = config.modules_to_save](const std::string& path) { return IsSavedBy(names, path); }),
      is_within_saved_(
          [names = config.modules_to_save](const std::string& path) { return IsWithinOneOf(names, path); }),
      ranks_(KeyMatchers(config.rank_pattern, "'rank_pattern'")),
      alphas_(KeyMatchers(config.alpha_pattern, "'alpha_pattern'")) {}

bool LoraTargets::Any(const std::string& path, const Matcher& matches) const {
  if (config_.trunk_prefix) return matches(ModelPath(path, *config_.trunk_prefix));
  return matches(ModelPath(path, own_prefix_)) || matches(path);
}

bool LoraTargets::IsTarget(const std::string& path) const {
  return Any(path, is_target_) && !Any(path, is_excluded_);
}

bool LoraTargets::IsSaved(const std::string& path) const {
  return Any(path, is_saved_);
}

bool LoraTargets::IsWithinSaved(const std::string& path) const {
  return Any(path, is_within_saved_);
}

LoraConfig LoraTargets::At(const std::string& path) const {
  const auto of_path = [&](const auto& matchers, auto otherwise) {
    for (const auto& [matches, value] : matchers) {
      if (Any(path, matches)) return value;
    }
    return otherwise;
  };
  LoraConfig own = config_;
  own.r = of_path(ranks_, config_.r);
  own.lora_alpha = of_path(alphas_, config_.lora_alpha);
  return own;
}

void LoraTargets::Resolve(const std::vector<std::string>& targets, const std::vector<std::string>& saved,
                          LoraConfig& config) const {
  const bool is_text_only = own_prefix_ == kTrunk && config_.trunk_prefix.value_or(own_prefix_) == kTrunk;
  const bool by_names = config_.target_pattern.empty() && config_.exclude_modules.empty() &&
                        config_.exclude_pattern.empty() && config_.layers_to_transform.empty();
  config.trunk_prefix = own_prefix_;
  if (by_names && is_text_only) return;
  config.target_modules.clear();
  for (const std::string& path : targets) config.target_modules.push_back(ModelPath(path, own_prefix_));
  config.target_pattern.clear();
  config.exclude_modules.clear();
  config.exclude_pattern.clear();
  config.layers_to_transform.clear();
  config.layers_pattern.clear();
  if (is_text_only) return;
  // The vision tower has norms and projections with the same names.
  config.modules_to_save.clear();
  for (const std::string& path : saved) config.modules_to_save.push_back(ModelPath(path, own_prefix_));
  config.rank_pattern.clear();
  config.alpha_pattern.clear();
  for (const std::string& path : targets) {
    const LoraConfig own = At(path);
    if (own.r != config_.r) config.rank_pattern.emplace_back(ModelPath(path, own_prefix_), own.r);
    if (own.lora_alpha != config_.lora_alpha)
      config.alpha_pattern.emplace_back(ModelPath(path, own_prefix_), own.lora_alpha);
  }
}

}  // namespace gemtune::model
