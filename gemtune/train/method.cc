#include "gemtune/train/method.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/pattern.h"
#include "gemtune/model/names.h"

namespace gemtune::train {
namespace {

void Select(torch::nn::Module& model, const std::function<bool(const std::string& name)>& is_trained) {
  for (auto& item : model.named_parameters()) item.value().set_requires_grad(is_trained(item.key()));
}

int64_t CountLayers(const torch::nn::Module& model) {
  int64_t layers = 0;
  for (const auto& item : model.named_parameters())
    layers = std::max(layers, model::LayerOf(item.key()).value_or(-1) + 1);
  return layers;
}

// "3", "3-5", "3-" or "-5" → first and last layer.
std::pair<int64_t, int64_t> ParseRange(std::string_view range, int64_t layers, const std::string& text) {
  const size_t hyphen = range.find('-');
  const std::string_view from = range.substr(0, hyphen),
                         to = hyphen == range.npos ? from : range.substr(hyphen + 1);
  const auto number = [&](std::string_view digits, int64_t absent) {
    int64_t value = absent;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool is_number = digits.empty() || (error == std::errc() && end == digits.data() + digits.size());
    if (range.empty() || range == "-" || !is_number || value < 0 || value >= layers) {
      Fail(
          "`trainable_layers` '{}': '{}' names no layers; the model has layers 0 to {}, as in 3,7 or 12-17 "
          "or 12-",
          Printable(text), Printable(range), layers - 1);
    }
    return value;
  };
  return {number(from, 0), number(to, layers - 1)};
}

std::vector<bool> ParseLayers(const std::string& text, int64_t layers) {
  std::vector<bool> is_trained(static_cast<size_t>(layers), false);
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view range = std::string_view(text).substr(begin, end - begin);
    const auto [first, last] = ParseRange(range, layers, text);
    if (first > last)
      Fail("`trainable_layers` '{}': '{}' ends before it begins", Printable(text), Printable(range));
    std::fill(is_trained.begin() + first, is_trained.begin() + last + 1, true);
    begin = end + 1;
  }
  return is_trained;
}

void SelectLayers(torch::nn::Module& model, const std::string& text) {
  const std::vector<bool> is_trained = ParseLayers(text, CountLayers(model));
  Select(model, [&](const std::string& name) {
    const std::optional<int64_t> layer = model::LayerOf(name);
    if (layer) return bool{is_trained[static_cast<size_t>(*layer)]};
    return !model::IsOfEmbedding(name);
  });
}

void SelectByExpression(torch::nn::Module& model, const std::string& text) {
  const Pattern expression(text, "`trainable_parameters`");
  bool matches = false;
  Select(model, [&](const std::string& name) {
    const bool is_named = expression.IsFoundIn(name);
    matches = matches || is_named;
    return is_named || model::IsOfHead(name) || model::IsOfFinalNorm(name);
  });
  if (!matches) {
    Fail("`trainable_parameters` '{}' matches no parameter; their names are like {}", Printable(text),
         model.named_parameters().keys().front());
  }
}

void Freeze(torch::nn::Module& model, const MethodOptions& options) {
  const bool by_layers = !options.trainable_layers.empty(), by_name = !options.trainable_parameters.empty();
  if (by_name && (by_layers || options.freeze_embeddings))
    Fail("`trainable_parameters` selects on its own; leave out `trainable_layers` and `freeze_embeddings`");
  if (by_name) return SelectByExpression(model, options.trainable_parameters);
  if (by_layers) return SelectLayers(model, options.trainable_layers);
  if (!options.freeze_embeddings)
    Fail(
        "`method` freeze: say what to train with `trainable_layers`, `freeze_embeddings` or "
        "`trainable_parameters`");
  Select(model, [](const std::string& name) { return !model::IsOfEmbedding(name); });
}

}  // namespace

const std::vector<Method>& Methods() {
  static const std::vector<Method> methods = {
      {"full",
       1e-5,
       {},
       [](torch::nn::Module& model, const MethodOptions&) {
         Select(model, [](const std::string&) { return true; });
       }},
      {"head",
       1e-3,
       {},
       [](torch::nn::Module& model, const MethodOptions&) {
         if (std::ranges::none_of(model.named_parameters().keys(), model::IsOfHead)) {
           Fail(
               "`method` head: the head of a language model is its embedding, not a part of its own; take "
               "another `method`");
         }
         Select(model, model::IsOfHead);
       }},
      {"freeze", 2e-5, {"trainable_layers", "freeze_embeddings", "trainable_parameters"}, Freeze},
      {"lora",
       2e-4,
       {"lora_r", "lora_alpha", "lora_dropout", "lora_target_modules", "modules_to_save", "use_rslora",
        "use_dora", "base_dtype"},
       [](torch::nn::Module& model, const MethodOptions& options) {
         model::CheckTargets(model, options.lora);
       },
       /*has_adapter=*/true},
  };
  return methods;
}

const Method& FindMethod(const std::string& name) {
  std::vector<std::string> known;
  for (const Method& method : Methods()) {
    if (method.name == name) return method;
    known.push_back(method.name);
  }
  Fail("`method` '{}' is not known; known: {}", Printable(name), fmt::join(known, ", "));
}

}  // namespace gemtune::train
