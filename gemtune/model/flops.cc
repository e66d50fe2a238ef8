#include "gemtune/model/flops.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gemtune/base/error.h"
#include "gemtune/model/linear.h"
#include "gemtune/model/names.h"

namespace gemtune::model {
namespace {

// The parts of a layer from its input to its output; parts of equal depth read the same rows.
struct Part {
  std::string_view name;
  int depth;
  bool on_queries;  // in the last layer, on the selected rows only
};
constexpr Part kParts[] = {{"input_layernorm", 0, false},
                           {"q_proj", 1, true},
                           {"k_proj", 1, false},
                           {"v_proj", 1, false},
                           {"q_norm", 2, true},
                           {"k_norm", 2, false},
                           {"o_proj", 4, true},
                           {"post_attention_layernorm", 5, true},
                           {"pre_feedforward_layernorm", 6, true},
                           {"gate_proj", 7, true},
                           {"up_proj", 7, true},
                           {"down_proj", 8, true},
                           {"post_feedforward_layernorm", 9, true}};
constexpr int kAttentionDepth = 3, kLayerDepths = 10;

// Where in the model a parameter acts. A gradient for a parameter at one depth passes through everything
// deeper.
struct Place {
  int64_t depth;
  bool on_queries;
};

int64_t DepthOfLayer(int64_t layer) {
  return 1 + layer * kLayerDepths;
}

Place PlaceOf(const std::string& name, const at::Tensor& parameter, int64_t num_layers) {
  if (IsOfEmbedding(name)) return {.depth = 0, .on_queries = false};
  const std::optional<int64_t> layer = LayerOf(name);
  if (!layer) {  // the last norm, then the head
    return {.depth = DepthOfLayer(num_layers) + (parameter.dim() > 1 ? 1 : 0), .on_queries = true};
  }
  const auto part = std::find_if(std::begin(kParts), std::end(kParts), [&](const Part& candidate) {
    return name.find(candidate.name) != std::string::npos;
  });
  GEMTUNE_CHECK(part != std::end(kParts));
  return {.depth = DepthOfLayer(*layer) + part->depth,
          .on_queries = part->on_queries && *layer + 1 == num_layers};
}

// Total number of keys seen by the queries at these positions of their sequences.
int64_t VisiblePairs(const at::Tensor& positions, int64_t window) {
  const at::Tensor keys = positions + 1;
  return (window > 0 ? keys.clamp_max(window) : keys).sum().item<int64_t>();
}

// How many numbers each linear module's weight holds, by the parameter's name. (The tensor's size would be
// wrong for blocks.)
std::map<std::string, int64_t> LinearSizes(const torch::nn::Module& model) {
  std::map<std::string, int64_t> sizes;
  for (const auto& item : model.named_modules("", /*include_self=*/false)) {
    const auto* linear = dynamic_cast<const LinearImpl*>(item.value().get());
    if (linear == nullptr) continue;
    const ops::MatmulWeight weight = linear->matmul_weight();
    sizes[item.key() + ".weight"] = weight.rows() * weight.columns();
  }
  return sizes;
}

}  // namespace

PassFlops CountFlops(const torch::nn::Module& model, const Gemma3TextConfig& config,
                     const ops::PackedLayout& layout) {
  const int64_t num_layers = config.num_hidden_layers;
  const auto parameters = model.named_parameters();
  int64_t first_trained = std::numeric_limits<int64_t>::max();
  for (const auto& item : parameters) {
    if (!item.value().requires_grad()) continue;
    first_trained = std::min(first_trained, PlaceOf(item.key(), item.value(), num_layers).depth);
  }
  PassFlops flops;
  const std::map<std::string, int64_t> linear_sizes = LinearSizes(model);
  for (const auto& item : parameters) {
    const Place place = PlaceOf(item.key(), item.value(), num_layers);
    if (item.value().dim() < 2 || place.depth == 0) continue;
    const auto linear = linear_sizes.find(item.key());
    const int64_t size = linear == linear_sizes.end() ? item.value().numel() : linear->second;
    const int64_t once = 2 * (place.on_queries ? layout.num_rows() : layout.num_tokens()) * size;
    flops.forward += once;
    if (first_trained < place.depth) flops.input_gradient += once;
    if (item.value().requires_grad()) flops.weight_gradient += once;
  }
  for (int64_t layer = 0; layer < num_layers; ++layer) {
    const bool is_global = config.layer_is_global[static_cast<size_t>(layer)];
    const at::Tensor& positions = layer + 1 == num_layers ? layout.row_positions : layout.positions;
    const int64_t product = 2 * VisiblePairs(positions, is_global ? 0 : config.sliding_window) *
                            config.num_attention_heads * config.head_dim;
    // Forward: q·k and p·v; backward: the gradients of q, k, p and v.
    const bool has_gradient = first_trained < DepthOfLayer(layer) + kAttentionDepth;
    flops.attention += (has_gradient ? 6 : 2) * product;
  }
  return flops;
}

}  // namespace gemtune::model
