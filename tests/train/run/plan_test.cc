#include "gemtune/cli/run_plan.h"

#include <gmock/gmock.h>

#include "gemtune/base/error.h"
#include "tests/data/make_dataset.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class RunPlanTest : public test::TempDir {
 protected:
  RunPlanTest() {
    test::WriteTinyModel(dir_ / "base");
    request_ = {.model = (dir_ / "base").string(),
                .method = "full",
                .trainer = {.batch_size = 8, .num_train_epochs = 1},
                .eval_batch_tokens = 4096,
                .max_length = 4000,
                .num_labels = 3};
  }

  RunPlan Plan(const PlanRequest& request) const {
    return RunPlan(request, {&train_, nullptr, nullptr}, /*process_bytes=*/1'000'000);
  }

  std::string Refusal(const RunPlan& plan, int64_t limit) const {
    return test::MessageOf([&] { plan.CheckFits({.bytes = limit, .source = "ulimit -v"}, 0); });
  }

  // 16 rows of 4,000 tokens: some 30 MB an example of the tiny model.
  data::Dataset train_ = data::MakeDataset(std::vector<int64_t>(16, 4000));
  PlanRequest request_;
};

TEST_F(RunPlanTest, TellsTheSizeOfDataAndModel) {
  const auto json = Plan(request_).ToJson();
  EXPECT_EQ(json["train_examples"], 16);
  EXPECT_EQ(json["train_tokens"], 64'000);
  EXPECT_EQ(json["truncated_examples"], 8);
  EXPECT_EQ(json["truncated_share"], 0.5);
  EXPECT_EQ(json["length_histogram"].dump(), R"([{"from":2049,"to":4000,"examples":16}])");
  EXPECT_EQ(json["steps"], 2);
  EXPECT_EQ(json["largest_batch_tokens"], 32'000);
  // embedding 288 · 16; 7 layers of 4 · 8 · 16 (q, o) and 2 · 8 · 16 (k, v) each twice, 3 · 16 · 32, norms.
  const int64_t layer = 2 * 32 * 16 + 2 * 16 * 16 + 3 * 16 * 32 + 4 * 16 + 2 * 8;
  EXPECT_EQ(json["parameters"], 288 * 16 + 7 * layer + 16 + 3 * 16);
  EXPECT_EQ(json["trained_parameters"], json["parameters"]);
  EXPECT_EQ(json["memory_bytes"]["process"], 1'000'000);
  request_.method = "head";
  EXPECT_EQ(Plan(request_).ToJson()["trained_parameters"], 3 * 16);
}

TEST_F(RunPlanTest, ARunThatFitsToTheByteIsNotRefused) {
  const RunPlan plan = Plan(request_);
  EXPECT_NO_THROW(plan.CheckFits({.bytes = plan.memory().peak(), .source = "ulimit -v"}, 0));
  EXPECT_THAT(Refusal(plan, plan.memory().peak() - 1),
              AllOf(HasSubstr("this run needs about "), HasSubstr("(ulimit -v)"), HasSubstr("32000 tokens"),
                    HasSubstr("--per-device-train-batch-size 8, --max-length 4000"), Not(HasSubstr("\n"))));
}

TEST_F(RunPlanTest, WhatIsAdvisedFits) {
  PlanRequest checkpointed = request_;
  checkpointed.gradient_checkpointing = true;
  const int64_t limit = Plan(checkpointed).memory().peak();
  const std::string advice = Refusal(Plan(request_), limit);
  EXPECT_THAT(advice, HasSubstr("--gradient-checkpointing"));
  const std::string option = "--max-tokens-per-batch ";
  ASSERT_THAT(advice, HasSubstr(option));
  PlanRequest cut = request_;
  cut.trainer.max_tokens_per_batch = std::stoll(advice.substr(advice.find(option) + option.size()));
  EXPECT_GE(cut.trainer.max_tokens_per_batch, 4000);
  EXPECT_NO_THROW(Plan(cut).CheckFits({.bytes = limit, .source = ""}, 0));
}

TEST_F(RunPlanTest, WhereNoExampleFitsItIsToBeShorter) {
  PlanRequest one = request_;
  one.trainer.batch_size = 1;
  const RunPlan plan = Plan(one);
  EXPECT_THAT(Refusal(plan, plan.memory().peak() - 10'000'000), HasSubstr("--batch-size 1 --max-length "));
}

TEST_F(RunPlanTest, WhereNothingHelpsItSaysSo) {
  EXPECT_THAT(Refusal(Plan(request_), 2'000'000), HasSubstr("none of these is enough alone: "));
}

TEST_F(RunPlanTest, WhatOthersHoldIsAWarningOnly) {
  const RunPlan plan = Plan(request_);
  testing::internal::CaptureStderr();
  plan.CheckFits({}, plan.memory().peak() - 1'000'000);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  testing::internal::CaptureStderr();
  plan.CheckFits({}, plan.memory().peak() - 1'000'001);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("are free now"));
}

TEST_F(RunPlanTest, OfAHeadOnKeptStatesOnlyThoseAreTrainedOn) {
  request_.method = "head";
  EXPECT_EQ(Plan(request_).kept_stages(), 0);  // one epoch: used once
  request_.trainer.num_train_epochs = 2;
  const RunPlan plan = Plan(request_);
  EXPECT_EQ(plan.kept_stages(), 9);  // embedding, seven layers, norm
  EXPECT_EQ(plan.memory().kept, 16 * 16 * 4);
  EXPECT_LT(plan.memory().pass, 8 * 1000 * 1000);  // batches of 4,096 tokens, not of 32,000
}

}  // namespace
}  // namespace gemtune::cli
