#include "gemtune/train/class_weights.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "gemtune/base/error.h"
#include "gemtune/io/json_file.h"

namespace gemtune::train {
namespace {

using Named = std::map<std::string, double>;

double NumberOf(const std::string& text, const std::string& part) {
  double number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc() || end != text.data() + text.size())
    Fail("`class_weights`: '{}' is not name=weight", Printable(part));
  return number;
}

// A name may have '=' in it, a weight has none.
Named FromPairs(const std::string& pairs) {
  Named named;
  for (size_t begin = 0; begin <= pairs.size();) {
    const size_t end = std::min(pairs.find(',', begin), pairs.size());
    const std::string part = pairs.substr(begin, end - begin);
    const size_t equals = part.rfind('=');
    if (equals == std::string::npos || equals == 0)
      Fail("`class_weights`: '{}' is not name=weight; names with commas can stand in a JSON file",
           Printable(part));
    const std::string name = part.substr(0, equals);
    if (!named.emplace(name, NumberOf(part.substr(equals + 1), part)).second)
      Fail("`class_weights`: names '{}' twice", Printable(name));
    begin = end + 1;
  }
  return named;
}

Named FromFile(const std::string& path) {
  if (!std::filesystem::exists(path))
    Fail("`class_weights`: '{}' is neither balanced, nor name=weight, nor a file", Printable(path));
  const auto json = io::ParseJsonFile(path);
  if (!json.is_object()) Fail("{}: is not a JSON object of class names and weights", path);
  Named named;
  for (const auto& [name, weight] : json.items()) {
    if (!weight.is_number())
      Fail("{}: the weight of '{}' is {}, not a number", path, Printable(name), Printable(weight.dump()));
    named[name] = weight.get<double>();
  }
  return named;
}

std::vector<double> Balanced(const data::Dataset& train) {
  const size_t classes = train.labels().names.size();
  const bool is_single = train.label_kind() == data::LabelKind::kSingle;
  std::vector<double> counts(classes);
  for (int64_t i = 0; i < train.size(); ++i) {
    const auto label = train.label(i);
    if (is_single) {
      ++counts[static_cast<size_t>(label[0])];
    } else {
      for (size_t c = 0; c < classes; ++c) counts[c] += label[c];
    }
  }
  const auto size = static_cast<double>(train.size());
  const auto occurring = static_cast<double>(classes) - static_cast<double>(std::ranges::count(counts, 0.0));
  std::vector<double> weights(classes, 1.0);
  for (size_t c = 0; c < classes; ++c) {
    if (counts[c] == 0 || (!is_single && counts[c] == size)) continue;
    weights[c] = is_single ? size / (occurring * counts[c]) : (size - counts[c]) / counts[c];
  }
  return weights;
}

}  // namespace

std::vector<double> ClassWeights(const std::string& wanted, const data::Dataset& train) {
  if (wanted.empty()) return {};
  if (wanted == "balanced") return Balanced(train);
  const std::vector<std::string>& names = train.labels().names;
  const Named named = wanted.find('=') == std::string::npos ? FromFile(wanted) : FromPairs(wanted);
  std::vector<double> weights(names.size(), 1.0);
  for (const auto& [name, weight] : named) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end())
      Fail("`class_weights`: there is no class '{}'{}; there are {}", Printable(name),
           DidYouMean(name, names), Listed(names));
    if (!std::isfinite(weight) || weight < 0)
      Fail("`class_weights`: the weight of '{}' is {}; it must be a number from 0 on", Printable(name),
           weight);
    weights[static_cast<size_t>(found - names.begin())] = weight;
  }
  if (std::ranges::count(weights, 0.0) == std::ssize(weights))
    Fail("`class_weights`: are all 0, so that there is nothing to learn");
  return weights;
}

}  // namespace gemtune::train
