#include "gemtune/model/adapter_config.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/base/pattern.h"
#include "gemtune/io/hub/cache.h"
#include "gemtune/io/json_file.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kPeftVersion = "0.21.2";  // the version whose format is written

// Entries that do not change a trained adapter's results (fan_in_fan_out: peft corrects it for a linear
// module), or that are read one by one below. Any other entry is an error unless it is empty: null, false, {}
// or [].
const std::set<std::string> kKnownEntries = {"peft_type",
                                             "task_type",
                                             "r",
                                             "lora_alpha",
                                             "lora_dropout",
                                             "target_modules",
                                             "exclude_modules",
                                             "layers_to_transform",
                                             "layers_pattern",
                                             "rank_pattern",
                                             "alpha_pattern",
                                             "modules_to_save",
                                             "use_rslora",
                                             "use_dora",
                                             "bias",
                                             "fan_in_fan_out",
                                             "peft_version",
                                             "inference_mode",
                                             "auto_mapping",
                                             "init_lora_weights",
                                             "eva_config",
                                             "base_model_name_or_path",
                                             "revision",
                                             "megatron_core",
                                             "qalora_group_size"};

// Initialisations that leave the base unchanged. The others (pissa, olora, loftq, corda, ...) change its
// weights.
const std::set<std::string> kKnownStarts = {"true", "false", "gaussian", "eva", "orthogonal"};

// Settings and kinds of adapters that cannot be merged into Gemma 3's weights, even by peft.
const std::set<std::string> kUnmergeable = {
    "lora_bias",           "layer_replication", "alora_invocation_tokens",
    "\"PROMPT_TUNING\"",   "\"P_TUNING\"",      "\"PREFIX_TUNING\"",
    "\"ADAPTION_PROMPT\"", "\"CPT\"",           "\"MULTITASK_PROMPT_TUNING\""};

bool IsEmpty(const Json& value) {
  return value.is_null() || value == false || ((value.is_structured() || value.is_string()) && value.empty());
}

// More than the number of modules in any Gemma 3, including its vision tower.
constexpr size_t kMaxPatterns = 2000;

constexpr int64_t kMaxRank = 1 << 20;

// Reads one adapter_config.json; every error names the file.
class Reader {
 public:
  explicit Reader(const fs::path& directory)
      : directory_(directory.string()),
        path_((directory / kAdapterConfigName).string()),
        json_(io::ParseJsonFile(path_)) {
    if (!json_.is_object()) Fail("{}: is not a JSON object", path_);
  }

  const std::string& path() const { return path_; }
  const Json& json() const { return json_; }

  // `what` is a setting's name, or the adapter's kind as written in the file.
  std::string Advice(const std::string& what) const {
    return kUnmergeable.contains(what) ? "train the adapter again without that"
                                       : MergeAdvice(directory_, TaskType());
  }

  // null if there is none.
  Json At(const char* name) const { return json_.value(name, Json()); }

  // A classifier's, if the file says nothing or something else.
  std::string TaskType() const { return At("task_type") == kCausalLm ? kCausalLm : kSequenceClassification; }

  bool Flag(const char* name) const {
    const Json value = At(name);
    if (!value.is_null() && !value.is_boolean()) Fail("{}: '{}' is neither true nor false", path_, name);
    return value.is_boolean() && value.get<bool>();
  }

  // `name` is what messages call `value`.
  double Number(const std::string& name, const Json& value, double least, double most) const {
    if (!value.is_number() || !(value.get<double>() >= least && value.get<double>() <= most)) {
      Fail("{}: {} is not a number between {} and {}", path_, name, least, most);
    }
    return value.get<double>();
  }

  int64_t WholeNumber(const std::string& name, const Json& value, int64_t least, int64_t most) const {
    const double number = Number(name, value, static_cast<double>(least), static_cast<double>(most));
    if (number != std::floor(number)) Fail("{}: {} is not a whole number", path_, name);
    return static_cast<int64_t>(number);
  }

  std::vector<std::string> Names(const char* name) const {
    const Json value = At(name);
    const auto is_text = [](const Json& item) {
      return item.is_string() && !item.get_ref<const std::string&>().empty();
    };
    if (value.is_null()) return {};
    if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_text)) {
      Fail("{}: '{}' is not a list of names", path_, name);
    }
    return value.get<std::vector<std::string>>();
  }

  // An entry that is one name or a list of names.
  std::vector<std::string> NameOrNames(const char* name) const {
    const Json value = At(name);
    if (!value.is_string()) return Names(name);
    return value.empty() ? std::vector<std::string>() : std::vector{value.get<std::string>()};
  }

  // Reads a text as a regular expression, anything else as a list of names.
  void NamesOrExpression(const char* name, std::vector<std::string>& names, std::string& expression) const {
    const Json value = At(name);
    if (!value.is_string()) {
      names = Names(name);
      return;
    }
    expression = value.get<std::string>();
    CheckExpression(name, expression);
  }

  void CheckExpression(const char* name, const std::string& expression) const {
    Pattern(expression, fmt::format("{}: '{}'", path_, name));
  }

  // {"expression": value} in the file's order; if two match, the first counts.
  std::vector<std::pair<std::string, Json>> Patterns(const char* name) const {
    const Json value = At(name);
    if (IsEmpty(value)) return {};
    if (!value.is_object()) Fail("{}: '{}' is not an object of names and numbers", path_, name);
    if (value.size() > kMaxPatterns) Fail("{}: '{}' has more than {} entries", path_, name, kMaxPatterns);
    std::vector<std::pair<std::string, Json>> patterns;
    for (const auto& [key, number] : value.items()) {
      CheckExpression(name, key);
      patterns.emplace_back(key, number);
    }
    return patterns;
  }

 private:
  std::string directory_, path_;
  Json json_;
};

void RefuseOtherKinds(const Reader& reader) {
  const Json kind = reader.At("peft_type"), task = reader.At("task_type");
  if (kind != "LORA") {
    Fail("{}: 'peft_type' is {}; gemtune reads LORA only; {}", reader.path(), Printable(kind.dump()),
         reader.Advice(kind.dump()));
  }
  if (!task.is_null() && task != kSequenceClassification && task != kCausalLm) {
    Fail("{}: 'task_type' is {}; gemtune reads adapters of classifiers ({}) and of language models ({})",
         reader.path(), Printable(task.dump()), kSequenceClassification, kCausalLm);
  }
  const Json bias = reader.At("bias");
  if (IsEmpty(bias) || bias == "none" || bias == "all" || bias == "lora_only") return;
  Fail("{}: 'bias' is {}; peft knows none, all and lora_only", reader.path(), Printable(bias.dump()));
}

void RefuseUnknownSettings(const Reader& reader) {
  for (const auto& [name, value] : reader.json().items()) {
    if (kKnownEntries.contains(name) || IsEmpty(value)) continue;
    Fail("{}: '{}' is {}, a setting that gemtune does not know; {}", reader.path(), Printable(name),
         Printable(value.dump()), reader.Advice(name));
  }
  const Json start = reader.At("init_lora_weights");
  const std::string name = start.is_string() ? start.get<std::string>()
                           : start.is_null() ? "true"
                                             : start.dump();
  if (!kKnownStarts.contains(name)) {
    Fail(
        "{}: 'init_lora_weights' is {}, which changes the base model's weights too; convert the adapter to "
        "plain LoRA "
        "first (peft: save_pretrained with path_initial_model_for_weight_conversion)",
        reader.path(), Printable(start.dump()));
  }
}

void ReadTargets(const Reader& reader, LoraConfig& lora) {
  reader.NamesOrExpression("exclude_modules", lora.exclude_modules, lora.exclude_pattern);
  if (reader.At("target_modules") == "all-linear") return;
  reader.NamesOrExpression("target_modules", lora.target_modules, lora.target_pattern);
  if (lora.target_pattern.empty() && lora.target_modules.empty()) {
    Fail("{}: 'target_modules' is empty", reader.path());
  }
}

void ReadLayers(const Reader& reader, LoraConfig& lora) {
  const Json layers = reader.At("layers_to_transform");
  const auto add = [&](const Json& layer) {
    lora.layers_to_transform.push_back(
        reader.WholeNumber("'layers_to_transform'", layer, -1'000'000, 1'000'000));
  };
  if (layers.is_array()) {
    for (const Json& layer : layers) add(layer);
  } else if (!IsEmpty(layers)) {
    add(layers);
  }
  lora.layers_pattern = reader.NameOrNames("layers_pattern");
  for (const std::string& expression : lora.layers_pattern)
    reader.CheckExpression("layers_pattern", expression);
}

void ReadRanks(const Reader& reader, LoraConfig& lora) {
  lora.r = reader.WholeNumber("'r'", reader.At("r"), 1, kMaxRank);
  lora.lora_alpha = reader.Number("'lora_alpha'", reader.At("lora_alpha"), -1e9, 1e9);
  for (const auto& [key, rank] : reader.Patterns("rank_pattern")) {
    const std::string name = fmt::format("'rank_pattern': '{}'", Printable(key));
    lora.rank_pattern.emplace_back(key, reader.WholeNumber(name, rank, 1, kMaxRank));
  }
  for (const auto& [key, alpha] : reader.Patterns("alpha_pattern")) {
    const std::string name = fmt::format("'alpha_pattern': '{}'", Printable(key));
    lora.alpha_pattern.emplace_back(key, reader.Number(name, alpha, -1e9, 1e9));
  }
}

Json Number(double value) {
  return value == std::floor(value) && std::fabs(value) < 1e15 ? Json(static_cast<int64_t>(value))
                                                               : Json(value);
}

Json ToJson(const AdapterConfig& config) {
  const LoraConfig& lora = config.lora;
  std::vector<std::string> saved = lora.modules_to_save;
  if (config.task_type == kSequenceClassification) {
    for (const char* head : {"classifier", "score"}) {  // as peft does
      if (std::find(saved.begin(), saved.end(), head) == saved.end()) saved.emplace_back(head);
    }
  }
  Json json = {{"peft_type", "LORA"},
               {"task_type", config.task_type},
               {"base_model_name_or_path", config.base_model_name_or_path},
               {"r", lora.r},
               {"lora_alpha", Number(lora.lora_alpha)},
               {"lora_dropout", lora.lora_dropout},
               {"use_rslora", lora.use_rslora},
               {"use_dora", lora.use_dora},
               {"target_modules", lora.target_modules},
               {"modules_to_save", saved.empty() ? Json() : Json(saved)},
               {"bias", "none"},
               {"fan_in_fan_out", false},
               {"init_lora_weights", true},
               {"inference_mode", true},
               {"peft_version", kPeftVersion}};
  if (!lora.target_pattern.empty()) json["target_modules"] = lora.target_pattern;
  json["rank_pattern"] = Json::object();
  for (const auto& [key, rank] : lora.rank_pattern) json["rank_pattern"][key] = rank;
  json["alpha_pattern"] = Json::object();
  for (const auto& [key, alpha] : lora.alpha_pattern) json["alpha_pattern"][key] = Number(alpha);
  // The other entries that peft writes, all unused.
  for (const char* name :
       {"alora_invocation_tokens", "arrow_config", "auto_mapping", "corda_config", "eva_config",
        "exclude_modules", "layer_replication", "layers_pattern", "layers_to_transform", "megatron_config",
        "revision", "target_parameters", "trainable_token_indices"}) {
    json[name] = nullptr;
  }
  if (const auto repo = io::hub::NameOnHub(config.base_model_name_or_path); repo && repo->str() != repo->id) {
    json["base_model_name_or_path"] = repo->id;
    json["revision"] = repo->revision;
  }
  json["loftq_config"] = Json::object();
  for (const char* name : {"ensure_weight_tying", "lora_bias", "use_qalora"}) json[name] = false;
  return json;
}

}  // namespace

std::string MergeAdvice(const fs::path& directory, const std::string& task_type) {
  const bool is_causal = task_type == kCausalLm;
  return fmt::format(
      "make a whole model of it in Python, and copy the tokenizer there: import peft; peft."
      "AutoPeftModelFor{1}.from_pretrained(\"{0}\"{2})"
      ".merge_and_unload().save_pretrained(\"{0}-merged\")",
      directory.string(), is_causal ? "CausalLM" : "SequenceClassification",
      is_causal ? "" : ", num_labels=<number of labels>");
}

AdapterConfig ReadAdapterConfig(const fs::path& directory) {
  const Reader reader(directory);
  RefuseOtherKinds(reader);
  RefuseUnknownSettings(reader);
  AdapterConfig config;
  config.lora = {.use_rslora = reader.Flag("use_rslora"),
                 .use_dora = reader.Flag("use_dora"),
                 .modules_to_save = reader.Names("modules_to_save")};
  ReadRanks(reader, config.lora);
  if (const Json dropout = reader.At("lora_dropout"); !dropout.is_null())
    config.lora.lora_dropout = reader.Number("'lora_dropout'", dropout, 0, 0.999);
  ReadTargets(reader, config.lora);
  ReadLayers(reader, config.lora);
  const Json base = reader.At("base_model_name_or_path");
  if (base.is_string()) config.base_model_name_or_path = base.get<std::string>();
  const Json revision = reader.At("revision");  // of a name on the hub; a path has none
  if (auto repo = io::hub::NameOnHub(config.base_model_name_or_path); repo && revision.is_string()) {
    repo->revision = revision.get<std::string>();
    if (io::hub::IsRevision(repo->revision)) config.base_model_name_or_path = repo->str();
  }
  config.task_type = reader.TaskType();
  return config;
}

void WriteAdapterConfig(const fs::path& directory, const AdapterConfig& config) {
  WriteFileAtomically(directory / kAdapterConfigName, ToJson(config).dump(2) + "\n");
}

}  // namespace gemtune::model
