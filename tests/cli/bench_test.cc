#include "gemtune/cli/bench.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "gemtune/base/processors.h"
#include "tests/cli/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_gguf.h"
#include "tests/support/tiny_model.h"

namespace gemtune::cli {
namespace {

namespace fs = std::filesystem;
using test::RunProgram;
using testing::HasSubstr;
using Json = nlohmann::json;

class BenchCommand : public test::TempDir {
 protected:
  BenchCommand() {
    test::WriteTinyModel(dir_ / "base");
    data_ = test::WriteText(dir_ / "data.jsonl", test::GoodAndBad());
  }

  std::vector<std::string> Arguments(std::vector<std::string> more) const {
    std::vector<std::string> all = {
        "bench", "--model", (dir_ / "base").string(), "--train-file", data_, "--steps", "3", "--no-cache"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  Json Measure(std::vector<std::string> more) {
    const auto run = RunProgram(Arguments(std::move(more)));
    EXPECT_EQ(run.exit_code, kDone) << run.err;
    return run.exit_code == kDone ? Json::parse(run.out) : Json();
  }

  std::string data_;
};

TEST_F(BenchCommand, FiguresFitTogether) {
  const Json result = Measure({"--dtype", "fp32", "--threads", "2", "--batch-size", "4"});
  EXPECT_EQ(result["dtype"], "fp32");
  EXPECT_EQ(result["base_dtype"], "auto");
  EXPECT_EQ(result["threads"], 2);
  EXPECT_EQ(result["matmul_dtype"], "auto");
  EXPECT_EQ(result["products"], ops::ProductsAreOwn(at::kFloat) ? "own" : "library");
  EXPECT_EQ(result["processor"], ProcessorName());
  EXPECT_EQ(result["instructions"], ops::InstructionsInUse());
  ASSERT_EQ(result["step_seconds"].size(), 3u);
  double seconds = 0, tokens = 0;
  for (size_t i = 0; i < 3; ++i) {
    seconds += result["step_seconds"][i].get<double>();
    tokens += result["step_tokens"][i].get<double>();
  }
  const double speed = result["tokens_per_second"];
  EXPECT_NEAR(speed, tokens / seconds, 1e-6 * speed);
  EXPECT_NEAR(result["examples_per_second"].get<double>(), 12 / seconds, 1e-6 * 12 / seconds);
  EXPECT_NEAR(result["seconds_per_epoch"].get<double>() * speed, result["train_tokens"].get<double>(), 1e-3);
  double parts = 0;
  for (const auto& part : result["mean_step_split"]) parts += part.get<double>();
  EXPECT_LE(parts, seconds / 3 * 1.000001);
  EXPECT_GT(result["peak_rss_bytes"], 10'000'000);
  const double rate = result["gemm_flops_per_second"];
  EXPECT_NEAR(result["mfu"].get<double>(),
              3 * result["model_flops_per_step"].get<double>() / (seconds * rate), 1e-9);
}

TEST_F(BenchCommand, TheHeadAloneTakesAThirdOfTheOperations) {
  const double full = Measure({"--dtype", "fp32"})["model_flops_per_step"];
  const double head = Measure({"--dtype", "fp32", "--method", "head"})["model_flops_per_step"];
  EXPECT_NEAR(head / full, 1.0 / 3, 0.01);
}

TEST_F(BenchCommand, SaysWhatTheBaseIsHeldIn) {
  const std::string gguf = (dir_ / "m.gguf").string();
  test::WriteTinyGguf(gguf);
  for (const char* base_dtype : {"keep", "q8_0"}) {
    const Json result =
        Measure({"--model", gguf, "--method", "lora", "--dtype", "fp32", "--base-dtype", base_dtype});
    EXPECT_EQ(result["dtype"], "fp32");
    EXPECT_EQ(result["base_dtype"], base_dtype);
  }
}

TEST_F(BenchCommand, InFileOrderEveryStepIsTheNextRows) {
  data_ = test::WriteText(dir_ / "steps.csv", "text,label\ng,a\ng,b\nghi,a\nghi,a\nghijk,a\nghijk,b\n");
  const Json result = Measure({"--in-file-order", "--batch-size", "2"});
  const auto tokenised =
      RunProgram({"tokenize", "--model", (dir_ / "base").string(), "--input-file", data_, "--no-cache"});
  std::vector<int64_t> lengths;
  for (const Json& ids : test::JsonLines(tokenised.out)) lengths.push_back(static_cast<int64_t>(ids.size()));
  // The first two rows are the warm-up; after the last row the file begins again.
  EXPECT_EQ(result["step_tokens"],
            Json({lengths[2] + lengths[3], lengths[4] + lengths[5], lengths[0] + lengths[1]}));
}

TEST_F(BenchCommand, ARunsOwnOptionsTellWhatItCostsAndNothingIsWritten) {
  const auto trained =
      RunProgram({"train", "--model", (dir_ / "base").string(), "--train-file", data_, "--validation-split",
                  "0.25", "--output-dir", (dir_ / "out").string(), "--max-steps", "1", "--no-cache"});
  ASSERT_EQ(trained.exit_code, kDone) << trained.err;
  fs::rename(dir_ / "out" / "run.toml", dir_ / "run.toml");
  fs::remove_all(dir_ / "out");
  const auto run = RunProgram({"bench", "--config", (dir_ / "run.toml").string(), "--steps", "1"});
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_EQ(Json::parse(run.out)["train_examples"], 24);
  EXPECT_FALSE(fs::exists(dir_ / "out"));
}

TEST_F(BenchCommand, BadOptionsAreSaid) {
  const auto complaint = [&](std::vector<std::string> more) {
    const auto run = RunProgram(Arguments(std::move(more)));
    EXPECT_EQ(run.exit_code, kBadInput) << run.err;
    EXPECT_EQ(run.out, "");
    return run.err;
  };
  EXPECT_THAT(complaint({"--steps", "0"}), HasSubstr("--steps"));
  EXPECT_THAT(complaint({"--metric-for-best-model", "x"}), HasSubstr("'x' is not a metric"));
  EXPECT_THAT(complaint({"--train-file", (dir_ / "no.csv").string()}), HasSubstr("no.csv"));
}

}  // namespace
}  // namespace gemtune::cli
