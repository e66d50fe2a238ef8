#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "gemtune/base/file.h"
#include "tests/cli/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::cli {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// gemtune train on a tiny model and 32 rows.
class TrainCommand : public test::TempDir {
 protected:
  TrainCommand() {
    test::WriteTinyModel(dir_ / "base");
    data_ = test::WriteText(dir_ / "data.jsonl", test::GoodAndBad());
  }

  // A test runs several times into one directory.
  std::vector<std::string> Arguments(std::vector<std::string> more) const {
    const bool goes_on = std::ranges::find(more, "--resume-from-checkpoint") != more.end();
    if (!goes_on) more.emplace_back("--overwrite-output-dir");
    std::vector<std::string> all = {
        "train",   "--model", (dir_ / "base").string(), "--output-dir", (dir_ / "out").string(), "--no-cache",
        "--dtype", "fp32"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  // Trains until the tiny model can tell g from b, and returns the summary.
  Json Learn(std::vector<std::string> more = {}) {
    std::vector<std::string> all = {"--train-file",    data_, "--validation-file",  data_,
                                    "--test-file",     data_, "--num-train-epochs", "12",
                                    "--learning-rate", "5e-3"};
    all.insert(all.end(), more.begin(), more.end());
    const auto run = test::RunProgram(Arguments(all));
    EXPECT_EQ(run.exit_code, kDone) << run.err;
    err_ = run.err;
    return run.exit_code == kDone ? Json::parse(run.out) : Json();
  }

  std::string data_, err_;
};

/// Loss of every step.
inline std::vector<double> StepLosses(const fs::path& out) {
  std::vector<double> losses;
  for (const Json& line : test::JsonLines(ReadFile(out / "train_log.jsonl"))) {
    if (line["type"] == "step") losses.push_back(line["loss"]);
  }
  return losses;
}

}  // namespace gemtune::cli
