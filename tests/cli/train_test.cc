#include "gemtune/cli/train.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "gemtune/base/file.h"
#include "tests/cli/train_command.h"

namespace gemtune::cli {
namespace {

using test::JsonLines;
using test::RunProgram;
using testing::HasSubstr;
using testing::Not;

TEST_F(TrainCommand, LearnsAndSavesWhatEvaluateAndPredictRead) {
  const Json summary = Learn();
  EXPECT_EQ(summary["test"]["accuracy"], 1.0);
  EXPECT_LT(summary["validation"]["loss"], 0.1);
  EXPECT_THAT(err_, HasSubstr("epoch 12.00"));
  EXPECT_THAT(err_, HasSubstr("best so far"));
  for (const char* name : {"config.json", "model.safetensors", "tokenizer.json", "run.toml",
                           "train_log.jsonl", "all_results.json"}) {
    EXPECT_TRUE(fs::is_regular_file(dir_ / "out" / name)) << name;
  }

  const auto evaluate = RunProgram({"evaluate", "--model", (dir_ / "out").string(), "--test-file", data_,
                                    "--no-cache", "--dtype", "fp32"});
  ASSERT_EQ(evaluate.exit_code, kDone) << evaluate.err;
  const Json metrics = Json::parse(evaluate.out);
  EXPECT_EQ(metrics["accuracy"], 1.0);
  EXPECT_NEAR(metrics["loss"].get<double>(), summary["test"]["loss"].get<double>(), 1e-6);
  EXPECT_EQ(metrics["confusion_matrix"].dump(), "[[16,0],[0,16]]");
  EXPECT_GT(metrics["samples_per_second"], 0);
  EXPECT_GT(metrics["tokens_per_second"], 0);

  const auto predict = RunProgram(
      {"predict", "--model", (dir_ / "out").string(), "--dtype", "fp32", "--logits", "ghh", "bzz"});
  ASSERT_EQ(predict.exit_code, kDone) << predict.err;
  const auto lines = JsonLines(predict.out);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["label"], "good");
  EXPECT_EQ(lines[1]["label"], "bad");
  EXPECT_GT(lines[0]["score"], 0.5);
  EXPECT_NEAR(lines[0]["scores"]["good"].get<double>() + lines[0]["scores"]["bad"].get<double>(), 1.0, 1e-6);
  EXPECT_EQ(lines[0]["logits"].size(), 2u);
}

TEST_F(TrainCommand, QuietItSaysNothingButItsResult) {
  EXPECT_EQ(Learn({"--quiet"})["test"]["accuracy"], 1.0);
  EXPECT_THAT(err_, testing::StartsWith("warning: "));
  EXPECT_THAT(err_, Not(HasSubstr("step ")));
  EXPECT_EQ(Learn({"--log-level", "error"})["test"]["accuracy"], 1.0);
  EXPECT_EQ(err_, "");
}

TEST_F(TrainCommand, EndsEarlyAndReportsWhereItIsTold) {
  const Json summary = Learn({"--early-stopping-patience", "1", "--early-stopping-threshold", "10",
                              "--eval-on-start", "--report-to", "tensorboard", "--logging-steps", "3"});
  EXPECT_EQ(summary["train_steps"], 8);  // after the second epoch, which is not better by 10
  EXPECT_FALSE(fs::exists(dir_ / "out" / "train_log.jsonl"));
  EXPECT_TRUE(fs::exists(dir_ / "out" / "runs"));
  const Json state = Json::parse(ReadFile(dir_ / "out" / "trainer_state.json"));
  EXPECT_EQ(state["log_history"][0]["step"], 0);
  EXPECT_TRUE(state["log_history"][0].contains("eval_auroc"));
  EXPECT_THAT(ReadFile(dir_ / "out" / "README.md"), HasSubstr("model-index"));
  Learn({"--report-to", "none"});
  EXPECT_TRUE(fs::is_empty(dir_ / "out" / "runs"));  // of the run that was overwritten
}

TEST_F(TrainCommand, EarlyStoppingWithoutEvaluationsIsRefused) {
  const auto complaint = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--train-file", data_});
    const auto run = RunProgram(Arguments(more));
    EXPECT_EQ(run.exit_code, kBadInput);
    return run.err;
  };
  EXPECT_THAT(complaint({"--early-stopping-patience", "2"}),
              HasSubstr("--early-stopping-patience looks at evaluations, and there are none"));
  EXPECT_THAT(complaint({"--eval-on-start", "--validation-file", data_, "--eval-strategy", "no"}),
              HasSubstr("--eval-on-start looks at evaluations"));
  EXPECT_THAT(complaint({"--early-stopping-threshold", "0.1"}),
              HasSubstr("--early-stopping-threshold is for"));
  EXPECT_THAT(complaint({"--report-to", "tensorbord"}), HasSubstr("did you mean 'tensorboard'"));
  EXPECT_THAT(complaint({"--report-to", "none,jsonl"}),
              HasSubstr("--report-to: none goes with nothing else"));
}

TEST_F(TrainCommand, TheEffectiveOptionsRepeatTheRun) {
  Learn({"--seed", "7", "--weight-decay", "0.01"});
  const std::string first = ReadFile(dir_ / "out" / "model.safetensors");
  EXPECT_THAT(ReadFile(dir_ / "out" / "run.toml"), HasSubstr("weight-decay = 0.01"));
  const auto again = RunProgram(
      {"train", "--config", (dir_ / "out" / "run.toml").string(), "--output-dir", (dir_ / "again").string()});
  ASSERT_EQ(again.exit_code, kDone) << again.err;
  EXPECT_EQ(ReadFile(dir_ / "again" / "model.safetensors"), first);
}

TEST_F(TrainCommand, BFloat16LearnsToo) {
  const auto run =
      RunProgram({"train", "--model", (dir_ / "base").string(), "--output-dir", (dir_ / "out").string(),
                  "--no-cache", "--dtype", "bf16", "--train-file", data_, "--validation-file", data_,
                  "--num-train-epochs", "12", "--learning-rate", "5e-3"});
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_GE(Json::parse(run.out)["validation"]["accuracy"].get<double>(), 0.95);
  EXPECT_EQ(Json::parse(ReadFile(dir_ / "out" / "config.json"))["dtype"], "bfloat16");
}

TEST_F(TrainCommand, TheHeadAloneLeavesTheTrunkAsItWas) {
  Learn({"--method", "head"});
  const auto before = io::SafetensorsFile::Open(dir_ / "base" / "model.safetensors");
  const auto after = io::SafetensorsFile::Open(dir_ / "out" / "model.safetensors");
  for (const auto& [name, tensor] : after.tensors()) {
    if (name == "score.weight") continue;
    const auto& old = before.tensors().at(name).data;
    EXPECT_TRUE(std::equal(old.begin(), old.end(), tensor.data.begin())) << name;
  }
}

// Names of the tensors that a run changed.
std::set<std::string> Moved(const fs::path& base, const fs::path& out) {
  const auto before = io::SafetensorsFile::Open(base / "model.safetensors");
  const auto after = io::SafetensorsFile::Open(out / "model.safetensors");
  std::set<std::string> names;
  for (const auto& [name, tensor] : after.tensors()) {
    const auto old = before.tensors().find(name);
    if (name == "score.weight" || !std::ranges::equal(old->second.data, tensor.data)) names.insert(name);
  }
  return names;
}

TEST_F(TrainCommand, TheHeadTrainsOnWhatTheTrunkGaveOnce) {
  Learn({"--method", "head"});
  EXPECT_THAT(err_, HasSubstr("kept the frozen layers' results: 0.0 MB"));
  const auto once = RunProgram(Arguments({"--train-file", data_, "--method", "head", "--max-steps", "2"}));
  ASSERT_EQ(once.exit_code, kDone) << once.err;
  EXPECT_THAT(once.err, Not(HasSubstr("kept the frozen")));
}

TEST_F(TrainCommand, FrozenWeightsStayAsTheyWereAndWhatTheyGiveCanBeKept) {
  const std::vector<std::string> freeze = {"--method", "freeze", "--trainable-layers", "6"};
  Learn(freeze);
  const std::vector<double> losses = StepLosses(dir_ / "out");
  const std::set<std::string> moved = Moved(dir_ / "base", dir_ / "out");
  EXPECT_EQ(moved.size(), 15u);
  for (const std::string& name : moved) {
    EXPECT_TRUE(name.starts_with("model.layers.6.") || name == "model.norm.weight" || name == "score.weight")
        << name;
  }
  const auto again = RunProgram({"train", "--config", (dir_ / "out" / "run.toml").string(), "--cache-frozen",
                                 "--output-dir", (dir_ / "kept").string()});
  ASSERT_EQ(again.exit_code, kDone) << again.err;
  EXPECT_THAT(again.err, HasSubstr("kept the frozen layers' results"));
  EXPECT_THAT(StepLosses(dir_ / "kept"), testing::Pointwise(testing::DoubleNear(1e-4), losses));
}

TEST_F(TrainCommand, GradientCheckpointingChangesNothing) {
  Learn();
  const std::string expected = ReadFile(dir_ / "out" / "model.safetensors");
  Learn({"--gradient-checkpointing"});
  EXPECT_EQ(ReadFile(dir_ / "out" / "model.safetensors"), expected);
}

TEST_F(TrainCommand, BatchesInPartsGiveTheSameLosses) {
  Learn();
  const std::vector<double> expected = StepLosses(dir_ / "out");
  Learn({"--max-tokens-per-batch", "10"});
  EXPECT_THAT(StepLosses(dir_ / "out"), testing::Pointwise(testing::DoubleNear(1e-3), expected));
}

TEST_F(TrainCommand, OptionsOfAnotherMethodAndUnknownLayersAreErrorsBeforeTheData) {
  const auto complaint = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--train-file", data_});
    const auto run = RunProgram(Arguments(std::move(more)));
    EXPECT_EQ(run.exit_code, kBadInput) << run.err;
    EXPECT_THAT(run.err, Not(HasSubstr("training examples")));
    return run.err;
  };
  EXPECT_THAT(complaint({"--trainable-layers", "6"}), HasSubstr("--trainable-layers is for --method freeze"));
  EXPECT_THAT(complaint({"--lora-r", "8"}), HasSubstr("--lora-r is for --method lora"));
  EXPECT_THAT(complaint({"--method", "freeze"}), HasSubstr("say what to train"));
  EXPECT_THAT(complaint({"--method", "freeze", "--trainable-layers", "7-"}), HasSubstr("layers 0 to 6"));
  EXPECT_THAT(complaint({"--method", "freeze", "--trainable-parameters", "lora"}),
              HasSubstr("matches no parameter"));
  EXPECT_THAT(complaint({"--cache-frozen"}), HasSubstr("nothing to keep"));
}

TEST_F(TrainCommand, LoraLearnsAndSavesTheAdapterAlone) {
  const Json summary = Learn({"--method", "lora", "--lora-r", "4", "--lora-dropout", "0.05",
                              "--lora-target-modules", "q_proj,v_proj,down_proj", "--learning-rate", "2e-2"});
  EXPECT_EQ(summary["test"]["accuracy"], 1.0);
  for (const char* name :
       {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json", "classifier.json"}) {
    EXPECT_TRUE(fs::is_regular_file(dir_ / "out" / name)) << name;
  }
  // A config.json would make transformers look for a whole model.
  for (const char* name : {"model.safetensors", "config.json"})
    EXPECT_FALSE(fs::exists(dir_ / "out" / name)) << name;
  EXPECT_THAT(err_,
              HasSubstr("training 3616 parameters"));  // 7 layers of 4 · (48 + 32 + 48), and the head's 32

  const auto evaluate = RunProgram({"evaluate", "--model", (dir_ / "out").string(), "--test-file", data_,
                                    "--no-cache", "--dtype", "fp32"});
  ASSERT_EQ(evaluate.exit_code, kDone) << evaluate.err;
  EXPECT_NEAR(Json::parse(evaluate.out)["loss"].get<double>(), summary["test"]["loss"].get<double>(), 1e-6);
  const auto predict =
      RunProgram({"predict", "--model", (dir_ / "out").string(), "--dtype", "fp32", "ghh", "bzz"});
  ASSERT_EQ(predict.exit_code, kDone) << predict.err;
  EXPECT_EQ(JsonLines(predict.out).at(0)["label"], "good");
  EXPECT_EQ(JsonLines(predict.out).at(1)["label"], "bad");

  // The seed is of the adapters' start and of dropout, too.
  const std::string first = ReadFile(dir_ / "out" / "adapter_model.safetensors");
  const auto again = RunProgram(
      {"train", "--config", (dir_ / "out" / "run.toml").string(), "--output-dir", (dir_ / "again").string()});
  ASSERT_EQ(again.exit_code, kDone) << again.err;
  EXPECT_EQ(ReadFile(dir_ / "again" / "adapter_model.safetensors"), first);
}

TEST_F(TrainCommand, AdaptersLearnInBFloat16) {
  for (const char* variant : {"--use-dora", "--use-rslora"}) {
    const auto run = RunProgram({"train",
                                 "--model",
                                 (dir_ / "base").string(),
                                 "--output-dir",
                                 (dir_ / "out").string(),
                                 "--no-cache",
                                 "--dtype",
                                 "bf16",
                                 "--train-file",
                                 data_,
                                 "--validation-file",
                                 data_,
                                 "--num-train-epochs",
                                 "12",
                                 "--learning-rate",
                                 "1e-2",
                                 "--method",
                                 "lora",
                                 variant,
                                 "--overwrite-output-dir"});
    ASSERT_EQ(run.exit_code, kDone) << run.err;
    EXPECT_GE(Json::parse(run.out)["validation"]["accuracy"].get<double>(), 0.95) << variant;
  }
}

TEST_F(TrainCommand, ALayerComputedAgainDropsTheSameNumbers) {
  const auto trained = [&](const std::string& out, std::vector<std::string> more) {
    more.insert(more.end(), {"--train-file", data_, "--method", "lora", "--lora-dropout", "0.5",
                             "--max-steps", "4", "--output-dir", (dir_ / out).string()});
    const auto run = RunProgram(Arguments(std::move(more)));
    EXPECT_EQ(run.exit_code, kDone) << run.err;
    return ReadFile(dir_ / out / "adapter_model.safetensors");
  };
  const std::string expected = trained("kept", {});
  EXPECT_EQ(trained("again", {"--gradient-checkpointing"}), expected);
  EXPECT_NE(trained("other", {"--seed", "7"}), expected);
}

TEST_F(TrainCommand, AnAdapterOfNoModuleIsSaid) {
  const auto run =
      RunProgram(Arguments({"--train-file", data_, "--method", "lora", "--lora-target-modules", "c_attn"}));
  EXPECT_EQ(run.exit_code, kBadInput);
  EXPECT_THAT(run.err, HasSubstr("'c_attn' matches no module"));
  EXPECT_THAT(run.err, Not(HasSubstr("training examples")));  // before the data is tokenised
  EXPECT_THAT(run.err, HasSubstr("'q_proj', 'k_proj'"));
}

TEST_F(TrainCommand, MultiLabel) {
  const std::string data = test::WriteText(dir_ / "multi.jsonl", R"({"text": "gg", "label": ["a"]}
{"text": "bb", "label": ["a", "b"]}
{"text": "cc", "label": []}
)");
  const auto run = RunProgram(Arguments({"--task", "multi-label", "--train-file", data, "--test-file", data,
                                         "--num-train-epochs", "60", "--learning-rate", "5e-3"}));
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_EQ(Json::parse(run.out)["test"]["accuracy"], 1.0);
  const auto predict =
      RunProgram({"predict", "--model", (dir_ / "out").string(), "--dtype", "fp32", "bb", "cc"});
  const auto lines = JsonLines(predict.out);
  EXPECT_EQ(lines.at(0)["labels"].dump(), R"(["a","b"])");
  EXPECT_EQ(lines.at(1)["labels"].dump(), "[]");
}

TEST_F(TrainCommand, Regression) {
  const std::string data = test::WriteText(dir_ / "numbers.csv", "text,label\ngg,1.5\nbb,-1\ncc,0.25\n");
  const auto run = RunProgram(Arguments({"--task", "regression", "--train-file", data, "--test-file", data,
                                         "--num-train-epochs", "80", "--learning-rate", "5e-3"}));
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_LT(Json::parse(run.out)["test"]["mse"], 0.05);
  const auto predict = RunProgram({"predict", "--model", (dir_ / "out").string(), "--dtype", "fp32", "gg"});
  EXPECT_NEAR(JsonLines(predict.out).at(0)["value"].get<double>(), 1.5, 0.4);
}

TEST_F(TrainCommand, ValidationCanBeSplitOffAndSamplesLimited) {
  const auto run = RunProgram(Arguments({"--train-file", data_, "--validation-split", "0.25",
                                         "--max-train-samples", "24", "--num-train-epochs", "1"}));
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_THAT(run.err, HasSubstr("18 training examples"));
  const Json per_class = Json::parse(run.out)["validation"]["per_class"];
  EXPECT_EQ(per_class["good"]["support"].get<int>() + per_class["bad"]["support"].get<int>(), 6);
}

TEST_F(TrainCommand, BadInputIsSaidBeforeAnyWorkAndLeavesNoModel) {
  const auto complaint = [&](std::vector<std::string> more) {
    const auto run = RunProgram(Arguments(std::move(more)));
    EXPECT_EQ(run.exit_code, kBadInput) << run.err;
    EXPECT_FALSE(fs::exists(dir_ / "out" / "model.safetensors"));
    return run.err;
  };
  EXPECT_THAT(complaint({"--train-file", (dir_ / "missing.csv").string()}), HasSubstr("missing.csv"));
  EXPECT_THAT(complaint({"--train-file", data_, "--label-column", "lable"}), HasSubstr("'lable'"));
  EXPECT_THAT(complaint({"--train-file", data_, "--validation-file", data_, "--validation-split", "0.5"}),
              HasSubstr("exclude each other"));
  EXPECT_THAT(complaint({"--train-file", data_, "--label-names", "good,evil"}), HasSubstr("bad"));
  EXPECT_THAT(complaint({"--train-file", data_, "--task", "regression"}), HasSubstr("data.jsonl"));
  EXPECT_THAT(complaint({"--train-file", data_, "--task", "regression", "--label-smoothing-factor", "0.1"}),
              HasSubstr("label-smoothing"));
  const std::string other = test::WriteText(dir_ / "other.jsonl", "{\"text\": \"x\", \"label\": \"ugly\"}\n");
  EXPECT_THAT(complaint({"--train-file", data_, "--test-file", other}), HasSubstr("'ugly'"));
  const std::string metric = complaint({"--train-file", data_, "--metric-for-best-model", "acuracy"});
  EXPECT_THAT(metric,
              HasSubstr("'acuracy' is not a metric of --task classification (did you mean 'accuracy'?)"));
  EXPECT_THAT(metric, Not(HasSubstr("training")));
  test::WriteText(dir_ / "base" / "config.json", "{\"model_type\": \"llama\"}");
  const std::string model = complaint({"--train-file", data_});
  EXPECT_THAT(model, HasSubstr("'llama'"));
  EXPECT_THAT(model, Not(HasSubstr("training")));
}

TEST_F(TrainCommand, TheBestModelByAMetricThatRisesIsTheOneWithTheMost) {
  const Json summary = Learn({"--metric-for-best-model", "accuracy"});
  std::vector<double> accuracies;
  for (const Json& line : JsonLines(ReadFile(dir_ / "out" / "train_log.jsonl"))) {
    if (line["type"] == "evaluation") accuracies.push_back(line["accuracy"]);
  }
  ASSERT_LT(*std::min_element(accuracies.begin(), accuracies.end()), 1.0);
  EXPECT_EQ(summary["validation"]["accuracy"], *std::max_element(accuracies.begin(), accuracies.end()));
  EXPECT_EQ(summary["test"]["accuracy"],
            summary["validation"]["accuracy"]);  // the kept model, on the same data
}

TEST_F(TrainCommand, WarnsOfClassesWithoutExamples) {
  const std::string one = test::WriteText(dir_ / "one.csv", "text,label\ngg,good\ngh,good\n");
  const auto single =
      RunProgram(Arguments({"--train-file", one, "--label-names", "good,bad,ugly", "--max-steps", "1"}));
  EXPECT_EQ(single.exit_code, kDone) << single.err;
  EXPECT_THAT(single.err, HasSubstr("warning: no training example is of the class 'bad', 'ugly': "));
  const std::string lists = test::WriteText(
      dir_ / "lists.jsonl", "{\"text\": \"g\", \"label\": [\"b\"]}\n{\"text\": \"h\", \"label\": []}\n");
  const auto several = RunProgram(Arguments(
      {"--task", "multi-label", "--train-file", lists, "--label-names", "a,b", "--max-steps", "1"}));
  EXPECT_EQ(several.exit_code, kDone) << several.err;
  EXPECT_THAT(several.err, HasSubstr("warning: no training example is of the class 'a': "));
  const auto all = RunProgram(Arguments({"--train-file", data_, "--max-steps", "1"}));
  EXPECT_THAT(all.err, Not(HasSubstr("warning")));
}

TEST_F(TrainCommand, AFileInThePlaceOfTheOutputDirectoryIsAnError) {
  test::WriteText(dir_ / "out", "");
  const auto run = RunProgram(Arguments({"--train-file", data_}));
  EXPECT_EQ(run.exit_code, kBadInput);
  EXPECT_THAT(run.err, HasSubstr("is a file"));
}

}  // namespace
}  // namespace gemtune::cli
