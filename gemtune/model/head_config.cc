#include "gemtune/model/head_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <vector>

#include "gemtune/base/error.h"

namespace gemtune::model {
namespace {

using Json = nlohmann::ordered_json;

const Json& TextConfig(const Json& config) {
  const auto nested = config.find("text_config");
  return nested == config.end() || !nested->is_object() ? config : *nested;
}

// id2label of a config.json; without one, peft's and transformers' LABEL_0, LABEL_1, ...
std::vector<std::string> LabelNames(const Json& config, const std::string& source) {
  const auto is_absent = [&](const char* name) { return !config.contains(name) || config[name].is_null(); };
  std::vector<std::string> names;
  if (is_absent("id2label")) {
    constexpr int64_t kMost = 1'000'000;
    const Json count = is_absent("num_labels") ? Json(2) : config["num_labels"];  // as in transformers
    if (!count.is_number_integer() || count < 1 || count > kMost)
      Fail("{}: 'num_labels' is not a number between 1 and {}", source, kMost);
    for (int64_t id = 0; id < count.get<int64_t>(); ++id) names.push_back(fmt::format("LABEL_{}", id));
    return names;
  }
  const Json& labels = config["id2label"];
  if (!labels.is_object() || labels.empty()) Fail("{}: 'id2label' is not an object of ids and names", source);
  // In this case transformers uses num_labels and loses the names.
  if (!is_absent("num_labels") && config["num_labels"] != labels.size()) {
    Fail("{}: 'num_labels' is {}, but 'id2label' names {} labels; correct one of them", source,
         Printable(config["num_labels"].dump()), labels.size());
  }
  names.resize(labels.size());
  std::vector<bool> seen(names.size());
  for (const auto& [id, name] : labels.items()) {
    const bool is_number = !id.empty() && id.size() < 10 &&
                           std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isdigit(c); });
    const size_t index = is_number ? std::stoul(id) : names.size();
    if (index >= names.size() || seen[index]) {
      Fail("{}: 'id2label' does not number its labels 0 to {}", source, names.size() - 1);
    }
    if (!name.is_string() && !name.is_number()) {
      Fail("{}: 'id2label' calls {} {}, which is neither a text nor a number", source, index,
           Printable(name.dump()));
    }
    seen[index] = true;
    names[index] = name.is_string() ? name.get<std::string>() : name.dump();
  }
  return names;
}

constexpr const char *kOwn = "gemtune", *kTemperature = "temperature", *kThresholds = "thresholds";

void ReadOwn(const Json& config, const std::string& source, ClassifierHead& head) {
  const auto own = config.find(kOwn);
  if (own == config.end()) return;
  if (!own->is_object()) Fail("{}: '{}' is not an object", source, kOwn);
  if (const auto temperature = own->find(kTemperature); temperature != own->end()) {
    const double value = temperature->is_number() ? temperature->get<double>() : 0;
    if (!std::isfinite(value) || value <= 0)
      Fail("{}: '{}' of '{}' is {}, not a number above 0", source, kTemperature, kOwn,
           Printable(temperature->dump()));
    head.temperature = value;
  }
  const auto thresholds = own->find(kThresholds);
  if (thresholds == own->end()) return;
  for (const std::string& name : head.label_names) {
    const bool is_there = thresholds->is_object() && thresholds->contains(name);
    const Json value = is_there ? thresholds->at(name) : Json();
    if (!value.is_number() || !(value.get<double>() >= 0 && value.get<double>() <= 1))
      Fail("{}: '{}' of '{}' has no number from 0 to 1 for '{}'", source, kThresholds, kOwn, Printable(name));
    head.thresholds.push_back(value.get<double>());
  }
}

void AddOwn(const ClassifierHead& head, Json& config) {
  config.erase(kOwn);
  if (head.temperature != 1) config[kOwn][kTemperature] = head.temperature;
  for (size_t id = 0; id < head.thresholds.size(); ++id)
    config[kOwn][kThresholds][head.label_names[id]] = head.thresholds[id];
}

// The config.json of a text model of transformers' class `architecture`, from that of its base.
Json TextModelConfig(const Json& source, const char* architecture, at::ScalarType dtype,
                     int64_t pad_token_id) {
  Json config = TextConfig(source);
  for (const char* stale : {"torch_dtype", "quantization_config", "_name_or_path", "_model_name_or_path"}) {
    config.erase(stale);
  }
  config["architectures"] = {architecture};
  config["model_type"] = "gemma3_text";
  config["dtype"] = dtype == at::kBFloat16 ? "bfloat16" : "float32";
  config["pad_token_id"] = pad_token_id;
  return config;
}

}  // namespace

ClassifierHead HeadFromConfig(const Json& config, const std::string& source) {
  ClassifierHead head{.problem_type = "", .label_names = LabelNames(config, source)};
  const auto type = config.find("problem_type");
  if (type != config.end() && type->is_string()) {
    head.problem_type = type->get<std::string>();
  } else {  // as transformers decides if nothing is given
    head.problem_type = head.label_names.size() == 1 ? "regression" : "single_label_classification";
  }
  ReadOwn(config, source, head);
  return head;
}

void AddHead(const ClassifierHead& head, Json& config) {
  config["problem_type"] = head.problem_type;
  config["num_labels"] = head.label_names.size();
  config["id2label"] = Json::object();
  config["label2id"] = Json::object();
  for (size_t id = 0; id < head.label_names.size(); ++id) {
    config["id2label"][std::to_string(id)] = head.label_names[id];
    config["label2id"][head.label_names[id]] = id;
  }
  AddOwn(head, config);
}

Json CausalLmConfig(const Json& source, at::ScalarType dtype, int64_t pad_token_id) {
  Json config = TextModelConfig(source, "Gemma3ForCausalLM", dtype, pad_token_id);
  for (const char* of_classifier : {"problem_type", "num_labels", "id2label", "label2id", kOwn})
    config.erase(of_classifier);
  config["tie_word_embeddings"] = true;
  return config;
}

Json ClassifierConfig(const Json& source, const ClassifierHead& head, at::ScalarType dtype,
                      int64_t pad_token_id) {
  Json config = TextModelConfig(source, "Gemma3TextForSequenceClassification", dtype, pad_token_id);
  AddHead(head, config);
  return config;
}

}  // namespace gemtune::model
