#include "gemtune/infer/generation_config.h"

#include <algorithm>
#include <string>

#include "gemtune/base/error.h"

namespace gemtune::infer {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFile = "generation_config.json";

// The value of `name`, if the file has it and it is not null.
template <typename T>
void Take(const Json& file, const char* name, T& value) {
  const auto found = file.find(name);
  if (found == file.end() || found->is_null()) return;
  const bool fits = std::is_same_v<T, bool>     ? found->is_boolean()
                    : std::is_same_v<T, double> ? found->is_number()
                                                : found->is_number_integer();
  if (!fits) Fail("{}: '{}' is {}, which is no value for it", kFile, name, Printable(found->dump()));
  value = found->get<T>();
}

// A number, a list of numbers, or nothing.
std::vector<int32_t> EosIds(const Json& file, int64_t vocab_size, const char* source) {
  const auto found = file.is_object() ? file.find("eos_token_id") : file.end();
  if (!file.is_object() || found == file.end() || found->is_null()) return {};
  std::vector<int32_t> ids;
  for (const Json& id : found->is_array() ? *found : Json::array({*found})) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= vocab_size)
      Fail("{}: eos_token_id is {}; it must be ids in [0, {})", source, Printable(found->dump()), vocab_size);
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

}  // namespace

GenerationConfig GenerationConfig::Of(const model::Pretrained& model) {
  GenerationConfig config;
  if (const Json& file = model.generation_config; file.is_object()) {
    Take(file, "do_sample", config.sampling.do_sample);
    Take(file, "temperature", config.sampling.temperature);
    Take(file, "top_k", config.sampling.top_k);
    Take(file, "top_p", config.sampling.top_p);
    Take(file, "min_p", config.sampling.min_p);
    Take(file, "repetition_penalty", config.sampling.repetition_penalty);
    CheckSampling(config.sampling);
  }
  std::vector<int32_t>& ids = config.eos_token_ids;
  ids = EosIds(model.generation_config, model.config.vocab_size, kFile);
  if (ids.empty()) ids = EosIds(model.config_json, model.config.vocab_size, "config.json");
  if (ids.empty() && model.tokenizer.eos_id() >= 0) ids.push_back(model.tokenizer.eos_id());
  const int32_t end_of_turn = model.tokenizer.FindToken("<end_of_turn>");
  if (end_of_turn >= 0 && std::ranges::find(ids, end_of_turn) == ids.end()) ids.push_back(end_of_turn);
  return config;
}

}  // namespace gemtune::infer
