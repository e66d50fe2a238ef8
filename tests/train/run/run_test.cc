#include "gemtune/train/run/run.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"
#include "tests/train/run/run_files.h"

namespace gemtune::train {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

class RunTest : public RunFiles {
 protected:
  RunTest() { options_.output_dir = dir_ / "out"; }

  std::string Complaint(const RunRecord& record = {}) {
    return test::MessageOf([&] { train::Run(options_, record).Train(); });
  }
};

TEST_F(RunTest, TrainsMeasuresAndKeepsTheModel) {
  options_.data.validation_split = 0.25;
  options_.data.test_files = options_.data.train_files;
  class Counter : public Observer {
   public:
    void OnStep(const StepReport&) override { ++steps; }
    int64_t steps = 0;
  } counter;
  train::Run run(options_);
  EXPECT_TRUE(fs::is_empty(dir_ / "out"));
  const RunResult result = run.Train({&counter});
  EXPECT_FALSE(result.is_stopped);
  EXPECT_EQ(counter.steps, run.plan().size().steps);
  EXPECT_EQ(result.summary["train_steps"], 3);
  EXPECT_TRUE(result.summary["validation"].contains("accuracy"));
  EXPECT_TRUE(result.summary["test"].contains("accuracy"));
  for (const char* name :
       {"model.safetensors", "config.json", "tokenizer.json", "train_log.jsonl", "all_results.json"})
    EXPECT_TRUE(fs::exists(dir_ / "out" / name)) << name;
  EXPECT_EQ(OpenTrained(dir_ / "out")->Evaluate(*run.data().test)["accuracy"],
            result.summary["test"]["accuracy"]);
}

TEST_F(RunTest, SaysEarlyWhatIsKnownEarly) {
  options_.data.train_files = {"no such file"};
  options_.output_dir = dir_ / "base";
  EXPECT_THAT(Complaint(), HasSubstr("`output_dir`"));
  options_.output_dir.clear();
  options_.method_options.lora.target_modules = {"q_prooj"};
  options_.method = "lora";
  EXPECT_THAT(Complaint(), HasSubstr("q_prooj"));
  options_.method = "full";
  EXPECT_THAT(Complaint(), HasSubstr("no such file"));
}

TEST_F(RunTest, WithoutADirectoryItIsForMeasuringOnly) {
  options_.output_dir.clear();
  train::Run run(options_);
  EXPECT_EQ(run.plan().size().steps, 4);
  const Task& task = run.LoadModel();
  EXPECT_EQ(&task, &run.task());
  EXPECT_THAT(test::MessageOf([&] { run.Train(); }), HasSubstr("`output_dir` is required"));
}

// After a requested stop the run resumes as if it had not stopped, but only with the same options.
TEST_F(RunTest, GoesOnWhereItWasStopped) {
  {
    int64_t asked = 0;
    train::Run stopped(options_, {.options = {{"--seed", "42"}}},
                       {.stop_requested = [&] { return ++asked > 2; }});
    EXPECT_TRUE(stopped.Train().is_stopped);
  }
  options_.resume_from_checkpoint = "auto";
  EXPECT_THAT(Complaint({.options = {{"--seed", "7"}}}), HasSubstr("--seed was 42 and is 7"));
  {
    train::Run run(options_, {.options = {{"--seed", "42"}}});
    const RunResult result = run.Train();
    EXPECT_EQ(result.state.steps, 4);
  }
  options_.resume_from_checkpoint.clear();
  options_.output_dir = dir_ / "whole";
  train::Run(options_).Train();
  EXPECT_EQ(ReadFile(dir_ / "out" / "model.safetensors"), ReadFile(dir_ / "whole" / "model.safetensors"));
}

TEST_F(RunTest, WithoutARecordOfItsOwnItIsKnownByItsOptionsAllTheSame) {
  {
    int64_t asked = 0;
    train::Run stopped(options_, {}, {.stop_requested = [&] { return ++asked > 2; }});
    EXPECT_TRUE(stopped.Train().is_stopped);
  }
  EXPECT_THAT(ReadFile(dir_ / "out" / "run.toml"), HasSubstr("\n# seed = 42\n"));
  options_.resume_from_checkpoint = "auto";
  options_.trainer.seed = 7;
  options_.learning_rate = 0.5;
  EXPECT_THAT(Complaint(), HasSubstr("learning_rate was 1e-05 and is 0.5; seed was 42 and is 7"));
  options_.trainer.seed = 42;
  options_.learning_rate.reset();
  EXPECT_EQ(train::Run(options_).Train().state.steps, 4);
}

TEST_F(RunTest, OtherDataIsAnotherRun) {
  {
    int64_t asked = 0;
    train::Run stopped(options_, {}, {.stop_requested = [&] { return ++asked > 2; }});
    EXPECT_TRUE(stopped.Train().is_stopped);
  }
  options_.resume_from_checkpoint = "auto";
  options_.data.max_train_samples = 30;
  EXPECT_THAT(Complaint(), HasSubstr("training data was"));
}

TEST_F(RunTest, AnEvaluationIsNotWaitedFor) {
  options_.data.test_files = options_.data.train_files;
  bool stops = false;
  class AtTheEnd : public Observer {
   public:
    explicit AtTheEnd(bool& stops) : stops_(stops) {}
    void OnEnd() override { stops_ = true; }

   private:
    bool& stops_;
  } at_the_end(stops);
  const RunResult result =
      train::Run(options_, {}, {.stop_requested = [&] { return stops; }}).Train({&at_the_end});
  EXPECT_TRUE(result.is_stopped);
  EXPECT_FALSE(fs::exists(dir_ / "out" / "all_results.json"));
}

}  // namespace
}  // namespace gemtune::train
