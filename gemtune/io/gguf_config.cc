#include "gemtune/io/gguf_config.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "gemtune/base/error.h"

namespace gemtune::io {
namespace {

using Json = nlohmann::ordered_json;

// The shortest decimal that gives this float: 1e-06, not 9.999999974752427e-07. Avoids std::stod, which reads
// "0.5" as 0 in a program that has set a German locale.
double Shortest(float value) {
  const std::string text = fmt::format("{}", value);
  double shortest = value;
  std::from_chars(text.data(), text.data() + text.size(), shortest);
  return shortest;
}

class Maker {
 public:
  explicit Maker(const GgufFile& file) : file_(file), path_(file.file().path().string()) {}

  Json Make() const {
    const int64_t layers = Size("gemma3.block_count");
    const int64_t hidden_size = Size("gemma3.embedding_length");
    // Checked before a list of layers is allocated; a layer has 13 tensors.
    if (layers > static_cast<int64_t>(file_.tensors().size())) {
      Fail("{}: says it has {} layers, but has {} tensors only", path_, layers, file_.tensors().size());
    }
    const int64_t head_dim = file_.Optional<int64_t>("gemma3.attention.key_length").value_or(256);
    Json config = {
        {"architectures", {"Gemma3ForCausalLM"}},
        {"attention_bias", false},
        {"attention_dropout", 0.0},
        {"attn_logit_softcapping", nullptr},
        {"bos_token_id", Token("bos", 2)},
        {"eos_token_id", Token("eos", 1)},
        {"final_logit_softcapping", Number("gemma3.final_logit_softcapping")},
        {"head_dim", head_dim},
        {"hidden_activation", "gelu_pytorch_tanh"},
        {"hidden_size", hidden_size},
        {"initializer_range", 0.02},
        {"intermediate_size", Size("gemma3.feed_forward_length")},
        {"layer_types", LayerTypes(layers)},
        {"max_position_embeddings", Size("gemma3.context_length")},
        {"model_type", "gemma3_text"},
        {"num_attention_heads", Size("gemma3.attention.head_count")},
        {"num_hidden_layers", layers},
        {"num_key_value_heads", Size("gemma3.attention.head_count_kv")},
        {"pad_token_id", Token("padding", 0)},
        {"query_pre_attn_scalar", QueryScale(layers, hidden_size, head_dim)},
        {"rms_norm_eps", Shortest(file_.Required<float>("gemma3.attention.layer_norm_rms_epsilon"))},
        {"sliding_window", Size("gemma3.attention.sliding_window")},
        {"tie_word_embeddings", Tensor("output.weight") == nullptr},
        {"use_cache", true},
        {"vocab_size", VocabSize()},
    };
    AddRope(config);
    return config;
  }

 private:
  int64_t Size(std::string_view key) const {
    const auto value = file_.Required<int64_t>(key);
    if (value <= 0) Fail("{}: metadata '{}' is {}", path_, key, value);
    return value;
  }

  // null if the key is missing.
  Json Number(std::string_view key) const {
    const auto value = file_.Optional<float>(key);
    return value ? Json(Shortest(*value)) : Json();
  }

  int64_t Token(std::string_view name, int64_t gemmas) const {
    return file_.Optional<int64_t>(fmt::format("tokenizer.ggml.{}_token_id", name)).value_or(gemmas);
  }

  const GgufTensor* Tensor(std::string_view name) const {
    const auto& tensors = file_.tensors();
    const auto found =
        std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
    return found == tensors.end() ? nullptr : &*found;
  }

  int64_t VocabSize() const {
    const GgufTensor* embedding = Tensor("token_embd.weight");
    if (embedding == nullptr) Fail("{}: has no tensor 'token_embd.weight'", path_);
    if (embedding->shape.size() != 2) Fail("{}: tensor 'token_embd.weight' is not a matrix", path_);
    return embedding->shape[0];
  }

  // Five sliding layers, then a full one: all Gemma 3 models; GGUF does not say.
  static Json LayerTypes(int64_t layers) {
    Json types = Json::array();
    for (int64_t i = 1; i <= layers; ++i)
      types.push_back(i % 6 == 0 ? "full_attention" : "sliding_attention");
    return types;
  }

  // GGUF does not say: head_dim in all models but the 27B, which takes hidden_size / heads
  // (google/gemma_pytorch, gemma/config.py).
  static int64_t QueryScale(int64_t layers, int64_t hidden_size, int64_t head_dim) {
    return layers == 62 && hidden_size == 5376 ? 168 : head_dim;
  }

  void AddRope(Json& config) const {
    const double theta = Shortest(file_.Optional<float>("gemma3.rope.freq_base").value_or(1e6f));
    const double local_theta = Shortest(file_.Optional<float>("gemma3.rope.freq_base_swa").value_or(1e4f));
    const auto type = file_.Optional<std::string_view>("gemma3.rope.scaling.type").value_or("none");
    Json full = {{"rope_theta", theta}, {"rope_type", "default"}};
    Json scaling;
    if (type == "linear") {
      const double factor = Shortest(file_.Required<float>("gemma3.rope.scaling.factor"));
      scaling = {{"factor", factor}, {"rope_type", "linear"}};
      full.update(scaling);
    } else if (type != "none") {
      Fail("{}: RoPE scaling of type '{}' is not supported; Gemma 3 uses linear", path_, Printable(type));
    }
    config["rope_parameters"] = {
        {"full_attention", full},
        {"sliding_attention", {{"rope_theta", local_theta}, {"rope_type", "default"}}}};
    config["rope_theta"] = theta;
    config["rope_local_base_freq"] = local_theta;
    config["rope_scaling"] = scaling;
  }

  const GgufFile& file_;
  std::string path_;
};

}  // namespace

Json Gemma3ConfigFromGguf(const GgufFile& file) {
  const auto architecture = file.Required<std::string_view>("general.architecture");
  if (architecture != "gemma3") {
    Fail("{}: holds a model of architecture '{}'; gemtune reads gemma3", file.file().path().string(),
         Printable(architecture));
  }
  return Maker(file).Make();
}

}  // namespace gemtune::io
