#include "gemtune/model/config.h"

#include <algorithm>
#include <array>

#include "gemtune/base/error.h"

namespace gemtune::model {
namespace {

using Json = nlohmann::ordered_json;

// Gemma 3 technical report (2025), table 1, and the published config.json files.
constexpr std::array<Variant, 5> kVariants = {{
    {.name = "270m",
     .hidden_size = 640,
     .intermediate_size = 2048,
     .num_hidden_layers = 18,
     .num_attention_heads = 4,
     .num_key_value_heads = 1,
     .head_dim = 256},
    {.name = "1b",
     .hidden_size = 1152,
     .intermediate_size = 6912,
     .num_hidden_layers = 26,
     .num_attention_heads = 4,
     .num_key_value_heads = 1,
     .head_dim = 256},
    {.name = "4b",
     .hidden_size = 2560,
     .intermediate_size = 10'240,
     .num_hidden_layers = 34,
     .num_attention_heads = 8,
     .num_key_value_heads = 4,
     .head_dim = 256},
    {.name = "12b",
     .hidden_size = 3840,
     .intermediate_size = 15'360,
     .num_hidden_layers = 48,
     .num_attention_heads = 16,
     .num_key_value_heads = 8,
     .head_dim = 256},
    {.name = "27b",
     .hidden_size = 5376,
     .intermediate_size = 21'504,
     .num_hidden_layers = 62,
     .num_attention_heads = 32,
     .num_key_value_heads = 16,
     .head_dim = 128},
}};

std::vector<bool> LayerPattern(int64_t num_layers, int64_t period) {
  std::vector<bool> is_global(static_cast<size_t>(num_layers));
  for (size_t i = 0; i < is_global.size(); ++i) is_global[i] = (static_cast<int64_t>(i) + 1) % period == 0;
  return is_global;
}

// Reads one object of a config file field by field; every error names the file and the field.
class Fields {
 public:
  Fields(const Json& object, std::string source) : object_(object), source_(std::move(source)) {
    if (!object_.is_object()) Fail("{}: not a JSON object", source_);
  }

  // nullptr if the field is missing or null.
  const Json* Find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  // Sets `value` if the field is there, else leaves it, the default.
  void Number(const char* name, double& value, double smallest, double largest) const {
    const Json* field = Find(name);
    if (field == nullptr) return;
    if (!field->is_number()) Complain(name, "is not a number");
    value = field->get<double>();
    if (!(value >= smallest && value <= largest)) {
      Complain(name, fmt::format("is {}, outside [{}, {}]", value, smallest, largest));
    }
  }

  void Integer(const char* name, int64_t& value, int64_t smallest, int64_t largest) const {
    const Json* field = Find(name);
    if (field == nullptr) return;
    if (!field->is_number_integer()) Complain(name, "is not an integer");
    value = field->get<int64_t>();
    if (value < smallest || value > largest) {
      Complain(name, fmt::format("is {}, outside [{}, {}]", value, smallest, largest));
    }
  }

  std::string Text(const char* name, const std::string& otherwise) const {
    const Json* field = Find(name);
    if (field == nullptr) return otherwise;
    if (!field->is_string()) Complain(name, "is not a string");
    return field->get<std::string>();
  }

  [[noreturn]] void Complain(const char* name, const std::string& what) const {
    Fail("{}: '{}' {}", source_, name, what);
  }

  const std::string& source() const { return source_; }

 private:
  const Json& object_;
  std::string source_;
};

void ReadRope(const Json& json, const std::string& source, RopeParameters& rope) {
  const Fields fields(json, source);
  fields.Number("rope_theta", rope.theta, 1.0, 1e12);
  const std::string type = fields.Text("rope_type", fields.Text("type", "default"));
  if (type == "linear") {
    if (fields.Find("factor") == nullptr) fields.Complain("factor", "is missing");
    fields.Number("factor", rope.linear_factor, 1.0, 1e6);
  } else if (type != "default") {
    fields.Complain("rope_type", fmt::format("is '{}'; Gemma 3 knows default and linear", Printable(type)));
  }
}

void ReadAllRope(const Fields& fields, Gemma3TextConfig& config) {
  // transformers ≤ 4: rope_theta and rope_scaling for the global layers, rope_local_base_freq for the local
  // ones.
  fields.Number("rope_theta", config.global_rope.theta, 1.0, 1e12);
  fields.Number("rope_local_base_freq", config.local_rope.theta, 1.0, 1e12);
  if (const Json* scaling = fields.Find("rope_scaling")) {
    ReadRope(*scaling, fields.source() + ": rope_scaling", config.global_rope);
  }
  if (const Json* both = fields.Find("rope_parameters")) {
    const Fields kinds(*both, fields.source() + ": rope_parameters");
    if (const Json* global = kinds.Find("full_attention")) {
      ReadRope(*global, kinds.source() + ": full_attention", config.global_rope);
    }
    if (const Json* local = kinds.Find("sliding_attention")) {
      ReadRope(*local, kinds.source() + ": sliding_attention", config.local_rope);
    }
  }
}

void ReadLayerTypes(const Fields& fields, Gemma3TextConfig& config) {
  int64_t period = kGlobalLayerEvery;
  fields.Integer("_sliding_window_pattern", period, 1, 1000);
  fields.Integer("sliding_window_pattern", period, 1, 1000);
  config.layer_is_global = LayerPattern(config.num_hidden_layers, period);
  const Json* types = fields.Find("layer_types");
  if (types == nullptr) return;
  if (!types->is_array() || static_cast<int64_t>(types->size()) != config.num_hidden_layers) {
    fields.Complain("layer_types", "is not a list with one entry a layer");
  }
  for (size_t i = 0; i < types->size(); ++i) {
    const std::string type = (*types)[i].is_string() ? (*types)[i].get<std::string>() : "";
    if (type != "full_attention" && type != "sliding_attention") {
      fields.Complain("layer_types", fmt::format("holds '{}'; known: full_attention, sliding_attention",
                                                 Printable((*types)[i].dump())));
    }
    config.layer_is_global[i] = type == "full_attention";
  }
}

// Refuses features of related models that Gemma 3's published checkpoints do not have.
void RefuseWhatIsNotGemma3(const Fields& fields) {
  for (const char* name : {"attn_logit_softcapping", "final_logit_softcapping"}) {
    if (fields.Find(name) != nullptr) fields.Complain(name, "is set; logit soft capping is not supported");
  }
  for (const char* name : {"attention_bias", "use_bidirectional_attention"}) {
    const Json* field = fields.Find(name);
    if (field != nullptr && *field != false) fields.Complain(name, "is set; it is not supported");
  }
  double dropout = 0;
  fields.Number("attention_dropout", dropout, 0, 1);
  if (dropout != 0) fields.Complain("attention_dropout", "is not 0; it is not supported");
  const std::string activation =
      fields.Text("hidden_activation", fields.Text("hidden_act", "gelu_pytorch_tanh"));
  if (activation != "gelu_pytorch_tanh") {
    fields.Complain("hidden_activation",
                    fmt::format("is '{}'; only gelu_pytorch_tanh is supported", Printable(activation)));
  }
}

}  // namespace

Gemma3TextConfig Gemma3TextConfig::FromJson(const Json& json, const std::string& source) {
  const Fields top(json, source);
  const std::string model_type = top.Text("model_type", "");
  if (model_type == "gemma3") {
    const Json* text = top.Find("text_config");
    if (text == nullptr) top.Complain("text_config", "is missing");
    Json nested = *text;
    if (!nested.is_object()) top.Complain("text_config", "is not a JSON object");
    nested["model_type"] = "gemma3_text";
    Gemma3TextConfig config = FromJson(nested, source + ": text_config");
    config.trunk_prefix = "model.language_model.";
    return config;
  }
  if (model_type != "gemma3_text") {
    top.Complain("model_type", fmt::format("is '{}'; gemtune trains gemma3_text and the text part of gemma3",
                                           Printable(model_type)));
  }
  RefuseWhatIsNotGemma3(top);

  Gemma3TextConfig config;
  top.Integer("vocab_size", config.vocab_size, 1, 1 << 24);
  top.Integer("hidden_size", config.hidden_size, 1, 1 << 17);
  top.Integer("intermediate_size", config.intermediate_size, 1, 1 << 20);
  top.Integer("num_hidden_layers", config.num_hidden_layers, 1, 1000);
  top.Integer("num_attention_heads", config.num_attention_heads, 1, 4096);
  top.Integer("num_key_value_heads", config.num_key_value_heads, 1, 4096);
  top.Integer("head_dim", config.head_dim, 2, 4096);
  top.Integer("max_position_embeddings", config.max_position_embeddings, 1, 1 << 24);
  top.Integer("sliding_window", config.sliding_window, 1, 1 << 24);
  top.Number("rms_norm_eps", config.rms_norm_eps, 1e-12, 1e-1);
  top.Number("query_pre_attn_scalar", config.query_pre_attn_scalar, 1e-3, 1e6);
  top.Number("initializer_range", config.initializer_range, 0, 10);
  top.Integer("pad_token_id", config.pad_token_id, 0, config.vocab_size - 1);
  if (config.head_dim % 2 != 0) top.Complain("head_dim", "is odd; rotary embedding needs pairs");
  if (config.num_attention_heads % config.num_key_value_heads != 0) {
    top.Complain("num_attention_heads", "is not a multiple of 'num_key_value_heads'");
  }
  ReadAllRope(top, config);
  ReadLayerTypes(top, config);
  return config;
}

int64_t Gemma3TextConfig::num_layer_parameters() const {
  const int64_t queries = num_attention_heads * head_dim;
  const int64_t keys = num_key_value_heads * head_dim;
  const int64_t attention = hidden_size * (queries + 2 * keys) + queries * hidden_size + 2 * head_dim;
  const int64_t mlp = 3 * hidden_size * intermediate_size;
  const int64_t norms = 4 * hidden_size;
  return num_hidden_layers * (attention + mlp + norms) + hidden_size;
}

const Variant* FindVariant(const Gemma3TextConfig& config) {
  const auto found = std::find_if(kVariants.begin(), kVariants.end(), [&](const Variant& variant) {
    return variant.hidden_size == config.hidden_size &&
           variant.intermediate_size == config.intermediate_size &&
           variant.num_hidden_layers == config.num_hidden_layers &&
           variant.num_attention_heads == config.num_attention_heads &&
           variant.num_key_value_heads == config.num_key_value_heads && variant.head_dim == config.head_dim;
  });
  return found == kVariants.end() ? nullptr : &*found;
}

}  // namespace gemtune::model
