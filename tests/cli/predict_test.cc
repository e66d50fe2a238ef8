#include "gemtune/cli/predict.h"

#include <gmock/gmock.h>

#include <cmath>
#include <iostream>

#include "gemtune/base/file.h"
#include "tests/cli/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::cli {
namespace {

using test::JsonLines;
using test::RunProgram;
using testing::HasSubstr;

class PredictCommand : public test::TempDir {
 protected:
  PredictCommand() {
    test::WriteTinyModel(dir_ / "base");
    auto classifier = model::PretrainedClassifier::FromBase(model::ModelSource::Open(dir_ / "base"),
                                                            text::Tokenizer::Load(dir_ / "base"),
                                                            {"single_label_classification", {"no", "yes"}});
    const at::NoGradGuard no_grad;
    classifier.model->score()->weight.normal_();
    classifier.Save(dir_ / "model");
  }

  std::vector<std::string> Arguments(std::vector<std::string> more) const {
    std::vector<std::string> all = {"predict", "--model", (dir_ / "model").string(),
                                    "--dtype", "fp32",    "--no-cache"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST_F(PredictCommand, TextsFilesAndStandardInputGiveTheSameInOrder) {
  const std::vector<std::string> texts = {"a long one, much longer", "b", "", "middle"};
  std::string rows, lines;
  for (const std::string& text : texts) {
    rows += nlohmann::json{{"text", text}}.dump() + "\n";
    lines += text + "\r\n";
  }
  const auto file =
      RunProgram(Arguments({"--input-file", test::WriteText(dir_ / "texts.jsonl", rows), "--logits"}));
  ASSERT_EQ(file.exit_code, kDone) << file.err;
  ASSERT_EQ(JsonLines(file.out).size(), 4u);

  std::istringstream input(lines);
  std::streambuf* const kept = std::cin.rdbuf(input.rdbuf());
  const auto standard = RunProgram(Arguments({"--logits"}));
  std::cin.rdbuf(kept);
  std::cin.clear();
  EXPECT_EQ(standard.out, file.out);

  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].empty()) continue;
    const auto alone = RunProgram(Arguments({"--logits", texts[i]}));
    for (int c = 0; c < 2; ++c) {
      EXPECT_NEAR(JsonLines(alone.out).at(0)["logits"][c].get<double>(),
                  JsonLines(file.out)[i]["logits"][c].get<double>(), 1e-4);
    }
  }
}

TEST_F(PredictCommand, ExplainsWhatTheTokensContribute) {
  const std::string page = (dir_ / "page.html").string();
  const auto run = RunProgram(Arguments({"--explain", "--explain-html", page, "a <b> c", "the other one"}));
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  const auto lines = JsonLines(run.out);
  ASSERT_EQ(lines.size(), 2u);
  for (const auto& line : lines) {
    const auto& explanation = line["explanation"];
    EXPECT_EQ(explanation["label"], line["label"]);
    double sum = 0;
    std::string text;
    for (const auto& token : explanation["tokens"]) {
      sum += token["contribution"].get<double>();
      text += token["token"].get<std::string>();
    }
    EXPECT_TRUE(text == "<bos>a <b> c" || text == "<bos>the other one") << text;
    const double change = explanation["logit"].get<double>() - explanation["baseline_logit"].get<double>();
    EXPECT_LE(std::fabs(sum - change), 0.01 * std::max(std::fabs(change), 0.01));
  }
  EXPECT_THAT(ReadFile(page), HasSubstr("&lt;</span>"));
  const auto check = RunProgram(Arguments({"--explain", "--explain-method", "occlusion", "a <b> c"}));
  EXPECT_EQ(JsonLines(check.out)[0]["explanation"]["tokens"].size(),
            lines[0]["explanation"]["tokens"].size());
}

TEST_F(PredictCommand, ASkippedRowKeepsItsLine) {
  const std::string rows =
      "{\"text\": null}\n{\"text\": \"a\"}\n{\"txt\": \"b\"}\n{\"text\": \"c\"}\n{\"text\": 5}\n";
  const std::string path = test::WriteText(dir_ / "texts.jsonl", rows);
  EXPECT_EQ(RunProgram(Arguments({"--input-file", path})).exit_code, kBadInput);
  const auto run = RunProgram(Arguments({"--input-file", path, "--on-bad-row", "skip"}));
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  const auto lines = JsonLines(run.out);
  ASSERT_EQ(lines.size(), 5u);
  for (const size_t good : {1, 3}) EXPECT_TRUE(lines[good].contains("label"));
  EXPECT_EQ(lines[0]["error"], path + ": row 1: 'text' is null");
  EXPECT_THAT(lines[2]["error"].get<std::string>(), HasSubstr("row 3: has no column 'text'"));
  EXPECT_THAT(lines[4]["error"].get<std::string>(), HasSubstr("row 5: 'text' is a JSON number"));
  EXPECT_THAT(run.err, HasSubstr("warning: " + path +
                                 ": skipped 3 of 5 rows (1 without the column, 1 null, 1 of the "));

  const auto texts = RunProgram(Arguments({"--on-bad-row", "skip", "good", "\xff"}));
  ASSERT_EQ(texts.exit_code, kDone) << texts.err;
  ASSERT_EQ(JsonLines(texts.out).size(), 2u);
  EXPECT_EQ(JsonLines(texts.out)[1]["error"], "text 2: is not valid UTF-8");
}

TEST_F(PredictCommand, SaysWhatIsWrong) {
  const auto both = RunProgram(Arguments({"--input-file", "x.jsonl", "text"}));
  EXPECT_EQ(both.exit_code, kBadInput);
  EXPECT_THAT(both.err, HasSubstr("not both"));
  EXPECT_EQ(RunProgram(Arguments({"--input-file", "missing.jsonl"})).exit_code, kBadInput);
  const auto argument = RunProgram(Arguments({"good", "\xff"}));
  EXPECT_EQ(argument.exit_code, kBadInput);
  EXPECT_THAT(argument.err, HasSubstr("text 2: is not valid UTF-8"));
  std::istringstream input("good\n\xc3\n");
  std::streambuf* const kept = std::cin.rdbuf(input.rdbuf());
  const auto standard = RunProgram(Arguments({}));
  std::cin.rdbuf(kept);
  std::cin.clear();
  EXPECT_EQ(standard.exit_code, kBadInput);
  EXPECT_THAT(standard.err, HasSubstr("standard input: line 2: is not valid UTF-8"));
}

}  // namespace
}  // namespace gemtune::cli
