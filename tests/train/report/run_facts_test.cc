#include "gemtune/train/report/run_facts.h"

#include <gmock/gmock.h>

#include "gemtune/train/run/run.h"
#include "tests/train/run/run_files.h"

namespace gemtune::train {
namespace {

class RunFacts : public RunFiles {};

TEST_F(RunFacts, CountEveryExamplesLength) {
  options_.data.test_files = options_.data.train_files;
  train::Run run(options_);
  const auto facts = FactsOf(run.options(), run.dtype(), run.data());
  EXPECT_EQ(facts["task"], "classification");
  EXPECT_EQ(facts["machine"]["dtype"], "fp32");
  ASSERT_EQ(facts["lengths"].size(), 2u);  // no validation
  for (const auto& lengths : facts["lengths"]) {
    int64_t count = 0, next = 1;
    for (const auto& bin : lengths["bins"]) {
      count += bin["count"].get<int64_t>();
      EXPECT_EQ(bin["from"], next);
      next = bin["to"].get<int64_t>() + 1;
    }
    EXPECT_EQ(count, 32);
    EXPECT_EQ(lengths["examples"], 32);
  }
}

TEST_F(RunFacts, ShowWrongTextsAndWhatWeighedInThem) {
  options_.output_dir.clear();
  train::Run run(options_);
  Task& task = run.LoadModel();
  const Metrics metrics = Metrics::parse(
      R"({"most_wrong": [{"row": 1, "true": "bad", "predicted": "good", "probability": 0.9}]})");
  const auto shown = WrongExamples(task, *run.data().train, metrics, "test", /*seconds=*/60);
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_EQ(shown[0]["row"], 2);  // counted from 1, as in messages
  EXPECT_EQ(shown[0]["label"], "bad");
  std::string text;
  for (const auto& token : shown[0]["tokens"]) text += token["token"].get<std::string>();
  EXPECT_EQ(text, "<bos>bh");
  EXPECT_TRUE(shown[0]["tokens"][1].contains("contribution"));
  EXPECT_FALSE(
      WrongExamples(task, *run.data().train, metrics, "test", 0)[0]["tokens"][1].contains("contribution"));
  EXPECT_TRUE(WrongExamples(task, *run.data().train, {{"loss", 1}}, "test", 60).empty());
}

}  // namespace
}  // namespace gemtune::train
