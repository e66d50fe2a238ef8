// Training that starts from a classifier.
#include <gmock/gmock.h>

#include "gemtune/cli/train.h"
#include "tests/cli/train_command.h"

namespace gemtune::cli {
namespace {

using test::RunProgram;
using testing::HasSubstr;

class TrainAgain : public TrainCommand {
 protected:
  // A classifier whose names are not in the order that training would find.
  TrainAgain() {
    Learn({"--label-names", "good,bad"});
    fs::rename(dir_ / "out", dir_ / "first");
    first_ = (dir_ / "first").string();
  }

  // On from it, at a rate of zero, so that what is measured is what it was.
  test::Finished GoOn(const std::string& data, std::vector<std::string> more = {}) {
    std::vector<std::string> all = {"--model",           first_, "--train-file",       data,
                                    "--validation-file", data,   "--learning-rate",    "0",
                                    "--weight-decay",    "0",    "--num-train-epochs", "1"};
    all.insert(all.end(), more.begin(), more.end());
    return RunProgram(Arguments(all));
  }

  static double Accuracy(const test::Finished& run) {
    EXPECT_EQ(run.exit_code, kDone) << run.err;
    return run.exit_code == kDone ? Json::parse(run.out)["validation"]["accuracy"].get<double>() : -1;
  }

  std::string Names() const { return Json::parse(ReadFile(dir_ / "out" / "config.json"))["id2label"].dump(); }

  std::string Data(const std::string& name, const std::string& rows) const {
    return test::WriteText(dir_ / name, "text,label\n" + rows);
  }

  std::string first_;
};

TEST_F(TrainAgain, RowsOfTheHeadFollowTheirNames) {
  const auto run = GoOn(data_);
  EXPECT_EQ(Accuracy(run), 1.0);
  EXPECT_EQ(Names(), R"({"0":"good","1":"bad"})");
  EXPECT_THAT(run.err, HasSubstr("head: continues with the model's 'good', 'bad'\n"));
}

TEST_F(TrainAgain, IntegersAreItsIds) {
  EXPECT_EQ(Accuracy(GoOn(Data("ints.csv", "ghh,0\nbhh,1\ngii,0\nbjj,1\n"))), 1.0);
  EXPECT_EQ(Names(), R"({"0":"good","1":"bad"})");
  const auto beyond = GoOn(Data("more.csv", "ghh,0\nbhh,1\ngii,2\n"));
  EXPECT_EQ(beyond.exit_code, kBadInput);
  EXPECT_THAT(beyond.err, HasSubstr("row 3: label '2' is not one of 'good', 'bad'"));
}

TEST_F(TrainAgain, ANewClassIsANewRow) {
  const auto run = GoOn(Data("three.csv", "ghh,good\nbhh,bad\nxyz,ugly\n"));
  EXPECT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_EQ(Names(), R"({"0":"good","1":"bad","2":"ugly"})");
  EXPECT_THAT(run.err, HasSubstr("head: continues with the model's 'good', 'bad'; 'ugly' begin at zero\n"));
}

TEST_F(TrainAgain, SomeOfItsClassesKeepTheWholeHead) {
  GoOn(Data("three.csv", "ghh,good\nbhh,bad\nxyz,ugly\n"));
  fs::rename(dir_ / "out", dir_ / "three");
  first_ = (dir_ / "three").string();
  EXPECT_EQ(Accuracy(GoOn(data_)), 1.0);
  EXPECT_EQ(Names(), R"({"0":"good","1":"bad","2":"ugly"})");
}

TEST_F(TrainAgain, OtherClassesAreRefusedUntilTheyAreNamed) {
  const std::string data = Data("others.csv", "ghh,up\nbhh,down\n");
  const auto run = GoOn(data);
  EXPECT_EQ(run.exit_code, kBadInput);
  EXPECT_THAT(run.err, HasSubstr("--label-names"));
  EXPECT_FALSE(fs::exists(dir_ / "out" / "run.toml"));
  const auto named = GoOn(data, {"--label-names", "up,down"});
  EXPECT_EQ(named.exit_code, kDone) << named.err;
  EXPECT_THAT(named.err,
              HasSubstr("head: starts from zero; the model's (single_label_classification, 'good', 'bad')"));
  EXPECT_EQ(Names(), R"({"0":"up","1":"down"})");
}

TEST_F(TrainAgain, AHeadWithoutNamesIsNamedByIds) {
  Json config = Json::parse(ReadFile(dir_ / "first" / "config.json"));
  config["id2label"] = {{"0", "LABEL_0"}, {"1", "LABEL_1"}};
  config["label2id"] = {{"LABEL_0", 0}, {"LABEL_1", 1}};
  WriteFileAtomically(dir_ / "first" / "config.json", config.dump());
  EXPECT_EQ(GoOn(data_).exit_code, kBadInput);
  EXPECT_EQ(Accuracy(GoOn(data_, {"--label-names", "good,bad"})), 1.0);
}

TEST_F(TrainAgain, InPlaceIsRefusedBeforeAnythingIsWritten) {
  const std::string before = ReadFile(dir_ / "first" / "run.toml");
  fs::create_directory_symlink(dir_ / "first", dir_ / "link");
  for (const char* out : {"first", "link", "first/../first"}) {
    const auto run = GoOn(data_, {"--output-dir", (dir_ / out).string()});
    EXPECT_EQ(run.exit_code, kBadInput);
    EXPECT_THAT(run.err, HasSubstr("would be overwritten by its own results; give another --output-dir"));
  }
  EXPECT_EQ(ReadFile(dir_ / "first" / "run.toml"), before);
}

TEST_F(TrainAgain, WeightsThatAreNotFiniteAreNamed) {
  auto classifier = model::PretrainedClassifier::FromTrained(first_);
  {
    const at::NoGradGuard no_grad;
    classifier.model->named_parameters()["model.layers.3.mlp.down_proj.weight"][1][2] = std::nan("");
  }
  classifier.Save(first_);
  const auto predict = RunProgram({"predict", "--model", first_, "--dtype", "fp32", "gg", "bb"});
  EXPECT_EQ(predict.exit_code, kBadInput);
  EXPECT_EQ(predict.out, "");
  EXPECT_THAT(predict.err,
              HasSubstr("row 1: the model's output is nan (2 of 2 rows are affected): "
                        "'model.layers.3.mlp.down_proj.weight' holds numbers that are not finite"));
  const auto evaluate =
      RunProgram({"evaluate", "--model", first_, "--test-file", data_, "--dtype", "fp32", "--no-cache"});
  EXPECT_EQ(evaluate.exit_code, kBadInput);
  EXPECT_THAT(evaluate.err, HasSubstr("32 of 32 rows"));
}

TEST_F(TrainCommand, RegressionWithSeveralOutputs) {
  const std::string data = test::WriteText(dir_ / "two.jsonl", R"({"text": "gg", "label": [1.5, -1]}
{"text": "bb", "label": [-1, 2]}
{"text": "cc", "label": [0.25, 0.5]}
)");
  const auto run = RunProgram(Arguments({"--task", "regression", "--train-file", data, "--test-file", data,
                                         "--num-train-epochs", "80", "--learning-rate", "5e-3"}));
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_LT(Json::parse(run.out)["test"]["mse"], 0.1);
  const Json config = Json::parse(ReadFile(dir_ / "out" / "config.json"));
  EXPECT_EQ(config["problem_type"], "regression");
  EXPECT_EQ(config["id2label"].size(), 2u);
  const auto predict = RunProgram({"predict", "--model", (dir_ / "out").string(), "--dtype", "fp32", "gg"});
  const Json values = test::JsonLines(predict.out).at(0)["values"];
  ASSERT_EQ(values.size(), 2u);
  EXPECT_NEAR(values[0].get<double>(), 1.5, 0.5);
  EXPECT_NEAR(values[1].get<double>(), -1, 0.5);
  const std::string one = test::WriteText(dir_ / "one.csv", "text,label\ngg,1.5\n");
  const auto evaluate =
      RunProgram({"evaluate", "--model", (dir_ / "out").string(), "--test-file", one, "--no-cache"});
  EXPECT_EQ(evaluate.exit_code, kBadInput);
  EXPECT_THAT(evaluate.err, HasSubstr("one.csv: row 1: "));
}

TEST_F(TrainCommand, OfManyClassesTheWorstAreShownAndAllAreInTheFile) {
  std::string rows = "text,label\n";
  for (int c = 0; c < 30; ++c)
    rows += "g" + std::string(static_cast<size_t>(c + 1), 'h') + ",c" + std::to_string(c) + "\n";
  const std::string data = test::WriteText(dir_ / "many.csv", rows);
  const auto run = RunProgram(Arguments({"--train-file", data, "--validation-file", data, "--test-file", data,
                                         "--method", "head", "--num-train-epochs", "1"}));
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  const Json shown = Json::parse(run.out), all = Json::parse(ReadFile(dir_ / "out" / "all_results.json"));
  for (const char* part : {"validation", "test"}) {
    EXPECT_EQ(all[part]["confusion_matrix"].size(), 30u);
    EXPECT_FALSE(shown[part].contains("confusion_matrix") || shown[part].contains("per_class"));
    EXPECT_EQ(shown[part]["worst_confusions"].size(), 10u);
    EXPECT_EQ(shown[part]["accuracy"], all[part]["accuracy"]);
  }
  EXPECT_LT(std::count(run.out.begin(), run.out.end(), '\n'), 300);
  EXPECT_THAT(ReadFile(dir_ / "out" / "train_log.jsonl"), testing::Not(HasSubstr("confusion_matrix")));

  const std::string file = (dir_ / "results.json").string();
  const auto evaluate = RunProgram({"evaluate", "--model", (dir_ / "out").string(), "--test-file", data,
                                    "--dtype", "fp32", "--no-cache", "--output-file", file});
  ASSERT_EQ(evaluate.exit_code, kDone) << evaluate.err;
  EXPECT_EQ(Json::parse(ReadFile(file))["confusion_matrix"], all["test"]["confusion_matrix"]);
  EXPECT_EQ(Json::parse(evaluate.out)["worst_confusions"], shown["test"]["worst_confusions"]);
}

}  // namespace
}  // namespace gemtune::cli
