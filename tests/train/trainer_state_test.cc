#include "gemtune/train/trainer_state.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/message_of.h"

namespace gemtune::train {
namespace {

using testing::HasSubstr;

const auto kLog = nlohmann::ordered_json::parse("[{\"loss\": 0.1, \"step\": 4}]");

TEST(TrainerState, EveryNumberComesBackFromItsJsonAsItWas) {
  const TrainerState state{.steps = 7,
                           .skipped_steps = 2,
                           .skipped_in_a_row = 1,
                           .passes = 14,
                           .tokens = 123,
                           .seconds = 0.1 + 0.2,
                           .train_loss = 1.0 / 3,
                           .loss_since_evaluation = std::nextafter(2.0, 3.0),
                           .steps_since_evaluation = 3,
                           .evaluated_step = 4,
                           .evaluations_without_gain = 1,
                           .loss_since_logging = 0.7,
                           .steps_since_logging = 2,
                           .log_history = kLog,
                           .best_metrics = {{"loss", 1e-300}, {"accuracy", nullptr}},
                           .best_step = 4};
  const auto text = ToJson(state).dump(2);
  const TrainerState back = TrainerStateFromJson(nlohmann::ordered_json::parse(text), "s");
  EXPECT_EQ(ToJson(back).dump(2), text);
  EXPECT_EQ(back.train_loss, state.train_loss);
  EXPECT_EQ(back.loss_since_evaluation, state.loss_since_evaluation);
  EXPECT_EQ(back.best_metrics, state.best_metrics);
  EXPECT_EQ(back.passes, 14);
}

TEST(TrainerState, LiesInAFileOfTransformersFieldsAndComesBack) {
  const auto state = ToJson({.steps = 7, .log_history = kLog});
  const auto file = ForTransformers({{"epoch", 0.5}, {"global_step", 7}}, state);
  std::vector<std::string> keys;
  for (const auto& [name, unused] : file.items()) keys.push_back(name);
  EXPECT_THAT(keys, testing::ElementsAre("epoch", "global_step", "log_history", "stateful_callbacks"));
  EXPECT_EQ(file["log_history"][0]["step"], 4);
  const auto back = OfTransformers(nlohmann::ordered_json::parse(file.dump()));
  EXPECT_EQ(ToJson(TrainerStateFromJson(back, "s")), state);
  for (const char* strange :
       {"null", "[1]", "{\"stateful_callbacks\": 3}", "{\"stateful_callbacks\": {\"gemtune\": 1}}"}) {
    const auto json = nlohmann::ordered_json::parse(strange);
    EXPECT_EQ(OfTransformers(json), json);
  }
}

TEST(TrainerState, WhatIsMissingOrNoNumberIsSaid) {
  auto json = ToJson({});
  json["tokens"] = 1;  // more than is known is no fault
  EXPECT_NO_THROW(TrainerStateFromJson(json, "s"));
  json["train_loss"] = "small";
  EXPECT_THAT(test::MessageOf([&] { TrainerStateFromJson(json, "s"); }),
              HasSubstr("s: 'train_loss' has the wrong type"));
  json.erase("train_loss");
  EXPECT_THAT(test::MessageOf([&] { TrainerStateFromJson(json, "s"); }),
              HasSubstr("s: 'train_loss' is missing"));
  EXPECT_THAT(test::MessageOf([&] { TrainerStateFromJson(nullptr, "s"); }), HasSubstr("is missing"));
}

TEST(TrainerState, WhatNoRunWritesIsRefused) {
  const auto fault = [](const char* name, const nlohmann::ordered_json& value) {
    auto json = ToJson({.steps = 2});
    json[name] = value;
    return test::MessageOf([&] { TrainerStateFromJson(json, "s"); });
  };
  for (const auto& value :
       {nlohmann::ordered_json(-1), nlohmann::ordered_json(1e300), nlohmann::ordered_json(UINT64_MAX)}) {
    EXPECT_THAT(fault("passes", value), HasSubstr("s: 'passes' has the wrong type"));
  }
  EXPECT_THAT(fault("log_history", {{"loss", 1}}), HasSubstr("s: 'log_history' has the wrong type"));
  EXPECT_THAT(fault("best_metrics", 5), HasSubstr("s: 'best_metrics' has the wrong type"));
  EXPECT_THAT(fault("skipped_steps", 3), HasSubstr("s: has 2 steps but 3 skipped ones"));
}

}  // namespace
}  // namespace gemtune::train
