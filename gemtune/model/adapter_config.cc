#include "gemtune/model/adapter_config.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/pattern.h"
#include "gemtune/io/json_file.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Entries that change nothing in what a trained adapter computes, or that are read one by one below. Any
// other is an error unless it is empty: null, false, {} or [].
const std::set<std::string> kKnownEntries = {"peft_type",
                                             "task_type",
                                             "r",
                                             "lora_alpha",
                                             "lora_dropout",
                                             "target_modules",
                                             "modules_to_save",
                                             "use_rslora",
                                             "use_dora",
                                             "bias",
                                             "peft_version",
                                             "inference_mode",
                                             "auto_mapping",
                                             "init_lora_weights",
                                             "eva_config",
                                             "base_model_name_or_path",
                                             "revision",
                                             "megatron_core",
                                             "qalora_group_size"};

// Starts that leave the base as it is. The others (pissa, olora, loftq, corda, ...) take something out of it.
const std::set<std::string> kKnownStarts = {"true", "false", "gaussian", "eva", "orthogonal"};

// One adapter_config.json, with the file's name in every complaint.
class Reader {
 public:
  explicit Reader(const fs::path& path) : path_(path.string()), json_(io::ParseJsonFile(path)) {
    if (!json_.is_object()) Fail("{}: is not a JSON object", path_);
  }

  const std::string& path() const { return path_; }
  const Json& json() const { return json_; }

  // null where there is none.
  Json At(const char* name) const { return json_.value(name, Json()); }

  bool Flag(const char* name) const {
    const Json value = At(name);
    if (!value.is_null() && !value.is_boolean()) Fail("{}: '{}' is neither true nor false", path_, name);
    return value.is_boolean() && value.get<bool>();
  }

  double Number(const char* name, double least, double most) const {
    const Json value = At(name);
    if (!value.is_number() || !(value.get<double>() >= least && value.get<double>() <= most)) {
      Fail("{}: '{}' is no number between {} and {}", path_, name, least, most);
    }
    return value.get<double>();
  }

  std::vector<std::string> Names(const char* name) const {
    const Json value = At(name);
    const auto is_text = [](const Json& item) {
      return item.is_string() && !item.get_ref<const std::string&>().empty();
    };
    if (value.is_null()) return {};
    if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_text)) {
      Fail("{}: '{}' is no list of names", path_, name);
    }
    return value.get<std::vector<std::string>>();
  }

  // Throws Error unless the entry is that text; null passes where `may_be_absent`.
  void Expect(const char* name, const std::string& text, bool may_be_absent) const {
    const Json value = At(name);
    if (value == text || (value.is_null() && may_be_absent)) return;
    Fail("{}: '{}' is {}; gemtune reads {} only", path_, name, Printable(value.dump()), text);
  }

 private:
  std::string path_;
  Json json_;
};

bool IsEmpty(const Json& value) {
  return value.is_null() || value == false || ((value.is_structured() || value.is_string()) && value.empty());
}

void RefuseUnknownSettings(const Reader& reader) {
  for (const auto& [name, value] : reader.json().items()) {
    if (kKnownEntries.contains(name) || IsEmpty(value)) continue;
    Fail("{}: '{}' is {}, a setting that gemtune does not know", reader.path(), Printable(name),
         Printable(value.dump()));
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
  const Json targets = reader.At("target_modules");
  if (targets.is_string()) {
    const auto& text = targets.get_ref<const std::string&>();
    if (text == "all-linear") return;
    Pattern(text, fmt::format("{}: 'target_modules'", reader.path()));
    lora.target_pattern = text;
  } else {
    lora.target_modules = reader.Names("target_modules");
  }
  if (lora.target_pattern.empty() && lora.target_modules.empty()) {
    Fail("{}: 'target_modules' names none", reader.path());
  }
}

}  // namespace

AdapterConfig ReadAdapterConfig(const fs::path& directory) {
  const Reader reader(directory / kAdapterConfigName);
  reader.Expect("peft_type", "LORA", /*may_be_absent=*/false);
  reader.Expect("task_type", "SEQ_CLS", /*may_be_absent=*/true);
  reader.Expect("bias", "none", /*may_be_absent=*/true);
  RefuseUnknownSettings(reader);
  AdapterConfig config;
  const double rank = reader.Number("r", 1, 1 << 20);
  if (rank != std::floor(rank)) Fail("{}: 'r' is no whole number", reader.path());
  config.lora = {.r = static_cast<int64_t>(rank),
                 .lora_alpha = reader.Number("lora_alpha", -1e9, 1e9),
                 .use_rslora = reader.Flag("use_rslora"),
                 .use_dora = reader.Flag("use_dora"),
                 .modules_to_save = reader.Names("modules_to_save")};
  if (!reader.At("lora_dropout").is_null())
    config.lora.lora_dropout = reader.Number("lora_dropout", 0, 0.999);
  ReadTargets(reader, config.lora);
  const Json base = reader.At("base_model_name_or_path");
  if (base.is_string()) config.base_model_name_or_path = base.get<std::string>();
  return config;
}

}  // namespace gemtune::model
