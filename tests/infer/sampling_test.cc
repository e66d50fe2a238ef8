#include "gemtune/infer/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/message_of.h"

namespace gemtune::infer {
namespace {

using testing::HasSubstr;

// What transformers' processors made of some scores; see golden/generate_sampling.py.
struct Golden {
  Golden() {
    nlohmann::json json;
    std::ifstream(GEMTUNE_SOURCE_DIR "/tests/infer/golden/sampling.json") >> json;
    scores = json["scores"].get<std::vector<float>>();
    context = json["context"].get<std::vector<int32_t>>();
    cases = json["cases"];
  }

  std::vector<float> scores;
  std::vector<int32_t> context;
  nlohmann::json cases;
};

SamplingOptions OptionsOf(const nlohmann::json& setting) {
  return {.do_sample = true,
          .temperature = setting.value("temperature", 1.0),
          .top_k = setting.value("top_k", int64_t{50}),
          .top_p = setting.value("top_p", 1.0),
          .min_p = setting.value("min_p", 0.0),
          .repetition_penalty = setting.value("repetition_penalty", 1.0)};
}

TEST(Sampling, ProbabilitiesEqualTransformers) {
  const Golden golden;
  ASSERT_GE(golden.cases.size(), 10u);
  for (const auto& item : golden.cases) {
    std::vector<float> scores = golden.scores;
    const auto tokens = NextTokens(scores, OptionsOf(item["setting"]), {.context = golden.context});
    ASSERT_EQ(tokens.size(), item["ids"].size()) << item["setting"];
    for (size_t i = 0; i < tokens.size(); ++i) {
      EXPECT_EQ(tokens[i].id, item["ids"][i]) << item["setting"];
      EXPECT_NEAR(tokens[i].probability, item["probabilities"][i].get<double>(), 1e-6) << item["setting"];
    }
  }
}

TEST(Sampling, WithoutItTheFirstOfTheMostProbableIsTaken) {
  std::vector<float> scores = {1, 5, 5, -2};
  EXPECT_EQ(ChooseToken(scores, {}, {}), 1);
  const std::vector<int32_t> banned = {1};
  EXPECT_EQ(ChooseToken(scores, {}, {.context = {}, .banned = banned}), 2);
  // transformers' greedy search has the penalty, too.
  std::vector<float> again = {1, 5, 4, -2};
  const std::vector<int32_t> context = {1, 1};
  EXPECT_EQ(ChooseToken(again, {.repetition_penalty = 1.5}, {.context = context}), 2);
  EXPECT_EQ(again[1], 5 / 1.5f);  // once, however often it occurred
}

// As often as its probability says; the same place draws the same, another place something else.
TEST(Sampling, DrawsByProbability) {
  const std::vector<float> scores = {0.5f, 2.0f, -1.0f, 1.0f};
  const SamplingOptions options = {.do_sample = true, .seed = 3};
  std::vector<float> copy = scores;
  const auto expected = NextTokens(copy, options, {});
  std::map<int32_t, int> counts;
  constexpr int kDraws = 40'000;
  for (int i = 0; i < kDraws; ++i) {
    copy = scores;
    const TokenPlace place = {
        .context = {}, .sequence = static_cast<uint64_t>(i % 7), .position = static_cast<uint64_t>(i / 7)};
    const int32_t id = ChooseToken(copy, options, place);
    ++counts[id];
    copy = scores;
    EXPECT_EQ(ChooseToken(copy, options, place), id);
  }
  for (const auto& token : expected) {
    const double deviation = std::sqrt(token.probability * (1 - token.probability) / kDraws);
    EXPECT_NEAR(counts[token.id] / double{kDraws}, token.probability, 4 * deviation) << token.id;
  }
}

TEST(Sampling, NumbersDependOnSeedSequenceAndPosition) {
  double sum = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    const double u = UniformAt(i, 1, 2);
    EXPECT_GE(u, 0);
    EXPECT_LT(u, 1);
    EXPECT_NE(u, UniformAt(i + 1, 1, 2));
    EXPECT_NE(u, UniformAt(i, 2, 2));
    EXPECT_NE(u, UniformAt(i, 1, 3));
    EXPECT_NE(UniformAt(7, i, i + 1), UniformAt(7, i + 1, i));
    sum += u;
  }
  EXPECT_NEAR(sum / 1000, 0.5, 0.04);
}

TEST(Sampling, SaysWhatCannotBe) {
  EXPECT_EQ(test::MessageOf([] { CheckSampling({.temperature = 0}); }),
            "`temperature` is 0; it must be above 0");
  EXPECT_THAT(test::MessageOf([] { CheckSampling({.top_p = 1.5}); }), HasSubstr("`top_p` is 1.5"));
  EXPECT_THAT(test::MessageOf([] { CheckSampling({.top_p = 0}); }), HasSubstr("above 0 and at most 1"));
  EXPECT_THAT(test::MessageOf([] { CheckSampling({.top_k = -1}); }), HasSubstr("`top_k` is -1"));
  EXPECT_THAT(test::MessageOf([] { CheckSampling({.min_p = -0.1}); }), HasSubstr("`min_p`"));
  EXPECT_THAT(test::MessageOf([] { CheckSampling({.repetition_penalty = 0}); }),
              HasSubstr("`repetition_penalty`"));
  std::vector<float> bad(3, std::numeric_limits<float>::quiet_NaN());
  EXPECT_THAT(test::MessageOf([&] { ChooseToken(bad, {}, {}); }), HasSubstr("not finite"));
}

}  // namespace
}  // namespace gemtune::infer
