#include "gemtune/cli/evaluate.h"

#include <gmock/gmock.h>

#include "tests/cli/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::cli {
namespace {

using test::RunProgram;
using testing::HasSubstr;

class EvaluateCommand : public test::TempDir {
 protected:
  // A classifier with an untrained head: every class equally likely, the first is predicted.
  EvaluateCommand() {
    test::WriteTinyModel(dir_ / "base");
    model::PretrainedClassifier::FromBase(model::ModelSource::Open(dir_ / "base"),
                                          text::Tokenizer::Load(dir_ / "base"),
                                          {"single_label_classification", {"no", "yes"}})
        .Save(dir_ / "model");
  }

  test::Finished Evaluate(const std::string& rows, std::vector<std::string> more = {}) const {
    const std::string data = test::WriteText(dir_ / "data.jsonl", rows);
    std::vector<std::string> all = {"evaluate",    "--model", (dir_ / "model").string(),
                                    "--test-file", data,      "--no-cache",
                                    "--dtype",     "fp32"};
    all.insert(all.end(), more.begin(), more.end());
    return RunProgram(all);
  }
};

TEST_F(EvaluateCommand, PrintsOneObject) {
  const auto good = Evaluate(
      "{\"text\": \"a\", \"label\": \"no\"}\n{\"text\": \"b\", \"label\": \"yes\"}\n{\"text\": \"c\", "
      "\"label\": \"no\"}\n");
  ASSERT_EQ(good.exit_code, kDone) << good.err;
  const auto metrics = nlohmann::json::parse(good.out);
  EXPECT_NEAR(metrics["loss"].get<double>(), std::log(2.0), 1e-6);
  EXPECT_NEAR(metrics["accuracy"].get<double>(), 2.0 / 3, 1e-12);
  EXPECT_EQ(metrics["per_class"]["no"]["support"], 2);
  for (const char* key : {"macro_f1", "confusion_matrix", "samples_per_second", "tokens_per_second"})
    EXPECT_TRUE(metrics.contains(key));
}

TEST_F(EvaluateCommand, IntegersAreClassIds) {
  const auto run = Evaluate("{\"text\": \"a\", \"label\": 0}\n{\"text\": \"b\", \"label\": 1}\n");
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_EQ(nlohmann::json::parse(run.out)["confusion_matrix"].dump(), "[[1,0],[1,0]]");
}

TEST_F(EvaluateCommand, LeavesBadRowsOutWhereThatIsAskedFor) {
  const std::string good = "{\"text\": \"a\", \"label\": \"no\"}\n{\"text\": \"b\", \"label\": \"yes\"}\n";
  const std::string bad = "{\"text\": \"a\", \"label\": \"maybe\"}\n{\"text\": \"a\"}\n";
  const auto run = Evaluate(bad + good, {"--on-bad-row", "skip"});
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_THAT(run.err, HasSubstr("skipped 2 of 4 rows (1 without the column, 1 of no usable label)"));
  EXPECT_EQ(nlohmann::json::parse(run.out)["confusion_matrix"],
            nlohmann::json::parse(Evaluate(good).out)["confusion_matrix"]);
}

TEST_F(EvaluateCommand, SaysWhatIsWrong) {
  EXPECT_THAT(Evaluate("{\"text\": \"a\", \"label\": \"maybe\"}\n").err, HasSubstr("'maybe'"));
  EXPECT_THAT(Evaluate("{\"txt\": \"a\"}\n").err, HasSubstr("'text'"));
  EXPECT_THAT(Evaluate("").err, HasSubstr("data.jsonl"));
  test::RewriteTinyModel(dir_ / "base", {});  // which leaves the head out
  const auto base = RunProgram({"evaluate", "--model", (dir_ / "base").string(), "--test-file", "x"});
  EXPECT_EQ(base.exit_code, kBadInput);
  EXPECT_THAT(base.err, HasSubstr("not a fine-tuned classifier"));
}

}  // namespace
}  // namespace gemtune::cli
