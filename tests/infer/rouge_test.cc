// Against rouge_score, see golden/generate_rouge.py.
#include "gemtune/infer/rouge.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "gemtune/base/file.h"

namespace gemtune::infer {
namespace {

TEST(RougeL, EqualsRougeScore) {
  const auto path =
      std::filesystem::path(GEMTUNE_SOURCE_DIR) / "tests" / "infer" / "golden" / "rouge_golden.json";
  const auto rows = nlohmann::json::parse(ReadFile(path));
  EXPECT_GT(rows.size(), 50u);
  for (const auto& row : rows) {
    const RougeL score = ScoreRougeL(row["reference"].get<std::string>(), row["text"].get<std::string>());
    EXPECT_DOUBLE_EQ(score.precision, row["precision"].get<double>()) << row;
    EXPECT_DOUBLE_EQ(score.recall, row["recall"].get<double>()) << row;
    EXPECT_DOUBLE_EQ(score.fmeasure, row["fmeasure"].get<double>()) << row;
  }
}

}  // namespace
}  // namespace gemtune::infer
