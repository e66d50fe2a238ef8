#include "gemtune/train/run/plan.h"

#include <gmock/gmock.h>

#include "gemtune/base/error.h"
#include "tests/data/make_dataset.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::train {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class RunPlanTest : public test::TempDir {
 protected:
  RunPlanTest() {
    test::WriteTinyModel(dir_ / "base");
    options_.model = (dir_ / "base").string();
    options_.data.reading.max_length = 4000;
    options_.trainer = {.batch_size = 8, .num_train_epochs = 1};
  }

  RunPlan Plan(const RunOptions& options,
               const MachineMemory& machine = {.resident_bytes = 1'000'000}) const {
    return RunPlan(options, at::kFloat, /*num_outputs=*/3, model::ModelSource::Open(options.model),
                   {&train_, nullptr, nullptr}, machine);
  }

  std::string Refusal(const RunOptions& options, int64_t limit) const {
    return test::MessageOf([&] { Plan(options, WithLimit(limit)).CheckFits(); });
  }

  static MachineMemory WithLimit(int64_t bytes) {
    return {
        .resident_bytes = 1'000'000, .available_bytes = 0, .limit = {.bytes = bytes, .source = "ulimit -v"}};
  }

  // 16 rows of 4,000 tokens: some 30 MB an example of the tiny model.
  data::Dataset train_ = data::MakeDataset(std::vector<int64_t>(16, 4000));
  RunOptions options_;
};

TEST_F(RunPlanTest, TellsTheSizeOfDataAndModel) {
  const auto json = Plan(options_).ToJson();
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
  options_.method = "head";
  EXPECT_EQ(Plan(options_).ToJson()["trained_parameters"], 3 * 16);
}

TEST_F(RunPlanTest, ARunThatFitsToTheByteIsNotRefused) {
  const int64_t peak = Plan(options_).memory().peak();
  EXPECT_NO_THROW(Plan(options_, WithLimit(peak)).CheckFits());
  EXPECT_THAT(Refusal(options_, peak - 1),
              AllOf(HasSubstr("this run needs about "), HasSubstr("(ulimit -v)"), HasSubstr("32000 tokens"),
                    HasSubstr("`per_device_train_batch_size` 8, `max_length` 4000"), Not(HasSubstr("\n"))));
}

TEST_F(RunPlanTest, WhatIsAdvisedFits) {
  RunOptions checkpointed = options_;
  checkpointed.gradient_checkpointing = true;
  const int64_t limit = Plan(checkpointed).memory().peak();
  const std::string advice = Refusal(options_, limit);
  EXPECT_THAT(advice, HasSubstr("`gradient_checkpointing`"));
  const std::string option = "`max_tokens_per_batch` ";
  ASSERT_THAT(advice, HasSubstr(option));
  RunOptions cut = options_;
  cut.trainer.max_tokens_per_batch = std::stoll(advice.substr(advice.find(option) + option.size()));
  EXPECT_GE(cut.trainer.max_tokens_per_batch, 4000);
  EXPECT_NO_THROW(Plan(cut, WithLimit(limit)).CheckFits());
}

TEST_F(RunPlanTest, WhereNoExampleFitsItIsToBeShorter) {
  RunOptions one = options_;
  one.trainer.batch_size = 1;
  EXPECT_THAT(Refusal(one, Plan(one).memory().peak() - 10'000'000),
              HasSubstr("`batch_size` 1 `max_length` "));
}

TEST_F(RunPlanTest, WhereNothingHelpsItSaysSo) {
  EXPECT_THAT(Refusal(options_, 2'000'000), HasSubstr("none of these is enough alone: "));
}

TEST_F(RunPlanTest, WhatOthersHoldIsAWarningOnly) {
  const auto said = [&](int64_t available) {
    testing::internal::CaptureStderr();
    Plan(options_, {.resident_bytes = 1'000'000, .available_bytes = available}).CheckFits();
    return testing::internal::GetCapturedStderr();
  };
  const int64_t more = Plan(options_).memory().peak() - 1'000'000;
  EXPECT_EQ(said(more), "");
  EXPECT_THAT(said(more - 1), HasSubstr("are free now"));
}

TEST_F(RunPlanTest, OfAHeadOnKeptStatesOnlyThoseAreTrainedOn) {
  options_.method = "head";
  EXPECT_EQ(Plan(options_).kept_stages(), 0);  // one epoch: used once
  options_.trainer.num_train_epochs = 2;
  const RunPlan plan = Plan(options_, {.host_available_bytes = 1 << 30});
  EXPECT_EQ(plan.kept_stages(), 9);  // embedding, seven layers, norm
  EXPECT_EQ(plan.memory().kept, 16 * 16 * 4);
  EXPECT_LT(plan.memory().pass, 8 * 1000 * 1000);  // batches of 4,096 tokens, not of 32,000
}

}  // namespace
}  // namespace gemtune::train
