#include "gemtune/train/trainer_state.h"

#include <utility>

#include "gemtune/base/error.h"

namespace gemtune::train {
namespace {

constexpr const char *kLogHistory = "log_history", *kCallbacks = "stateful_callbacks", *kOurs = "gemtune";

// Calls visit(name, member) for every stored field.
template <typename State, typename Visit>
void ForEachMember(State& state, Visit&& visit) {
  visit("global_step", state.steps);
  visit("skipped_steps", state.skipped_steps);
  visit("skipped_in_a_row", state.skipped_in_a_row);
  visit("passes", state.passes);
  visit("num_input_tokens_seen", state.tokens);
  visit("train_runtime", state.seconds);
  visit("train_loss", state.train_loss);
  visit("loss_since_evaluation", state.loss_since_evaluation);
  visit("steps_since_evaluation", state.steps_since_evaluation);
  visit("evaluated_step", state.evaluated_step);
  visit("early_stopping_patience_counter", state.evaluations_without_gain);
  visit("loss_since_logging", state.loss_since_logging);
  visit("steps_since_logging", state.steps_since_logging);
  visit(kLogHistory, state.log_history);
  visit("best_global_step", state.best_step);
  visit("best_metrics", state.best_metrics);
}

bool Take(const nlohmann::ordered_json& json, int64_t& count) {
  // Larger numbers would be unsigned and not fit int64_t.
  if (!json.is_number_integer() || json.get<int64_t>() < 0) return false;
  json.get_to(count);
  return true;
}

bool Take(const nlohmann::ordered_json& json, double& number) {
  if (!json.is_number()) return false;
  json.get_to(number);
  return true;
}

// Of the metrics, or of the log.
bool Take(const nlohmann::ordered_json& json, nlohmann::ordered_json& member) {
  const bool fits = member.is_array() ? json.is_array() : json.is_null() || json.is_object();
  if (fits) member = json;
  return fits;
}

}  // namespace

nlohmann::ordered_json ToJson(const TrainerState& state) {
  nlohmann::ordered_json json;
  ForEachMember(state, [&](const char* name, const auto& member) { json[name] = member; });
  return json;
}

nlohmann::ordered_json ForTransformers(nlohmann::ordered_json frame, nlohmann::ordered_json state) {
  frame[kLogHistory] = std::move(state[kLogHistory]);
  state.erase(kLogHistory);
  frame[kCallbacks] = {{kOurs, std::move(state)}};
  return frame;
}

nlohmann::ordered_json OfTransformers(const nlohmann::ordered_json& file) {
  const nlohmann::ordered_json::json_pointer ours("/stateful_callbacks/gemtune");
  if (!file.is_object() || !file.contains(ours) || !file[ours].is_object()) return file;
  nlohmann::ordered_json state = file[ours];
  if (const auto log = file.find(kLogHistory); log != file.end()) state[kLogHistory] = *log;
  return state;
}

TrainerState TrainerStateFromJson(const nlohmann::ordered_json& json, const std::string& source) {
  TrainerState state;
  ForEachMember(state, [&](const char* name, auto& member) {
    const auto found = json.is_object() ? json.find(name) : json.end();
    if (found == json.end()) Fail("{}: '{}' is missing", source, name);
    if (!Take(*found, member)) Fail("{}: '{}' has the wrong type", source, name);
  });
  if (state.skipped_steps > state.steps)
    Fail("{}: has {} steps but {} skipped ones", source, state.steps, state.skipped_steps);
  return state;
}

}  // namespace gemtune::train
